"""The pages: parse the address with the form, run the search pipeline, and render the results."""

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseRedirectBase
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url
from django_htmx.middleware import HtmxDetails

from catalog.active_models import models_in_use
from catalog.db.replica import connect_to_read, reads_replica
from catalog.search.facets import enabled_facets
from embedding.image_decoding import ImageError
from shop import query_pictures, thumbnails
from shop.errors import sentence
from shop.forms import SearchForm
from shop.metrics import count_search
from shop.picture_fetching import fetch_picture
from shop.picture_regions import name_to_search_with
from shop.query_logging import log_search
from shop.rates import count_request, limited, network_of
from shop.recent_searches import keep_page, may_be_recent, page_key, recent_page
from shop.refused_uploads import refusal, with_refusal
from shop.search_page import SearchPage, find, is_web_address, render_page

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
    is_partial = bool(request.htmx) and not request.htmx.history_restore_request
    # Django's models use another connection, and a page must not wait for one while it holds one.
    with connect_to_read() as connection:
        in_use = models_in_use(connection)  # first: schema changes make searches wait here
        form = SearchForm(request.GET, enabled_facets(connection))
        if "default_min_match" in request.GET and not request.htmx and not form.notes:
            return redirect(form.state.url())  # without scripts, the form cannot leave values out
        state, has_form = form.state, is_web_address(form.state)
        notes = [*form.notes, *map(sentence, refusal(request.GET))]
        key = None
        if recent and not has_form:
            key = page_key(connection, in_use, state, notes, is_partial=is_partial)
        page = recent_page(key)
        if page is None:
            found = find(connection, state, notes, in_use, may_be_recent=recent)
    if page is None:
        token = get_token(request) if has_form else ""
        page = render_page(found, is_partial=is_partial, csrf_token=token)
        keep_page(key, page, found.searched.outcome.until)
    else:
        count_search(page.results, is_recent=True)
    log_search(request, page.requested, page.results, in_use)
    return _respond(request, page, is_partial=is_partial)


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


def _respond(request: HtmxRequest, page: SearchPage, *, is_partial: bool) -> HttpResponse:
    state = page.state
    if is_partial:
        return push_url(HttpResponse(page.content, status=page.status), state.url())
    context = {
        "state": state,
        "canonical": request.build_absolute_uri(state.url()),
        "is_indexed": state.is_indexed,
        "title": page.title,
        "content": page.content,
    }
    return render(request, "search/page.html", context, status=page.status)


def too_large(request: HttpRequest) -> HttpResponse:
    """The page for an upload that is too large."""
    most = settings.QUERY_PICTURE_MAX_BYTES
    return render(request, "413.html", {"most": most}, status=413)
