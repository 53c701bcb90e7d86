"""RGB values of colour names."""

HEX = {
    "black": "#26262a",
    "white": "#fbfaf7",
    "off white": "#f4efe4",
    "cream": "#f1e6cf",
    "ivory": "#f6f0e0",
    "beige": "#d8c3a2",
    "nude": "#e3bc9a",
    "skin": "#e6c3a5",
    "khaki": "#a99a6c",
    "tan": "#b98a5a",
    "camel": "#b98a5a",
    "brown": "#75503a",
    "coffee": "#5a3f31",
    "mushroom": "#a8978a",
    "taupe": "#8b7d72",
    "rust": "#ad5433",
    "copper": "#b3714a",
    "bronze": "#94703f",
    "gold": "#c9a24f",
    "mustard": "#cf9a34",
    "yellow": "#f0c445",
    "lime": "#a9cf3f",
    "orange": "#e57d38",
    "coral": "#f07f68",
    "peach": "#f5bda0",
    "red": "#c8323a",
    "maroon": "#77202f",
    "burgundy": "#6d1f32",
    "rose": "#d9798f",
    "pink": "#eb9db5",
    "fuchsia": "#cf3f8c",
    "magenta": "#c02a86",
    "mauve": "#a98ba3",
    "purple": "#71498f",
    "violet": "#7b4fb0",
    "lavender": "#b9a6d9",
    "navy": "#27355f",
    "blue": "#2f68b5",
    "light blue": "#9cc3e2",
    "turquoise": "#3fb8b4",
    "teal": "#24787d",
    "sea green": "#3f9c82",
    "mint": "#a9d6bf",
    "green": "#2f8058",
    "light green": "#9bcf8f",
    "olive": "#737348",
    "charcoal": "#4b4f57",
    "grey": "#9498a0",
    "gray": "#9498a0",
    "steel": "#7d8791",
    "silver": "#c3c7cd",
    "metallic": "#a5a9b0",
}


def swatch(name: str) -> str | None:
    """The colour of the longest known name in `name`, as `#rrggbb`; None if it has none."""
    words = name.lower().replace("-", " ").split()
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length, -1, -1):
            if known := HEX.get(" ".join(words[start : start + length])):
                return known
    return None
