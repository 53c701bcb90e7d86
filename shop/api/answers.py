"""Turns the results of a search into the response of the API."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from catalog.search import pipeline
from catalog.search.filters import FacetCounts
from shop.api import schemas
from shop.api.addresses import Addresses
from shop.filter_panel import facet_panel
from shop.given_up import GivenUp
from shop.page_search import PageSearch


def search_response(
    searched: PageSearch,
    lack: GivenUp | None,
    addresses: Addresses,
    *,
    explains: bool,
    following: tuple[str, str] | None,
) -> schemas.SearchResponse:
    """The response to a search. `following` is the cursor and the address of the next page."""
    results, state = searched.results, searched.state

    def hits(found: Iterable[pipeline.Hit]) -> list[schemas.Hit]:
        kinds = tuple(results.wanted)
        return [_hit(hit, addresses, kinds if explains else None) for hit in found]

    given_up = None
    if lack is not None:
        given_up = schemas.GivenUp(
            kinds=list(results.given_up), missing=lack.missing, instead=lack.instead
        )
    cursor, address = following or (None, None)
    return schemas.SearchResponse(
        total=results.total,
        truncated=results.truncated,
        hits=hits(results.hits),
        close=hits(results.close),
        facets=list(_facets(searched, results.facets)),
        query=schemas.Query(
            text=state.text,
            corrected=results.corrected or None,
            pictures=list(state.pictures),
            like=state.like or None,
            sort=results.sort or state.sort,
            min_match=round(100 * results.min_match)
            if state.min_match is None
            else state.min_match,
        ),
        understood=[
            schemas.Part(
                phrase=part.phrase,
                kind=part.kind,
                value=part.value,
                wanted=part.wanted,
                why=part.why,
                start=part.start,
                stop=part.stop,
                low=number(part.low),
                high=number(part.high),
            )
            for part in results.understood
        ],
        given_up=given_up,
        notes=[*searched.notes, *results.notes],
        next_cursor=cursor,
        next=address,
    )


def picture(
    path: str | None, width: int | None, height: int | None, addresses: Addresses
) -> schemas.Picture | None:
    """A stored picture, with its addresses."""
    sizes = addresses.pictures(path)
    if sizes is None:
        return None
    return schemas.Picture(**sizes, width=width or 0, height=height or 0)


def _hit(hit: pipeline.Hit, addresses: Addresses, explained: tuple[str, ...] | None) -> schemas.Hit:
    """A hit; `explained` is the kinds of wanted parts if the response says why it was found."""
    signals = fulfilled = None
    if explained is not None:
        signals = [
            schemas.Signal(
                name=signal.name,
                match=_percent(signal.match),
                weight=signal.weight,
                model=signal.model,
                similarity=signal.similarity,
            )
            for signal in hit.signals
        ]
        fulfilled = dict(zip(explained, hit.fulfilled, strict=False))
    return schemas.Hit(
        sku=hit.sku,
        title=hit.title,
        brand=hit.brand,
        product_type=hit.product_type,
        colour=hit.colour,
        price=number(hit.price),
        regular_price=number(hit.regular_price),
        currency=hit.currency,
        in_stock=hit.in_stock,
        url=addresses.product(hit.sku),
        picture=picture(hit.image_path, hit.image_width, hit.image_height, addresses),
        match=None if hit.match is None else _percent(hit.match),
        exact=hit.exact,
        variants=hit.variants,
        colours=list(hit.colours),
        signals=signals,
        fulfilled=fulfilled,
    )


def _facets(searched: PageSearch, counts: FacetCounts) -> Iterator[schemas.Facet]:
    panel = facet_panel(searched.state, searched.facets, counts)
    for group in (*panel.shown, *panel.rest):
        yield schemas.Facet(
            name=group.facet.name,
            label=group.facet.label,
            kind=group.facet.kind,
            parameter=group.parameter,
            values=[
                schemas.FacetValue(value=it.value, count=it.count, chosen=it.chosen)
                for it in (*group.shown, *group.rest)
            ],
        )


def _percent(share: float) -> float:
    """A share in percent, with one decimal, never rounded up: what is below the minimum must not
    seem to reach it."""
    return int(1000 * share + 1e-6) / 10


def number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
