"""The page that compares searches side by side, and the verdicts on it. For staff, unless the
setting `COMPARE_OPEN` opens it."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from catalog.active_models import models_in_use
from catalog.db.connection import connect
from catalog.db.replica import connect_to_read, reads_replica
from catalog.evaluation.comparisons import (
    VERDICTS,
    ComparedQuery,
    Comparison,
    comparisons_of,
    filters_of_judgment,
    store_comparison,
)
from catalog.search.facets import Facet, enabled_facets
from catalog.search.filters import Filters, known_values
from embedding.image_decoding import ImageError
from embedding.registry import ModelSpec
from shop import comparison as comparisons
from shop import filter_panel
from shop.column_controls import MIN_COLUMNS, column_controls
from shop.compare_params import ColumnSetup, CompareParams
from shop.errors import sentence
from shop.forms import CompareForm, needed_modalities, usable_models
from shop.models import Product, ProductImage
from shop.page_search import unknown_values, with_stored_pictures
from shop.query_picture_panel import picture_panels
from shop.query_pictures import keep_query_picture
from shop.rates import count_request, limited, network_of
from shop.refused_uploads import refusal, with_refusal
from shop.search_page import main_image
from shop.second_factor import is_staff
from shop.views import (
    HttpResponseSeeOther,
    announces_too_much,
    never_stale,
    see_other,
    too_large,
    uploaded_picture,
)

View = Callable[..., HttpResponse]

VERDICT_TEXTS = {
    "left": gettext_lazy("Stored: %(left)s is better."),
    "right": gettext_lazy("Stored: %(right)s is better."),
    "equal": gettext_lazy("Stored: %(left)s and %(right)s are equal."),
}


def for_staff(view: View) -> View:
    """Redirect everybody but staff to the login, unless `settings.COMPARE_OPEN`."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.COMPARE_OPEN or is_staff(request):
            return view(request, *args, **kwargs)
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))

    return checked


@for_staff
@require_safe
@never_stale
@limited("SEARCH_RATE")
def compare_page(request: HttpRequest) -> HttpResponse:
    form = _parse(request.GET)
    if form.is_apart and not form.notes:
        return redirect(form.comparison.url())  # the address that people share
    return _compare_page(
        request, form.comparison, [*form.notes, *map(sentence, refusal(request.GET))]
    )


@csrf_exempt
def upload_picture(request: HttpRequest) -> HttpResponse:
    """Reject an upload that is too large before anything reads it, such as the CSRF check."""
    if request.method != "POST":
        return redirect("compare")
    count_request("UPLOAD_RATE", network_of(request))
    return too_large(request) if announces_too_much(request) else _store_picture(request)


@for_staff
@csrf_protect
def _store_picture(request: HttpRequest) -> HttpResponse:
    comparison = _parse(QueryDict(request.POST.get("state", ""))).comparison
    try:
        name = uploaded_picture(request)
    except ImageError as error:
        return see_other(request, with_refusal(comparison.url(), str(error)))
    if name is None:
        return too_large(request)
    url = comparison.searching(comparison.search.with_picture(name)).url()
    return see_other(request, url)


@for_staff
@require_POST
def store_verdict(request: HttpRequest) -> HttpResponse:
    verdict = next((it for it in VERDICTS if it == request.POST.get("verdict")), None)
    try:
        if verdict is None:
            raise BadSignature
        judged, address = comparisons.read_token(
            request.POST.get("token", ""), verdict, request.user.get_username()
        )
    except BadSignature:
        messages.error(
            request, gettext("This verdict could not be stored. Search again, then judge.")
        )
        return HttpResponseSeeOther(reverse("compare"))
    if judged.username:  # what anybody can do must not fill the disk
        for name in judged.query.pictures:
            keep_query_picture(name)
    with connect() as connection:
        store_comparison(connection, judged)
    columns = {"left": judged.left_setup, "right": judged.right_setup}
    messages.success(request, str(VERDICT_TEXTS[verdict]) % columns)
    return HttpResponseSeeOther(f"{reverse('compare')}?{address}#verdicts")


@reads_replica
def _parse(parameters: QueryDict) -> CompareForm:
    with connect_to_read() as connection:
        return CompareForm(parameters, enabled_facets(connection))


@reads_replica
def _read_facets(
    filters: Filters,
) -> tuple[list[str], tuple[Facet, ...], Filters, list[str]]:
    """The models in use, the facets, and the known and the unknown part of filters."""
    with connect_to_read() as connection:
        return (
            models_in_use(connection),
            enabled_facets(connection),
            *known_values(connection, filters),
        )


@reads_replica
def _read_product(sku: str) -> tuple[Product | None, ProductImage | None]:
    """A product and its main picture."""
    product = Product.objects.filter(sku=sku).first() if sku else None
    return product, main_image(product) if product else None


def _compare_page(
    request: HttpRequest, comparison: CompareParams, notes: list[str]
) -> HttpResponse:
    state, images = with_stored_pictures(comparison.search, notes)
    in_use, facets, known, unknown = _read_facets(state.filters)
    notes += unknown_values(unknown)
    state = replace(state, filters=known)
    query = ComparedQuery(
        state.text, state.pictures, state.like, filters_of_judgment(state.filters)
    )
    judged: list[Comparison] = []
    if username := request.user.get_username():
        with connect() as connection:  # the primary has the verdict of a moment ago
            judged = comparisons_of(connection, query, username)
    needed = needed_modalities(state.text, state.pictures)
    able = usable_models(in_use, needed or ("text",))  # without a query, words are likely to come
    setups = _setups(comparison.columns, able, in_use, notes)
    comparison = CompareParams(state, setups)
    columns = comparisons.run_columns(state.spec(images), setups) if state.ranks else []
    liked, liked_image = _read_product(state.like)
    shown_apart = {"q", "blend"} if state.text and (state.pictures or state.like) else {"q"}
    context = {
        "comparison": comparison,
        "state": state,
        "notes": notes,
        "columns": columns,
        "pairs": comparisons.pairs(columns, query, judged, comparison.query()),
        "shown": comparisons.SHOWN,
        "depth": comparisons.DEPTH,
        "overlap_depth": comparisons.OVERLAP_DEPTH,
        "controls": column_controls(setups, in_use),
        "filters": [chip.label for chip in filter_panel.chips(state, facets)],
        "kept": [it for it in parse_qsl(state.query()) if it[0] not in shown_apart],
        "pictures": picture_panels(state, comparison.searching),
        "likeless": comparison.searching(state.changed(like="")),
        "liked": liked,
        "liked_image": liked_image,
    }
    return render(request, "compare/page.html", context)


def _setups(
    asked: tuple[ColumnSetup, ...], able: list[ModelSpec], in_use: list[str], notes: list[str]
) -> tuple[ColumnSetup, ...]:
    """The columns to show: those asked for whose models are in use, and at least two."""
    usable = []
    for setup in asked:
        missing = set(filter(None, setup.model.split("+"))) - set(in_use)
        if missing:
            notes.append(
                gettext(
                    "The column “%(column)s” was left out: %(model)s has no embeddings; run"
                    " ./manage.py add_model %(model)s."
                )
                % {"column": setup, "model": min(missing)}
            )
        else:
            usable.append(setup)
    names = [spec.name for spec in able]
    usual = [ColumnSetup(), *(ColumnSetup(model=name) for name in names[1:])]
    if not asked and len(usual) >= MIN_COLUMNS:
        return tuple(usual[:MIN_COLUMNS])
    for other in (*usual, ColumnSetup(signals=("text", "image"))):
        if len(usable) >= MIN_COLUMNS:
            break
        if other not in usable:
            usable.append(other)
    return tuple(usable)
