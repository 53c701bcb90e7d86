"""The controls of the columns on the page that compares searches."""

from dataclasses import dataclass
from string import ascii_uppercase

from django.utils.translation import gettext

from catalog.search.fusion import FUSIONS
from embedding.registry import models
from shop.compare_params import DEFAULT, MAX_COLUMNS, ColumnSetup
from shop.forms import usable_models, with_tandems
from shop.templatetags.storefront import SIGNALS

MIN_COLUMNS = 2
LETTERS = ascii_uppercase[:MAX_COLUMNS]
"""The names of the columns on the page."""

SIGNAL_SETS = ((), *((name,) for name in SIGNALS), ("text", "image"), ("structure", "lexical"))
"""The sets of signals to choose from; () stands for all. An address can have any."""


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ColumnControls:
    """The choices of one column, which may be unused."""

    letter: str
    models: list[Choice]
    signals: list[Choice]
    fusions: list[Choice]
    min_match: int | None


def column_controls(setups: tuple[ColumnSetup, ...], in_use: list[str]) -> list[ColumnControls]:
    """Controls for `MAX_COLUMNS` columns, of which the first have `setups`."""
    unused = (None,) * (MAX_COLUMNS - len(setups))
    return [
        _controls(letter, setup, in_use, can_be_unused=place >= MIN_COLUMNS)
        for place, (letter, setup) in enumerate(zip(LETTERS, (*setups, *unused), strict=True))
    ]


def model_label(model: str) -> str:
    """The label of a model, or of several in tandem; "" is the default model."""
    known = models()
    names = model.split("+") if model else []
    labels = [known[it].label if it in known else it for it in names]
    return " + ".join(labels) or gettext("Default model")


def signals_label(signals: tuple[str, ...]) -> str:
    return " + ".join(str(SIGNALS[name][0]) for name in signals) or gettext("All")


def _controls(
    letter: str, setup: ColumnSetup | None, in_use: list[str], can_be_unused: bool
) -> ColumnControls:
    chosen = setup or ColumnSetup()
    specs = usable_models(in_use, ())
    offered = [Choice("", gettext("No column"), not setup)] if can_be_unused else []
    offered += [
        Choice(model or DEFAULT, model_label(model), bool(setup) and model == chosen.model)
        for model in ("", *(it.name for it in with_tandems(specs)))
    ]
    sets = dict.fromkeys((*SIGNAL_SETS, chosen.signals))
    default, *others = FUSIONS
    return ColumnControls(
        letter,
        offered,
        [Choice("+".join(it), signals_label(it), it == chosen.signals) for it in sets],
        [Choice("", default, not chosen.fusion)]
        + [Choice(name, name, name == chosen.fusion) for name in others],
        chosen.min_match,
    )
