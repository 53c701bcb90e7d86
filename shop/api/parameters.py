"""The parameters of the API: the page's form, with stricter rules.

A page ignores what it cannot use and says so. A program gets an error that names the parameter.
"""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Self

from django import forms
from django.http import QueryDict

from catalog.search.facets import Facet
from catalog.search.suggestions import DEFAULT_LIMIT as DEFAULT_SUGGESTIONS
from shop.api.field_schemas import SwitchField, in_words, json_schema
from shop.api.problems import Problem, invalid_parameters
from shop.forms import QueryField, SearchForm, ValuesField
from shop.search_params import LIMITS

MAX_LIMIT = LIMITS[-1]
MAX_CURSOR_LENGTH = 500
MAX_SUGGESTIONS = 20
TEXTS = (QueryField, forms.CharField)


class ApiForm(SearchForm):
    """The parameters of a search."""

    has_facets = True
    """Whether each facet is a parameter too."""

    page = None  # type: ignore[assignment]  # Django's way to leave out a field of the base class
    default_min_match = None  # type: ignore[assignment]
    verbatim = SwitchField(required=False)  # type: ignore[assignment]
    group_variants = SwitchField(required=False)  # type: ignore[assignment]
    in_stock = SwitchField(required=False)  # type: ignore[assignment]
    limit = forms.IntegerField(required=False, min_value=1, max_value=MAX_LIMIT)  # type: ignore[assignment]
    cursor = forms.CharField(required=False, max_length=MAX_CURSOR_LENGTH)
    explain = SwitchField(required=False)

    @classmethod
    def read(cls, parameters: QueryDict, facets: Iterable[Facet]) -> Self:
        """Parse the parameters of a request.

        Raises:
            Problem: a parameter is unknown, repeated, empty or invalid, or some contradict each
                other.
        """
        form = cls(parameters, facets)
        wrong = list(form._misused(parameters))
        wrong += [(name, form._must_be(name)) for name in form.errors]
        # A part that is not within its picture contradicts itself: no schema can say so.
        single = [
            it for it in form.remarks if len(it.parameters) == 1 and "picture" not in it.parameters
        ]
        wrong += [(remark.parameters[0], remark.fact) for remark in single]
        if wrong:
            first: dict[str, str] = {}
            for name, detail in wrong:
                first.setdefault(name, detail)
            raise invalid_parameters(list(first.items()))
        if form.remarks:
            (remark, *_) = form.remarks
            errors = [(name, remark.fact) for name in remark.parameters]
            raise Problem(HTTPStatus.BAD_REQUEST, "contradiction", remark.fact, errors)
        return form

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        data["verbatim"] = data.get("q", "") if data.get("verbatim") else ""
        if data.get("group_variants") is not None:
            data["group_variants"] = "1" if data["group_variants"] else "0"
        return data

    @property
    def cursor_text(self) -> str:
        return str(self.cleaned_data.get("cursor", ""))

    @property
    def explains(self) -> bool:
        """Whether the response says why each product was found."""
        return bool(self.cleaned_data.get("explain"))

    def _misused(self, parameters: QueryDict) -> Iterator[tuple[str, str]]:
        """What is wrong about how parameters are given, which a page would not mind."""
        for name, values in parameters.lists():
            field = self.fields.get(name)
            if field is None:
                yield name, "There is no such parameter, and no such facet."
            elif isinstance(field, ValuesField):
                if len(values) > json_schema(field)["maxItems"]:
                    yield name, self._must_be(name)
            elif len(values) > 1:
                yield name, "Must be given only once."
            elif not isinstance(field, TEXTS) and not values[0].strip():
                yield name, "Must not be empty; leave it out."
            elif len(str(values[0])) > (json_schema(field).get("maxLength") or len(values[0])):
                yield name, self._must_be(name)

    def _must_be(self, name: str) -> str:
        """What the values of a parameter must be, as a sentence."""
        schema = json_schema(self.fields[name])
        return f"Must be {in_words(schema)}."


class PictureForm(ApiForm):
    """The parameters of a search with pictures that the request contains or names."""

    cursor = None  # type: ignore[assignment]
    picture_url = ValuesField(required=False)

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of pictures."""
        found: tuple[str, ...] = self.cleaned_data["picture_url"]
        return found


class SimilarForm(ApiForm):
    """The parameters of a search for products that are similar to one."""

    q = picture = like = blend = verbatim = None  # type: ignore[assignment]


class BrowseForm(SimilarForm):
    """The parameters of a list of products, which are not ranked."""

    model = min_match = diversity = group_variants = explain = None  # type: ignore[assignment]


class SuggestForm(ApiForm):
    """The parameters of suggestions."""

    has_facets = False
    limit = forms.IntegerField(required=False, min_value=1, max_value=MAX_SUGGESTIONS)
    picture = like = blend = model = sort = min_match = None  # type: ignore[assignment]
    verbatim = group_variants = diversity = None  # type: ignore[assignment]
    min_price = max_price = in_stock = cursor = explain = None  # type: ignore[assignment]

    @property
    def max_each(self) -> int:
        """The maximum number of suggestions of each kind."""
        return int(self.cleaned_data["limit"] or DEFAULT_SUGGESTIONS)
