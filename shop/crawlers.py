"""What search engines read: robots.txt and the sitemap. They find products, not searches."""

from datetime import datetime
from typing import Any

from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import index, sitemap
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from catalog.db.replica import reads_replica
from shop.cards import product_url
from shop.models import Product

ONE_HOUR = 60 * 60
PRODUCTS_PER_PAGE = 10_000
"""Products on a page of the sitemap; the protocol allows 50,000, which take seconds to write."""


class FrontPage(Sitemap):
    """The front page, from which the pages of the catalogue are linked."""

    def items(self) -> list[str]:
        return [reverse("search")]

    def location(self, item: str) -> str:
        return item


class Products(Sitemap):
    """The page of every product."""

    limit = PRODUCTS_PER_PAGE

    def items(self) -> "QuerySet[Any, Any]":
        return Product.objects.order_by("id").values_list("sku", "updated_at", named=True)

    def location(self, item: Any) -> str:
        return product_url(item.sku)

    def lastmod(self, item: Any) -> datetime:
        changed: datetime = item.updated_at
        return changed

    def get_latest_lastmod(self) -> datetime | None:
        """One query; Django's own would read all products."""
        latest: datetime | None = Product.objects.aggregate(latest=Max("updated_at"))["latest"]
        return latest


SITEMAPS: "dict[str, type[Sitemap[Any]] | Sitemap[Any]]" = {
    "front": FrontPage,
    "products": Products,
}


@require_safe
@cache_control(public=True, max_age=ONE_HOUR)
def robots_txt(request: HttpRequest) -> HttpResponse:
    address = request.build_absolute_uri(reverse("sitemap_index"))
    return render(
        request, "robots.txt", {"sitemap": address}, content_type="text/plain; charset=utf-8"
    )


@require_safe
@cache_control(public=True, max_age=ONE_HOUR)
@reads_replica
def sitemap_index(request: HttpRequest) -> HttpResponse:
    return index(request, SITEMAPS, sitemap_url_name="sitemap")


@require_safe
@cache_control(public=True, max_age=ONE_HOUR)
@reads_replica
def sitemap_page(request: HttpRequest, section: str) -> HttpResponse:
    return sitemap(request, SITEMAPS, section)
