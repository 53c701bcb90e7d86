"""The operation that suggests queries, filters and products while a shopper types."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from catalog.db.replica import connect_to_read, reads_replica
from catalog.search.facets import enabled_facets
from catalog.search.suggestions import ValueSuggestion, suggest
from shop.api import schemas
from shop.api.addresses import addresses_of
from shop.api.parameters import SuggestForm
from shop.api.responses import json_response
from shop.recent_searches import may_be_recent, recent_suggestions
from shop.search_params import parameter

router = Router()


@router.get(
    "/suggest",
    response=schemas.SuggestResponse,
    operation_id="suggest",
    summary="Suggest while typing",
)
@reads_replica
def suggestions(request: HttpRequest) -> HttpResponse:
    """Queries of other shoppers, filters, brands and products for a text that may be unfinished."""
    form = SuggestForm.read(request.GET, ())
    answer = recent_suggestions if may_be_recent(request) else suggest
    with connect_to_read() as connection:
        found = answer(connection, form.state.text, form.max_each)
        labels = {facet.name: facet.label for facet in enabled_facets(connection)}
    addresses = addresses_of(request)

    def value(it: ValueSuggestion) -> schemas.ValueSuggestion:
        return schemas.ValueSuggestion(
            parameter=parameter(it.facet),
            label=labels.get(it.facet, it.facet),
            value=it.value,
            words=it.words,
            products=it.products,
        )

    content = schemas.SuggestResponse(
        queries=[
            schemas.QuerySuggestion(text=it.text, products=it.products) for it in found.queries
        ],
        values=list(map(value, found.values)),
        brands=list(map(value, found.brands)),
        products=[
            schemas.ProductSuggestion(
                sku=it.sku,
                title=it.title,
                url=addresses.product(it.sku),
                picture=(addresses.pictures(it.image_path) or {}).get("small"),
            )
            for it in found.products
        ],
        matched=found.matched,
    )
    return json_response(request, content)
