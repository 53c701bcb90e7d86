"""The admin of the failures: why a text or picture could not be embedded, and "try again"."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from catalog.db.connection import connect
from catalog.indexing.coverage_report import forget_coverage
from catalog.indexing.requests import retry_failures
from shop.admin.embeddings import embedding_table
from shop.admin.read_only import ReadOnly, thumbnail
from shop.models import EmbeddingFailure


@admin.register(EmbeddingFailure)
class EmbeddingFailureAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("failed_at", "product_link", "what", "reason", "model", "again")
    list_filter = ("model",)
    list_select_related = ("product", "image")
    search_fields = ("product__sku", "product__title", "reason")
    actions = ("retry",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("shop.change_embeddingfailure"))

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        if self.has_retry_permission(request):
            return self.list_display
        return tuple(name for name in self.list_display if name != "again")

    def get_urls(self) -> list[URLPattern]:
        retry = self.admin_site.admin_view(self.retry_one)
        own = path("<int:failure>/retry/", retry, name="shop_embeddingfailure_retry")
        return [own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, below the numbers of all embeddings."""
        context = {"embeddings": embedding_table(), **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.action(description=_("Try the selected failures again"), permissions=["retry"])
    def retry(self, request: HttpRequest, failures: QuerySet[Any]) -> None:
        self._retry(request, list(failures.values_list("pk", flat=True)))

    def retry_one(self, request: HttpRequest, failure: int) -> HttpResponse:
        if not self.has_retry_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            self._retry(request, [failure])
        return redirect(reverse("admin:shop_embeddingfailure_changelist"))

    def _retry(self, request: HttpRequest, ids: list[int]) -> None:
        with connect() as connection:
            count = retry_failures(connection, ids)
        forget_coverage()
        done = ngettext(
            "%(count)s failure is tried again at the worker's next pass.",
            "%(count)s failures are tried again at the worker's next pass.",
            count,
        )
        self.message_user(request, done % {"count": count}, messages.SUCCESS)

    @admin.display(description=_("product"), ordering="product__title")
    def product_link(self, failure: Any) -> SafeString:
        address = reverse("admin:shop_product_change", args=(failure.product_id,))
        return format_html('<a href="{}">{}</a>', address, failure.product)

    @admin.display(description=_("of"))
    def what(self, failure: Any) -> SafeString | str:
        if failure.image is None:
            return gettext("text")
        return format_html("{}{}", thumbnail(failure.image.path), failure.image)

    @admin.display(description=_("again"))
    def again(self, failure: Any) -> SafeString:
        """A button of the list's form with an address of its own."""
        address = reverse("admin:shop_embeddingfailure_retry", args=(failure.pk,))
        return format_html(
            '<button class="button" formaction="{}">{}</button>', address, gettext("Try again")
        )
