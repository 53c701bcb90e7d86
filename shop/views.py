"""The pages: parse the address with the form, run the search pipeline, and render the results."""

import re
from dataclasses import dataclass, replace

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseRedirectBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url
from django_htmx.middleware import HtmxDetails
from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.db.replica import connect_to_read, reads_replica
from catalog.search.card_details import CardDetails
from catalog.search.catalogue import has_prices, has_products
from catalog.search.departments import Department, departments
from catalog.search.facets import enabled_facets
from catalog.search.filters import Filters
from catalog.search.pipeline import search
from catalog.search.samples import Samples, samples
from embedding.encoder import available_encoder
from embedding.image_decoding import ImageError
from shop import filter_panel, query_pictures, thumbnails
from shop.cards import cards, details_of
from shop.errors import Outcome, sentence
from shop.forms import SearchForm
from shop.given_up import GivenUp, given_up
from shop.models import Product, ProductImage
from shop.page_search import (
    PageSearch,
    currency_of,
    run_page_search,
    with_stored_pictures,
)
from shop.picture_fetching import fetch_picture
from shop.picture_regions import name_to_search_with
from shop.query_chips import QueryChip
from shop.query_chips import query_chips as chips_of_query
from shop.query_logging import log_search
from shop.query_picture_panel import picture_panels, shown_kind
from shop.query_words import ORDERS
from shop.rates import count_request, limited, network_of
from shop.recent_searches import may_be_recent
from shop.refused_uploads import refusal, with_refusal
from shop.search_params import LIMITS, SearchParams
from shop.ways_out import WayOut, has_words, ways_out

WEB_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
"""A query that is an address: the page offers to search with the picture there."""

MULTIPART_OVERHEAD = 64 * 1024
"""The maximum size of an upload's body without its picture, in bytes."""

ONE_YEAR = 365 * 24 * 60 * 60
ONE_HOUR = 60 * 60

never_stale = cache_control(private=True, no_cache=True)


class HttpResponseSeeOther(HttpResponseRedirectBase):
    """A redirect after a form that the browser follows with GET."""

    status_code = 303


class HtmxRequest(HttpRequest):
    """A request with the attribute that `HtmxMiddleware` adds."""

    htmx: HtmxDetails


@require_safe
@never_stale
@vary_on_headers("HX-Request")
@limited("SEARCH_RATE")
@reads_replica
def search_page(request: HtmxRequest) -> HttpResponse:
    if "picture" in request.GET:
        count_request("PICTURE_SEARCH_RATE", network_of(request))
    recent = may_be_recent(request)
    # Django's models use another connection, and a page must not wait for one while it holds one.
    with connect_to_read() as connection:
        in_use = models_in_use(connection)  # first: schema changes make searches wait here
        form = SearchForm(request.GET, enabled_facets(connection))
        if "default_min_match" in request.GET and not request.htmx and not form.notes:
            return redirect(form.state.url())  # without scripts, the form cannot leave values out
        notes = [*form.notes, *map(sentence, refusal(request.GET))]
        page = _search(connection, form.state, notes, in_use, may_be_recent=recent)
    return _search_page(request, page)


def largest_upload() -> int:
    """The maximum size of a request's body, in bytes."""
    return int(settings.QUERY_PICTURE_MAX_BYTES) + MULTIPART_OVERHEAD


@csrf_exempt
def upload_picture(request: HtmxRequest) -> HttpResponse:
    """Reject an upload that is too large before anything reads it, such as the CSRF check."""
    if request.method != "POST":
        return redirect("search")
    count_request("UPLOAD_RATE", network_of(request))
    return too_large(request) if announces_too_much(request) else _store_picture(request)


def announces_too_much(request: HttpRequest) -> bool:
    """Whether the body is larger than an upload may be, by the header of the request."""
    length = request.META.get("CONTENT_LENGTH") or ""
    return length.isdecimal() and int(length) > largest_upload()


@csrf_protect
def _store_picture(request: HtmxRequest) -> HttpResponse:
    state = _parse(QueryDict(request.POST.get("state", ""))).state
    try:
        name = uploaded_picture(request)
    except ImageError as error:
        return see_other(request, with_refusal(state.url(), str(error)))
    if name is None:
        return too_large(request)
    return see_other(request, state.with_picture(name).url())


def see_other(request: HttpRequest, url: str) -> HttpResponse:
    """Where to go after an upload: a redirect, or for scripts, which show the progress, the address
    alone."""
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"location": url})
    return HttpResponseSeeOther(url)


def uploaded_picture(request: HttpRequest) -> str | None:
    """Store the uploaded picture, or the one at the given address, and return the name to search
    with: the picture, or the part of it that shows its garment. None if it is too large.

    Raises:
        ImageError: there is no picture, or it cannot be used; the message is for the user.
        DecoderBusy: see `query_pictures.store_query_picture`.
        TooManyRequests: see `count_request`.
    """
    client = network_of(request)
    upload = request.FILES.get("file")
    address = request.POST.get("address", "").strip()
    if isinstance(upload, UploadedFile):
        if (upload.size or 0) > settings.QUERY_PICTURE_MAX_BYTES:
            return None
        content = upload.read()
    elif address:
        count_request("FETCH_RATE", client)
        content = fetch_picture(address, client)
    else:
        raise ImageError("choose a picture first")
    try:
        digest = query_pictures.store_query_picture(content, client)
    except ImageError as error:
        raise ImageError(f"this picture cannot be used: {error}") from error
    return name_to_search_with(digest)


@require_safe
@cache_control(private=True, max_age=ONE_HOUR)
def query_picture(request: HttpRequest, name: str, side: int = 0) -> HttpResponse:
    content = query_pictures.picture_jpeg(name, side)
    if content is None:
        raise Http404(gettext("This picture has expired."))
    return HttpResponse(content, content_type="image/jpeg")


@require_safe
@cache_control(public=True, max_age=ONE_YEAR, immutable=True)
@reads_replica
def product_image(request: HttpRequest, width: int, path: str) -> HttpResponse:
    content = thumbnails.thumbnail(path, width)
    if content is None:
        raise Http404(gettext("There is no such picture."))
    return HttpResponse(content, content_type="image/webp")


def _parse(parameters: QueryDict) -> SearchForm:
    with connect_to_read() as connection:
        return SearchForm(parameters, enabled_facets(connection))


@dataclass(frozen=True, slots=True)
class _Found:
    """What a search page reads from the catalogue."""

    requested: SearchParams
    searched: PageSearch
    notes: list[str]
    currency: str
    query_chips: list[QueryChip]
    given_up: GivenUp | None
    why_empty: str
    ways_out: list[WayOut]
    samples: Samples
    departments: tuple[Department, ...]
    details: dict[int, CardDetails]
    has_prices: bool


def _search(
    connection: Connection,
    requested: SearchParams,
    notes: list[str],
    in_use: list[str],
    *,
    may_be_recent: bool,
) -> _Found:
    requested, images = with_stored_pictures(requested, notes)
    searched = run_page_search(
        connection, requested, images, may_be_recent=may_be_recent, in_use=in_use
    )
    state, results = searched.state, searched.results
    currency = currency_of(connection, results)
    query_chips = chips_of_query(connection, state, results, currency)
    lack = given_up(connection, results, bool(state.filters), currency)
    why_empty, ways = _why_empty(connection, searched.outcome, state, query_chips, currency)
    return _Found(
        requested,
        searched,
        [*notes, *searched.notes],
        currency,
        query_chips,
        lack,
        why_empty,
        ways,
        samples(connection) if state.is_home or why_empty else Samples(),
        departments(connection) if state.is_home else (),
        details_of(connection, [*results.hits, *results.close]),
        has_prices(connection),
    )


def _search_page(request: HtmxRequest, found: _Found) -> HttpResponse:
    searched, currency, details = found.searched, found.currency, found.details
    state, outcome, facets = searched.state, searched.outcome, searched.facets
    results, in_use = outcome.results, searched.in_use
    log_search(request, found.requested, results, in_use)
    chips = list(filter_panel.chips(state, facets, currency))
    liked = Product.objects.filter(sku=state.like).first() if state.like else None
    is_ranked = bool(results.words or state.pictures or state.like)
    min_match = round(100 * results.min_match) if state.min_match is None else state.min_match
    context = {
        "state": state,
        "notes": [*found.notes, *filter(None, [outcome.note]), *map(sentence, results.notes)],
        "results": results,
        "cards": cards(results.hits, details, merge_twins=state.group_variants),
        "close_cards": cards(results.close, details, merge_twins=state.group_variants),
        "has_prices": found.has_prices,
        "canonical": request.build_absolute_uri(state.url()),
        "is_indexed": state.is_indexed,
        "is_ranked": is_ranked and found.why_empty != "problem",
        "query_chips": found.query_chips,
        "given_up": found.given_up,
        "why_empty": found.why_empty,
        "ways_out": found.ways_out,
        "samples": found.samples,
        "departments": found.departments,
        "panel": filter_panel.facet_panel(state, facets, results.facets),
        "chips": chips[: filter_panel.MAX_CHIPS],
        "more_chips": len(chips[filter_panel.MAX_CHIPS :]),
        "pagination": filter_panel.pagination(state, results.total, results.truncated),
        "models": filter_panel.selectable_models(state, in_use),
        "limits": LIMITS,
        "sorts": filter_panel.sorts(state, found.has_prices),
        "order_of_text": ORDERS.get(results.sort, "") if results.sort != state.sort else "",
        "min_match": min_match,
        "verbatim": state.changed(verbatim=True),
        "more_diverse": filter_panel.MORE_DIVERSE,
        "default_min_match": state.changed(min_match=None),
        "currency": currency,
        "unfiltered": state.changed(filters=Filters()),
        "pictures": picture_panels(state),
        "picture_address": state.text if WEB_ADDRESS.fullmatch(state.text) else "",
        "without_text": state.changed(text=""),
        "shown_kind": shown_kind(state, results.hits),
        "likeless": state.changed(like=""),
        "first_page": state.changed(page=1),
        "liked": liked,
        "liked_image": main_image(liked) if liked else None,
    }
    is_partial = bool(request.htmx) and not request.htmx.history_restore_request
    template = "search/_partial.html" if is_partial else "search/page.html"
    response = render(request, template, context, status=outcome.status)
    return push_url(response, state.url()) if is_partial else response


def _why_empty(
    connection: Connection,
    outcome: Outcome,
    state: SearchParams,
    chips: list[QueryChip],
    currency: str,
) -> tuple[str, list[WayOut]]:
    """The name of the template that explains an empty page, and searches that find something.

    The name is empty if there are hits.
    """
    results = outcome.results
    if results.hits:
        return "", []
    if outcome.note:
        return "problem", []
    if results.total:
        return "past_the_end", []
    if not has_products(connection):
        return "no_catalogue", []
    parts = results.understood
    is_restricted = (
        bool(state.filters) or has_words(parts) or any(chip.is_condition for chip in chips)
    )
    if is_restricted and (
        ways := ways_out(connection, state, results.spec.images, chips, parts, currency)
    ):
        return "restricted", ways
    # A note already says why the words cannot be compared.
    if results.close or results.notes or any(chip.is_condition for chip in chips):
        return "nothing_matches", []
    anywhere = replace(results.spec, filters=Filters(), min_match=0.0, limit=1, page=1)
    found = search(connection, anywhere, available_encoder)
    return ("nothing_matches" if found.total else "not_embedded"), []


def main_image(product: Product) -> ProductImage | None:
    """The picture that represents a product."""
    return ProductImage.objects.filter(product=product).order_by("position").first()


def too_large(request: HttpRequest) -> HttpResponse:
    """The page for an upload that is too large."""
    most = settings.QUERY_PICTURE_MAX_BYTES
    return render(request, "413.html", {"most": most}, status=413)
