"""The page of a product."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from catalog.db.replica import connect_to_read, reads_replica
from catalog.search.card_details import card_details
from catalog.search.facets import Facet, enabled_facets
from catalog.search.pipeline import SearchSpec
from catalog.text import fold
from shop.cards import cards, details_of, product_url
from shop.errors import try_search
from shop.models import Product, ProductImage
from shop.rates import limited
from shop.recent_searches import may_be_recent
from shop.search_params import SearchParams
from shop.structured_data import breadcrumb_list, product_data, script
from shop.templatetags.storefront import attribute_rows, facet_url, image_url
from shop.variant_choices import sizes_of, variant_choices
from shop.views import never_stale

SIMILAR_LIMIT = 8
"""The number of similar products on a product's page."""

CRUMBS = ("category", "subcategory", "product_type")
"""The columns of a product that lead to it, from the general to the particular."""


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step on the way from the front page to the product."""

    label: str
    url: str


@require_safe
@never_stale
@limited("SEARCH_RATE")
@reads_replica
def product_page(request: HttpRequest, sku: str) -> HttpResponse:
    product = Product.objects.filter(sku=sku).first()
    if product is None:
        raise Http404(gettext("There is no product with the SKU %(sku)s.") % {"sku": sku})
    images = list(ProductImage.objects.filter(product=product).order_by("position"))
    recent = may_be_recent(request)
    with connect_to_read() as connection:
        facets = enabled_facets(connection)
        shown = {product.pk: images[0].path if images else None}
        own = card_details(connection, shown)[product.pk]
        # One more, since the product's own variants may come first.
        spec = SearchSpec(like=sku, limit=SIMILAR_LIMIT + 1, min_match=0.0, in_stock_first=True)
        found = try_search(connection, spec, may_be_recent=recent).results.hits
        variants = {variant.id for variant in own.variants}
        similar = [hit for hit in found if hit.id not in variants][:SIMILAR_LIMIT]
        details = details_of(connection, similar)
    products = Product.objects.in_bulk(list(variants))
    size_names = [facet.name for facet in facets if facet.kind == "size"]
    crumbs = _crumbs(product, facets)
    address = request.build_absolute_uri(product_url(sku))
    pictures = [
        request.build_absolute_uri(url)
        for image in images
        if (url := image_url(image.path, "large"))
    ]
    attributes = product.attributes if isinstance(product.attributes, dict) else {}
    rows = {name: it for name, it in attributes.items() if fold(name) not in size_names}
    context = {
        "product": product,
        "images": images,
        "crumbs": crumbs,
        "choices": variant_choices(product, own.variants, products, size_names),
        "sizes": sizes_of(product, size_names),
        "facets": [
            (facet, value) for facet in facets if (value := getattr(product, facet.name, ""))
        ],
        "attributes": attribute_rows(rows),
        "cards": cards(similar, details),
        "like_url": SearchParams(like=sku).url(),
        "canonical": address,
        "share_picture": pictures[0] if pictures else "",
        "structured_data": script(
            product_data(product, address, pictures),
            breadcrumb_list(
                [(crumb.label, request.build_absolute_uri(crumb.url)) for crumb in crumbs]
                + [(product.title, address)]
            ),
        ),
    }
    return render(request, "product/page.html", context)


def _crumbs(product: Product, facets: tuple[Facet, ...]) -> list[Crumb]:
    """The way to the product: the front page, then what it is, each said once."""
    enabled = {facet.name for facet in facets}
    crumbs = [Crumb(gettext("Home"), SearchParams().url())]
    for name in CRUMBS:
        value = getattr(product, name)
        known = {crumb.label.casefold() for crumb in crumbs}
        if value and name in enabled and value.casefold() not in known:
            crumbs.append(Crumb(value, facet_url(name, value)))
    return crumbs
