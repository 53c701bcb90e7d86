"""The parameters of the page that compares searches: a query and its columns, as an address."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext

from catalog.search.fusion import FUSIONS, SIGNALS
from catalog.search.pipeline import SearchSpec
from shop.locale_formats import listed
from shop.search_params import SearchParams

MAX_COLUMNS = 4
MAX_COMBINED = 2
"""The maximum number of models of one column."""
MAX_LENGTH = 200
"""The maximum length of a column's text."""
DEFAULT = "default"
"""Stands for the default model."""


@dataclass(frozen=True, slots=True)
class ColumnSetup:
    """What one column searches with; "", () and None stand for the search's own defaults.

    Its text has the model first, then the options that differ from the defaults, in any order:
    `fashion+imagenet,signals=text+image,fusion=rrf,min_match=40`. `default` is the default model.
    """

    model: str = ""
    """A model, or several joined as in "a+b"."""
    signals: tuple[str, ...] = ()
    """Some of `catalog.search.fusion.SIGNALS`, in their order."""
    fusion: str = ""
    """One of `catalog.search.fusion.FUSIONS`."""
    min_match: int | None = None
    """The minimum match of a hit, in percent."""

    def __str__(self) -> str:
        return ",".join(
            [
                self.model or DEFAULT,
                *([f"signals={'+'.join(self.signals)}"] if self.signals else []),
                *([f"fusion={self.fusion}"] if self.fusion else []),
                *([] if self.min_match is None else [f"min_match={self.min_match}"]),
            ]
        )

    @classmethod
    def parse(cls, text: str, known: Iterable[str]) -> "ColumnSetup":
        """Read a column's text. Spaces stand for `+`, which addresses decode to a space.

        Args:
            known: the names of the models in use.

        Raises:
            ValueError: a model, option or value is unknown; the message is for the user.
        """
        if len(text) > MAX_LENGTH:
            raise ValueError(gettext("it is too long"))
        model, *options = text.split(",")
        values: dict[str, str] = {}
        for option in options:
            name, separator, value = (part.strip() for part in option.partition("="))
            if not separator or name not in ("signals", "fusion", "min_match"):
                raise ValueError(
                    gettext("“%(option)s” is not an option; write signals=, fusion= or min_match=")
                    % {"option": option.strip()}
                )
            if name in values:
                raise ValueError(gettext("%(name)s is there twice") % {"name": name})
            values[name] = value
        return cls(
            _model(model, list(known)),
            _signals(values.get("signals", "")),
            _fusion(values.get("fusion", "")),
            _min_match(values.get("min_match", "")),
        )

    def spec(self, spec: SearchSpec, limit: int) -> SearchSpec:
        """The first `limit` hits of a search with this setup."""
        return replace(
            spec,
            model=self.model,
            signals=self.signals,
            fusion=self.fusion,
            min_match=spec.min_match if self.min_match is None else self.min_match / 100,
            limit=limit,
            page=1,
        )


@dataclass(frozen=True, slots=True)
class CompareParams:
    """A search, and the setups to run it with."""

    search: SearchParams
    columns: tuple[ColumnSetup, ...] = ()

    def query(self) -> str:
        columns = urlencode([("column", str(column)) for column in self.columns])
        return "&".join(filter(None, [self.search.query(), columns]))

    def url(self) -> str:
        query = self.query()
        return reverse("compare") + (f"?{query}" if query else "")

    def searching(self, search: SearchParams) -> "CompareParams":
        """Another search with the same columns."""
        return replace(self, search=search)


def canonical_model(text: str) -> str:
    """Models joined by `+`, each once and in alphabetical order, so that an order has no meaning.

    Spaces count as `+`, which addresses decode to a space.
    """
    return "+".join(sorted(set(filter(None, text.replace("+", " ").split()))))


def _model(text: str, known: list[str]) -> str:
    model = canonical_model(text)
    names = model.split("+") if model not in ("", DEFAULT) else []
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            gettext("there is no model “%(name)s”; there is %(known)s")
            % {"name": unknown[0], "known": listed(known)}
        )
    if len(names) > MAX_COMBINED:
        raise ValueError(
            gettext("at most %(number)s models can be combined") % {"number": MAX_COMBINED}
        )
    return "+".join(names)


def _signals(text: str) -> tuple[str, ...]:
    names = set(filter(None, text.replace("+", " ").split()))
    if unknown := names - set(SIGNALS):
        raise ValueError(
            gettext("there is no signal “%(name)s”; there is %(known)s")
            % {"name": min(unknown), "known": ", ".join(SIGNALS)}
        )
    return () if len(names) == len(SIGNALS) else tuple(it for it in SIGNALS if it in names)


def _fusion(text: str) -> str:
    if text and text not in FUSIONS:
        raise ValueError(
            gettext("there is no fusion “%(name)s”; there is %(known)s")
            % {"name": text, "known": ", ".join(FUSIONS)}
        )
    return "" if text == next(iter(FUSIONS)) else text


def _min_match(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= 100):
        raise ValueError(gettext("min_match must be a whole number from 0 to 100"))
    return int(text)
