"""The state of embeddings in the admin: as a column and a filter of products, and as a table."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import IntegerField, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from catalog.db.connection import connect
from catalog.indexing.coverage_report import catalogue_coverage
from shop.embedding_state import (
    STATES,
    embedding_states,
    product_state,
    select_products,
    states_of_products,
)

LABELS = {
    "failed": _("failed"),
    "missing": _("waiting"),
    "stale": _("stale"),
    "embedded": _("embedded"),
}
"""What the admin calls the states."""


class StateFilter(admin.SimpleListFilter):
    """Products by the state of their embeddings."""

    title = _("embeddings")
    parameter_name = "embeddings"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(LABELS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        if wanted not in STATES:
            return queryset
        with connect() as connection:
            selected = select_products(connection, wanted)
            state = "" if selected.ids is not None else product_state(connection)
        request.in_state = selected  # type: ignore[attr-defined]
        if selected.ids is not None:
            return queryset.filter(pk__in=selected.ids)
        place = RawSQL(state, (), output_field=IntegerField())
        result: QuerySet[Any] = queryset.alias(state=place).filter(state=STATES.index(wanted))
        return result


class StatePaginator(Paginator):
    """Pages of products in a state; `total` is their number, which would take long to count."""

    total: int | None = None

    @cached_property
    def count(self) -> int:
        return self.total if self.total is not None else int(super().count)


def state_badges(products: Iterable[int]) -> Mapping[int, SafeString]:
    """The state of each product, by id."""
    with connect() as connection:
        states = states_of_products(connection, list(products))
    return {
        product: format_html('<span class="state state-{}">{}</span>', state, LABELS[state])
        for product, state in states.items()
    }


def embedding_table(product_id: int | None = None) -> SafeString:
    """The numbers of embedded, stale, missing and failed rows, of a product or of all."""
    with connect() as connection:
        if product_id is None:
            found = [(it.model, it.modality, it.counts) for it in catalogue_coverage(connection)]
        else:
            found = list(embedding_states(connection, product_id))
    rows = format_html_join(
        "",
        "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        (
            (model, modality, it.embedded, it.stale, it.missing, it.failed)
            for model, modality, it in found
        ),
    )
    return format_html(
        '<table class="catalogue-embeddings" tabindex="0"><thead><tr><th>model</th><th>of</th>'
        "<th>embedded</th><th>stale</th><th>missing</th><th>failed</th></tr></thead>{}</table>",
        rows,
    )
