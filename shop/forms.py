"""The only place that parses a request's parameters.

No parameter can break a page: invalid ones are ignored, and a note says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations, zip_longest
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import Truncator
from django.utils.translation import gettext, gettext_lazy

from catalog import config
from catalog.importing.cells.texts import DEFAULT_MAX_LENGTH
from catalog.search.facets import Facet
from catalog.search.filters import Filters
from catalog.search.ranking_sql import ORDERS
from catalog.text import normalize_space
from embedding.regions.region import RegionError
from embedding.registry import Modality, ModelSpec, models
from shop.compare_params import MAX_COLUMNS, ColumnSetup, CompareParams, canonical_model
from shop.query_pictures import DIGEST, parse_name, picture_name
from shop.search_params import (
    DEFAULT_BLEND,
    DEFAULT_LIMIT,
    LIMITS,
    MAX_PICTURES,
    SearchParams,
    parameter,
)

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

MAX_QUERY_LENGTH = 500
MAX_VALUES = 20
MAX_SKU_LENGTH = 1000
MAX_PAGE = 1_000_000
MAX_TRIED = 12
"""The maximum number of columns of an address that are read, valid or not."""


class QueryField(forms.CharField):
    """Words of a query. A run of white space or NULs becomes one space."""

    def to_python(self, value: Any) -> str:
        return normalize_space(super().to_python(value) or "")


class ModelField(forms.ChoiceField):
    """A model, or two of them joined by `+` in any order."""

    def to_python(self, value: Any) -> str:
        return canonical_model(super().to_python(value))


class ValuesField(forms.Field):
    """The values chosen in one facet: a parameter that can be repeated."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for item in value or () if item))


class PartsField(forms.Field):
    """One part of each column: a parameter that can be repeated, with its empty values."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> tuple[str, ...]:
        return tuple(value or ())


class PicturesField(ValuesField):
    """Stored pictures or parts of them: SHA-256 digests, each with or without a region."""

    def validate(self, value: tuple[str, ...]) -> None:
        super().validate(value)
        if any(not DIGEST.fullmatch(name.partition("-")[0]) for name in value):
            raise forms.ValidationError(gettext("The picture's address is incomplete."))
        if len(value) > MAX_PICTURES:
            raise forms.ValidationError(
                gettext("A search can have at most %(number)s pictures.") % {"number": MAX_PICTURES}
            )


def model_choices() -> list[tuple[str, str]]:
    """The name and label of each model in use, and of each two of them; "" is the default model."""
    specs = usable_models(config.settings().models, ())
    return [("", ""), *((it.name, it.label) for it in with_tandems(specs))]


@dataclass(frozen=True, slots=True)
class Tandem:
    """Two models that a search combines, as a choice beside the single ones."""

    name: str
    label: str

    @property
    def summary(self) -> str:
        return gettext("Both models together")


def with_tandems(specs: Sequence[ModelSpec]) -> list[ModelSpec | Tandem]:
    """The models, then each two of them in tandem."""
    return [
        *specs,
        *(
            Tandem(canonical_model(f"{one.name}+{other.name}"), f"{one.label} + {other.label}")
            for one, other in combinations(specs, 2)
        ),
    ]


def usable_models(names: Iterable[str], needed: tuple[Modality, ...]) -> list[ModelSpec]:
    """The models among `names` that encode all of `needed`, in the given order."""
    known = models()
    found = [known[name] for name in names if name in known]
    return [spec for spec in found if set(needed) <= set(spec.modalities)]


def _same_message(message: "_StrPromise") -> dict[str, "str | _StrPromise"]:
    """Error messages of a number field: the same one for every error."""
    errors = ("invalid", "min_value", "max_value", "max_digits", "max_decimal_places")
    return dict.fromkeys((*errors, "max_whole_digits"), message)


class PriceField(forms.DecimalField):
    """A price. Zero with any exponent becomes 0."""

    def to_python(self, value: Any) -> Any:
        price: Decimal | None = super().to_python(value)
        if price is not None and price.is_zero():
            return Decimal(0)  # 0E+999999999999 passes all limits, but formats to as many digits
        return price


def _price() -> PriceField:
    return PriceField(
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=2,
        error_messages=_same_message(gettext_lazy("A price must be a number such as 25 or 49.90.")),
    )


@dataclass(frozen=True, slots=True)
class Remark:
    """A value that was shortened or left out.

    `note` says what a page did with the value, in its language, and `fact` what is wrong with it,
    in English.
    """

    parameters: tuple[str, ...]
    note: str
    fact: str


class _SharedFields(dict[str, forms.Field]):
    """Fields that all forms of a class share: Django copies them for each form, which no parsing
    needs."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> dict[str, forms.Field]:
        return dict(self)


class SearchForm(forms.Form):
    """The search box, filter panel and tool bar, parsed from the parameters of an address.

    Each of the facets has a field with the name of its parameter.
    """

    q = QueryField(required=False)
    picture = PicturesField(required=False)
    like = forms.CharField(required=False, strip=False, max_length=MAX_SKU_LENGTH)
    blend = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        error_messages=_same_message(
            gettext_lazy("The balance of words and picture must be between 0 and 1.")
        ),
    )
    model = ModelField(
        required=False,
        choices=model_choices,
        error_messages={
            "invalid_choice": gettext_lazy("There is no such model, so the default one was used.")
        },
    )
    sort = forms.ChoiceField(
        required=False,
        choices=[(order, order) for order in ORDERS],
        error_messages={
            "invalid_choice": gettext_lazy("There is no such sort order; best matches come first.")
        },
    )
    min_match = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=100,
        error_messages=_same_message(
            gettext_lazy("The minimum match must be a number from 0 to 100.")
        ),
    )
    # What the slider showed before anyone moved it, since it always sends a value.
    default_min_match = forms.CharField(required=False)
    verbatim = QueryField(required=False)  # the words that must not be corrected
    group_variants = forms.ChoiceField(
        required=False,
        choices=[("0", "0"), ("1", "1")],
        error_messages={"invalid_choice": gettext_lazy("Grouping of variants must be 1 or 0.")},
    )
    diversity = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        error_messages=_same_message(gettext_lazy("The diversity must be between 0 and 1.")),
    )
    limit = forms.TypedChoiceField(
        required=False,
        coerce=int,
        choices=[(limit, limit) for limit in LIMITS],
        empty_value=None,
        error_messages={
            # The numbers are those of `LIMITS`.
            "invalid_choice": gettext_lazy("A page shows 12, 24, 48 or 96 products.")
        },
    )
    page = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_PAGE,
        error_messages=_same_message(gettext_lazy("There is no such page; this is the first one.")),
    )
    min_price = _price()
    max_price = _price()
    in_stock = forms.BooleanField(required=False)

    def __init__(self, data: Mapping[str, Any], facets: Iterable[Facet] = ()) -> None:
        self.base_fields = _SharedFields(self.base_fields)  # type: ignore[misc]
        super().__init__(data)
        self._facets = {facet.name: parameter(facet.name) for facet in facets}
        self.fields |= {name: ValuesField(required=False) for name in self._facets.values()}
        self.remarks: list[Remark] = []
        self.is_valid()

    @property
    def notes(self) -> list[str]:
        """Messages about the parameters that were ignored or shortened."""
        refused = [str(text) for texts in self.errors.values() for text in texts]
        return [*dict.fromkeys(refused), *(remark.note for remark in self.remarks)]

    @property
    def state(self) -> SearchParams:
        """The requested search, without the invalid parameters."""
        data = {name: value for name, value in self.cleaned_data.items() if value is not None}
        chosen = {facet: data.get(name, ()) for facet, name in self._facets.items()}
        return SearchParams(
            text=data.get("q", ""),
            pictures=data.get("picture", ()),
            like=data.get("like", ""),
            blend=data.get("blend", DEFAULT_BLEND),
            model=data.get("model", ""),
            limit=data.get("limit", DEFAULT_LIMIT),
            page=data.get("page", 1),
            sort=data.get("sort", ""),
            min_match=data.get("min_match"),
            verbatim=bool(data.get("q")) and data.get("verbatim") == data.get("q"),
            group_variants=data.get("group_variants") != "0",
            diversity=data.get("diversity", 0.0),
            filters=Filters(
                chosen,
                min_price=data.get("min_price"),
                max_price=data.get("max_price"),
                in_stock=data.get("in_stock", False),
            ),
        )

    def clean_q(self) -> str:
        words: str = self.cleaned_data["q"]
        if len(words) > MAX_QUERY_LENGTH:
            self._remark(
                gettext("Only the first %(number)s characters were used.")
                % {"number": MAX_QUERY_LENGTH},
                f"More than {MAX_QUERY_LENGTH} characters.",
                "q",
            )
        return words[:MAX_QUERY_LENGTH].rstrip()

    def clean_picture(self) -> tuple[str, ...]:
        """The pictures; one whose region is not valid counts as a whole."""
        names = []
        for name in self.cleaned_data["picture"]:
            try:
                names.append(picture_name(*parse_name(name)))
            except RegionError:
                names.append(name.partition("-")[0])
                self._remark(
                    gettext(
                        "The part of the picture was not valid, so the whole picture was used."
                    ),
                    "The part of the picture is not valid.",
                    "picture",
                )
        return tuple(dict.fromkeys(names))

    def clean_blend(self) -> float | None:
        blend: float | None = self.cleaned_data["blend"]
        return None if blend is None else round(blend, 2)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if str(data.get("min_match")) == data.get("default_min_match"):
            data["min_match"] = None
        self._check_values(data)
        self._check_prices(data)
        self._check_model(data)
        return data

    def _check_values(self, data: dict[str, Any]) -> None:
        for name in self._facets.values():
            values = [value for value in data[name] if _can_be_a_value(value)]
            if len(values) < len(data[name]):
                note = gettext("An invalid value of a filter was ignored.")
                self._remark(note, "Invalid value.", name)
            if len(values) > MAX_VALUES:
                self._remark(
                    gettext("Only the first %(number)s values of a filter were used.")
                    % {"number": MAX_VALUES},
                    f"More than {MAX_VALUES} values.",
                    name,
                )
            data[name] = tuple(values[:MAX_VALUES])

    def _check_prices(self, data: dict[str, Any]) -> None:
        low, high = data.get("min_price"), data.get("max_price")
        if low is not None and high is not None and low > high:
            data["min_price"] = data["max_price"] = None
            self._remark(
                gettext("The lowest price is above the highest, so the price filter was ignored."),
                "The lowest price is above the highest.",
                "min_price",
                "max_price",
            )

    def _check_model(self, data: dict[str, Any]) -> None:
        chosen = data.get("model")
        needed = needed_modalities(data.get("q", ""), data.get("picture", ()))
        able = usable_models(config.settings().models, needed)
        if chosen and able and not set(chosen.split("+")) <= {spec.name for spec in able}:
            data["model"] = ""
            label = dict(model_choices()).get(chosen, chosen)
            self._remark(
                gettext(
                    "%(model)s cannot be used for this kind of search, so the default model was"
                    " used."
                )
                % {"model": label},
                f"{label} cannot be used for this kind of search.",
                "model",
                "q" if "text" in needed else "picture",
            )

    def _remark(self, note: str, fact: str, *parameters: str) -> None:
        self.remarks.append(Remark(parameters, note, fact))


class CompareForm(SearchForm):
    """A search, and the columns to compare it in.

    An address has one `column` for each, as `ColumnSetup` writes it. The page's own form sends the
    parts of a column apart (`column_model` and the others, each once for each column).
    """

    column = ValuesField(required=False)
    column_model = PartsField(required=False)
    column_signals = PartsField(required=False)
    column_fusion = PartsField(required=False)
    column_min_match = PartsField(required=False)

    @property
    def is_apart(self) -> bool:
        """Whether the parts of the columns came apart."""
        return bool(self.cleaned_data.get("column_model"))

    @property
    def comparison(self) -> CompareParams:
        """The requested comparison, without the invalid parameters."""
        return CompareParams(
            replace(self.state, model="", limit=DEFAULT_LIMIT, page=1), self.cleaned_data["column"]
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        texts = list(_joined_parts(data)) if data.get("column_model") else data["column"]
        columns: list[ColumnSetup] = []
        known = [spec.name for spec in usable_models(config.settings().models, ())]
        for text in texts[:MAX_TRIED]:
            try:
                setup = ColumnSetup.parse(text, known)
            except ValueError as error:
                shown = Truncator(normalize_space(text)).chars(40)
                note = gettext("The column “%(column)s” was left out: %(reason)s.")
                self._remark_on_columns(note % {"column": shown, "reason": error})
                continue
            if setup in columns:
                note = gettext("The column “%(column)s” is there only once.")
                self._remark_on_columns(note % {"column": setup})
            else:
                columns.append(setup)
        if len(columns) > MAX_COLUMNS or len(texts) > MAX_TRIED:
            note = gettext("Only the first %(number)s columns are compared.")
            self._remark_on_columns(note % {"number": MAX_COLUMNS})
        data["column"] = tuple(columns[:MAX_COLUMNS])
        return data

    def _remark_on_columns(self, note: str) -> None:
        self._remark(note, note, "column")


def _joined_parts(data: Mapping[str, Any]) -> Iterator[str]:
    """The texts of the columns whose parts came apart; a column without a model is none."""
    options = ("signals", "fusion", "min_match")
    others = [data.get(f"column_{name}", ()) for name in options]
    for model, *values in zip_longest(data["column_model"], *others, fillvalue=""):
        if model:
            given = zip(options, values, strict=True)
            yield ",".join([model, *(f"{name}={value}" for name, value in given if value)])


def _can_be_a_value(text: str) -> bool:
    return "\x00" not in text and len(text) <= DEFAULT_MAX_LENGTH


def needed_modalities(words: str, pictures: tuple[str, ...]) -> tuple[Modality, ...]:
    """The modalities that a model must encode for this query."""
    needed: list[Modality] = []
    if words:
        needed.append("text")
    if pictures:
        needed.append("image")
    return tuple(needed)
