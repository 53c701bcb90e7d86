"""The summaries of the models in the registry, which speaks English, for translation."""

from django.utils.translation import gettext_noop

SUMMARIES = (
    gettext_noop("Text and pictures of any subject; large, downloaded on first use."),
    gettext_noop(
        "CLIP's pictures, found by texts in more than 50 languages; large, downloaded on first use."
    ),
    gettext_noop(
        "Clothes and shoes by type and colour, with queries in English, German, French, Spanish,"
        " Italian, Dutch, Polish, Portuguese and, in part, other languages; small enough for a CPU."
    ),
    gettext_noop(
        "CLIP tuned on the products and texts of a fashion shop; large, downloaded on first use."
    ),
    gettext_noop("Pictures of the same kind of thing, by general-purpose image features; no text."),
    gettext_noop("SigLIP tuned on a million fashion products; large, downloaded on first use."),
    gettext_noop("Pictures of the same kind of thing, by the classic image features; no text."),
    gettext_noop(
        "Text in many languages and pictures of any subject; large, downloaded on first use."
    ),
)
"""Those of the built-in models. A page shows the summary of any other model as it is."""
