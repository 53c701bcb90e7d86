"""The words and sentences of titles and descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class MaterialWords(NamedTuple):
    """A material: a tag for the title and sentences for the description."""

    tag: str
    sentences: tuple[str, ...]


class PatternWords(NamedTuple):
    """A pattern: adjectives for the title and sentences that may mention the `{colour}`."""

    adjectives: tuple[str, ...]
    sentences: tuple[str, ...]


OPENINGS: Final = (
    "{thing} {whom} with {facts}.",
    "{thing} with {facts}, made {whom}.",
    "With {facts}, this is {thing} {whom} to reach for again and again.",
    "{thing} {whom} that gets the details right: {facts}.",
    "Cut with {facts}: {thing} {whom}.",
)


FOR_WHOM: Final[Mapping[str, str]] = {
    "Men": "for men",
    "Women": "for women",
    "Boys": "for boys",
    "Girls": "for girls",
    "Unisex": "for everyone",
}


MATERIALS: Final[Mapping[str, MaterialWords]] = {
    "cotton": MaterialWords(
        "Cotton", ("Made of soft cotton.", "The cotton breathes and washes well.")
    ),
    "poplin": MaterialWords(
        "Poplin",
        (
            "Crisp cotton poplin, light on the skin.",
            "Made of smooth poplin that irons in a minute.",
        ),
    ),
    "linen": MaterialWords(
        "Linen", ("Made of airy linen.", "The linen gets softer with every wash.")
    ),
    "jersey": MaterialWords(
        "Jersey", ("Soft jersey that keeps its shape.", "Made of a smooth cotton jersey.")
    ),
    "fleece": MaterialWords(
        "", ("Brushed inside, warm and soft.", "Made of a sturdy cotton fleece.")
    ),
    "knit": MaterialWords(
        "Knit", ("Knitted from a fine yarn that does not scratch.", "A warm, even knit.")
    ),
    "cable": MaterialWords(
        "Cable-Knit", ("Cables run from top to bottom.", "Knitted in a classic cable pattern.")
    ),
    "denim": MaterialWords(
        "", ("Washed denim, soft from the first day.", "Made of sturdy denim that ages well.")
    ),
    "twill": MaterialWords(
        "Twill", ("Woven as a sturdy cotton twill.", "Made of a smooth, hard-wearing twill.")
    ),
    "wool": MaterialWords(
        "Wool", ("Made of a warm wool blend.", "The wool cloth falls well and hardly creases.")
    ),
    "corduroy": MaterialWords("Corduroy", ("Made of fine-ribbed corduroy.",)),
    "satin": MaterialWords(
        "Satin", ("Made of softly shining satin.", "The satin has a quiet sheen.")
    ),
    "chiffon": MaterialWords(
        "Chiffon",
        ("Made of light chiffon that moves with every step.", "A light, floating fabric."),
    ),
    "nylon": MaterialWords(
        "", ("Made of a light, quick-drying nylon.", "The fabric sheds light rain and dries fast.")
    ),
    "puffer": MaterialWords(
        "Padded", ("Filled with light, warm wadding.", "Padded, warm and hardly any weight.")
    ),
    "leather": MaterialWords(
        "Leather", ("Made of smooth leather.", "The leather is supple from the first day.")
    ),
    "patent": MaterialWords(
        "Patent", ("Made of glossy patent leather.", "The patent finish catches the light.")
    ),
    "suede": MaterialWords("Suede", ("Made of soft suede.", "The suede has a fine, even nap.")),
    "mesh": MaterialWords(
        "Mesh", ("The mesh upper lets air through.", "A light mesh keeps feet cool.")
    ),
    "canvas": MaterialWords(
        "Canvas", ("Made of sturdy cotton canvas.", "The canvas takes a lot and still looks good.")
    ),
    "rubber": MaterialWords(
        "", ("Made of soft, water-proof foam.", "Light, bouncy and easy to rinse.")
    ),
    "straw": MaterialWords(
        "Straw", ("Woven from natural straw.", "A light straw weave that lets air through.")
    ),
}


PATTERNS: Final[Mapping[str, PatternWords]] = {
    "Plain": PatternWords(
        ("", "", "Plain", "Solid"),
        (
            "Plain {colour}, easy to combine.",
            "In a single, even {colour}.",
            "The {colour} goes with nearly everything.",
        ),
    ),
    "Striped": PatternWords(
        ("Striped", "Striped", "Stripe"),
        ("Stripes on {colour} give it a fresh look.", "Striped in {colour} and a second colour."),
    ),
    "Dotted": PatternWords(
        ("Dotted", "Polka-Dot"),
        ("Dots are scattered over the {colour} ground.", "A cheerful polka-dot print on {colour}."),
    ),
    "Floral": PatternWords(
        ("Floral", "Flower-Print", "Floral-Print"),
        (
            "Flowers bloom all over the {colour} ground.",
            "Printed with flowers and leaves on {colour}.",
        ),
    ),
    "Checked": PatternWords(
        ("Checked", "Check", "Plaid"),
        ("A woven check in {colour}.", "Checked in {colour} and matching tones."),
    ),
    "Denim": PatternWords(
        ("", "", "Washed"),
        ("The {colour} wash looks well worn in.", "In a {colour} wash with paler, faded places."),
    ),
}


OCCASIONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "other": {
        "Casual": (
            "For weekends, walks and everything in between.",
            "Easy to wear from morning to evening.",
            "An everyday favourite.",
            "Good company on long, relaxed days.",
        ),
        "Sports": (
            "Made to move: for training, games and long runs.",
            "For the gym, the park or the way there.",
            "Ready for any kind of sport.",
        ),
        "Formal": (
            "For the office, interviews and dinners.",
            "Right for meetings, and for the evening after.",
            "Smart enough for any appointment.",
        ),
        "Party": (
            "For parties, weddings and long evenings.",
            "Made for celebrations and late dances.",
            "A sure choice for a night out.",
        ),
    },
    "Flip Flops": {
        "Casual": ("For the beach, the pool and hot days in town.", "In the bag all summer."),
    },
    "Sandals": {
        "Casual": ("For warm days and bare feet.", "From the first sunny day to the last."),
        "Sports": ("For hikes, riverbanks and rocky paths.",),
    },
    "Coats": {
        "Casual": ("Keeps the wind out on cold days.",),
        "Formal": (
            "Goes over a suit as well as over a jumper.",
            "For cold mornings on the way to work.",
        ),
    },
    "Hats": {
        "Casual": ("A finishing touch for every walk.", "Looks good in any weather."),
    },
    "Bags": {
        "Casual": ("Carries everything that a day needs.", "For work, market and weekend."),
        "Sports": ("For the gym, the trail and the train.",),
        "Formal": ("Goes from the office to dinner.",),
        "Party": ("Just big enough for an evening out.",),
    },
}
