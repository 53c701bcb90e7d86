"""The variants of a product as choices on its page: by picture and colour, and by size."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from catalog.search.card_details import Variant
from catalog.text import fold
from shop.cards import product_url
from shop.models import Product
from shop.templatetags.storefront import attribute_values

SIZE_ORDER = dict(
    zip(("xxs", "xs", "s", "m", "l", "xl", "xxl", "2xl", "xxxl", "3xl"), count(), strict=False)
)
"""The order of sizes that are letters."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A variant as a link."""

    label: str
    url: str
    in_stock: bool
    is_chosen: bool
    image_path: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """`pictures` are the looks to choose from, mostly colours; `sizes` those of the chosen look.
    A list with nothing to choose is empty."""

    pictures: Sequence[Choice]
    sizes: Sequence[Choice]


def variant_choices(
    product: Product,
    variants: Sequence[Variant],
    products: Mapping[int, Product],
    size_names: Sequence[str],
) -> Choices:
    """The choices on the page of `product`.

    Args:
        variants: its variants, itself first; empty if it has none.
        products: the same by their ids; one that is missing was deleted meanwhile.
        size_names: the attributes that are sizes.
    """
    own_sizes = sizes_of(product, size_names)
    looks: dict[tuple[str, str], list[tuple[Variant, Product]]] = {}
    for variant in variants:
        if other := products.get(variant.id):
            look = other.colour.casefold(), _look(variant, other, size_names)
            looks.setdefault(look, []).append((variant, other))
    colours = Counter(colour for colour, _ in looks)
    pictures = []
    for (colour, _), group in looks.items():
        variant, other = min(
            group,
            key=lambda it: (
                it[1].pk != product.pk,
                sizes_of(it[1], size_names) != own_sizes,
                not it[1].in_stock,
            ),
        )
        chosen = any(it.pk == product.pk for _, it in group)
        in_stock = any(it.in_stock for _, it in group)
        label = other.colour if colours[colour] == 1 and colour else other.title
        pictures.append(Choice(label, product_url(other.sku), in_stock, chosen, variant.image_path))
    same = next(
        (group for group in looks.values() if any(it.pk == product.pk for _, it in group)), []
    )
    sizes = _sizes(product, [it for _, it in same], size_names)
    return Choices(
        pictures if len(pictures) > 1 else (),
        sizes if len(sizes) > 1 else (),
    )


def sizes_of(product: Product, size_names: Iterable[str]) -> list[str]:
    """The sizes of a product, of the first of its attributes that are sizes."""
    attributes = product.attributes if isinstance(product.attributes, dict) else {}
    wanted = set(size_names)
    for name, value in attributes.items():
        if fold(name) in wanted and (values := attribute_values(value)):
            return values
    return []


def _look(variant: Variant, product: Product, size_names: Sequence[str]) -> str:
    """What tells variants of one colour apart: the picture, unless they differ in size."""
    return "" if len(sizes_of(product, size_names)) == 1 else variant.image_path


def _sizes(
    product: Product, same_look: Iterable[Product], size_names: Sequence[str]
) -> list[Choice]:
    """A choice for each size of which there is a product."""
    by_size: dict[str, Product] = {}
    for other in same_look:
        sizes = sizes_of(other, size_names)
        if len(sizes) == 1 and (sizes[0] not in by_size or other.pk == product.pk):
            by_size[sizes[0]] = other
    return [
        Choice(size, product_url(it.sku), it.in_stock, it.pk == product.pk)
        for size, it in sorted(by_size.items(), key=lambda item: _size_order(item[0]))
    ]


def _size_order(size: str) -> tuple[int, float, str]:
    try:
        return 1, float(size.replace(",", ".")), size
    except ValueError:
        known = SIZE_ORDER.get(size.casefold())
        return (0, known, size) if known is not None else (2, 0, size)
