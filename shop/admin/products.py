"""The admin of the products: edits them and their pictures, and shows their embeddings.

A saved product is embedded again by the worker, because PostgreSQL recomputes the hash of its text.
"""

import json
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.db import connection as django_connection
from django.db import models, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from catalog.db.connection import connect
from catalog.importing.columns.parsers import PARSERS
from catalog.indexing.coverage_report import forget_coverage
from catalog.indexing.requests import request_products
from catalog.media.arrangement import arrange_pictures
from shop.admin.embeddings import (
    StateFilter,
    StatePaginator,
    embedding_table,
    state_badges,
)
from shop.admin.picture_forms import (
    PictureForm,
    PictureFormSet,
    PicturesField,
    checked_pictures,
)
from shop.admin.read_only import ReadOnly, thumbnail
from shop.admin.widgets import ListedTextWidget
from shop.cell_field import CellField
from shop.models import EmbeddingFailure, Product, ProductImage
from shop.templatetags.storefront import price

LONG_TEXTS = ("description", "attributes")
LISTED = ("category", "subcategory", "product_type", "gender", "colour", "usage", "brand")
"""The fields that propose the values of the catalogue."""


SHOWING = (ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR)
"""The parameters of a list that do not select products."""


class AttributesField(CellField):
    """Attributes as JSON. An empty text and `null` mean none."""

    def to_python(self, value: Any) -> Any:
        try:
            entries = json.loads((value or "").strip() or "{}")
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"not JSON: {error}") from error
        return super().to_python({} if entries is None else entries)

    def prepare_value(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return json.dumps(value or {}, ensure_ascii=False)


class ProductForm(forms.ModelForm):
    """A product; a regular price must be higher than the price."""

    new_pictures = PicturesField(
        label=_("Add pictures"),
        help_text=_("JPEG, PNG, WebP and others. The first picture of a product is its main one."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        price, regular = cleaned.get("price"), cleaned.get("regular_price")
        if regular is not None and "price" in cleaned and (price is None or regular <= price):
            self.add_error("regular_price", "It must be higher than the price, or empty.")
        if not self.errors:  # else the files are sent again
            try:
                cleaned["new_pictures"] = checked_pictures(cleaned.get("new_pictures") or [])
            except forms.ValidationError as error:
                self.add_error("new_pictures", error)
        return cleaned


class ProductImageInline(admin.TabularInline):
    model = ProductImage
    form = PictureForm
    formset = PictureFormSet
    ordering = ("position",)
    fields = ("picture", "position", "size", "origin")
    readonly_fields = ("picture", "size", "origin")
    verbose_name_plural = _("pictures")
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # by the field of the product's form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("shop.change_product"))

    has_view_permission = has_delete_permission = has_change_permission

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        pictures: QuerySet[Any] = super().get_queryset(request)
        result: QuerySet[Any] = pictures.annotate(url=RawAddress())
        return result

    @admin.display(description=_("picture"))
    def picture(self, image: Any) -> SafeString | str:
        return thumbnail(image.path)

    @admin.display(description=_("pixels"))
    def size(self, image: Any) -> str:
        return f"{image.width} x {image.height}"

    @admin.display(description=_("from"))
    def origin(self, image: Any) -> str:
        """Fetched pictures are shown after the others."""
        return getattr(image, "url", None) or gettext("a file")


class RawAddress(models.expressions.RawSQL):
    """The URL that a picture was fetched from, or NULL."""

    def __init__(self) -> None:
        super().__init__(
            "(SELECT a.url FROM image_address a WHERE a.image_id = product_image.id)",
            (),
            output_field=models.TextField(),
        )


class EmbeddingFailureInline(ReadOnly, admin.TabularInline):
    model = EmbeddingFailure
    fields = ("model", "image", "reason", "failed_at")
    readonly_fields = fields
    verbose_name_plural = _("embedding failures")


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    form = ProductForm
    list_display = (
        *("thumbnail", "named", "product_type", "colour", "formatted_price", "in_stock"),
        *("state", "changed"),
    )
    list_display_links = ("named",)
    list_filter = ("in_stock", StateFilter, "category", "gender", "product_type", "colour")
    list_per_page = 50
    paginator = StatePaginator
    search_fields = ("sku", "title", "brand")
    show_full_result_count = False
    readonly_fields = ("embeddings", "created_at", "updated_at")
    inlines = (ProductImageInline, EmbeddingFailureInline)
    actions = ("embed", "put_in_stock", "take_out_of_stock")
    fieldsets = (
        (None, {"fields": ("sku", "title", "brand", "description", "new_pictures")}),
        (
            _("Kind"),
            {"fields": ("category", "subcategory", "product_type", "gender", "usage")},
        ),
        (_("Colour and details"), {"fields": ("colour", "attributes")}),
        (_("Sale"), {"fields": (("price", "regular_price", "currency"), "in_stock")}),
        (_("Search"), {"fields": ("embeddings", ("created_at", "updated_at"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        main = ProductImage.objects.filter(product=OuterRef("pk"), position=0)
        products: QuerySet[Any] = super().get_queryset(request)
        result: QuerySet[Any] = products.annotate(main_image_path=Subquery(main.values("path")[:1]))
        return result

    def get_paginator(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        paginator = super().get_paginator(request, *args, **options)
        selected = getattr(request, "in_state", None)
        if (
            isinstance(paginator, StatePaginator)
            and selected
            and set(request.GET) <= {StateFilter.parameter_name, *SHOWING}
        ):
            paginator.total = selected.count
        return paginator

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list; the states of all its products are read at once."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = products = list(changelist.result_list)
        badges = state_badges(product.pk for product in products)
        for product in products:
            product.state_badge = badges[product.pk]
        return changelist

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        name = db_field.name
        if name not in PARSERS or isinstance(db_field, models.BooleanField):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        field = AttributesField if name == "attributes" else CellField
        widget: forms.Widget = AdminTextInputWidget()
        if name in LONG_TEXTS:
            widget = AdminTextareaWidget()
        elif name in LISTED:
            widget = ListedTextWidget(name)
        return field(partial(PARSERS[name], name), required=not db_field.blank, widget=widget)

    def get_inlines(self, request: HttpRequest, obj: Any) -> tuple[Any, ...]:
        return self.inlines if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:-1]  # a new product has no embeddings

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        shown = [it for it in formsets if isinstance(it, PictureFormSet)]
        places = {key: place for it in shown for key, place in it.places().items()}
        removed = [image.pk for it in shown for image in it.deleted_objects]
        added = form.cleaned_data.get("new_pictures") or []
        if not added and not removed and not any(it.changed_objects for it in shown):
            return

        def arrange() -> None:
            with connect() as connection:
                arrange_pictures(connection, form.instance.pk, places, removed, added)

        transaction.on_commit(arrange, using=django_connection.alias)

    def view_on_site(self, product: Any) -> str:
        return reverse("product", args=(product.sku,))

    @admin.action(description=_("Embed the selected products now"), permissions=["change"])
    def embed(self, request: HttpRequest, products: QuerySet[Any]) -> None:
        skus = list(products.values_list("sku", flat=True))
        with connect() as connection:
            request_products(connection, skus)
        forget_coverage()
        done = ngettext(
            "%(count)s product waits for the worker, which embeds it at its next pass.",
            "%(count)s products wait for the worker, which embeds them at its next pass.",
            len(skus),
        )
        self.message_user(request, done % {"count": len(skus)}, messages.SUCCESS)

    @admin.action(description=_("Selected products are in stock"), permissions=["change"])
    def put_in_stock(self, request: HttpRequest, products: QuerySet[Any]) -> None:
        self._set_stock(request, products, True, gettext("Now in stock: %(count)s"))

    @admin.action(description=_("Selected products are out of stock"), permissions=["change"])
    def take_out_of_stock(self, request: HttpRequest, products: QuerySet[Any]) -> None:
        self._set_stock(request, products, False, gettext("Now out of stock: %(count)s"))

    def _set_stock(
        self, request: HttpRequest, products: QuerySet[Any], in_stock: bool, done: str
    ) -> None:
        count = products.exclude(in_stock=in_stock).update(in_stock=in_stock)
        self.message_user(request, done % {"count": count}, messages.SUCCESS)

    @admin.display(description=_("picture"))
    def thumbnail(self, product: Any) -> SafeString | str:
        return thumbnail(product.main_image_path)

    @admin.display(description=_("product"), ordering="title")
    def named(self, product: Any) -> SafeString:
        about = " · ".join(filter(None, [product.sku, product.brand]))
        return format_html('{}<span class="about">{}</span>', product.title, about)

    @admin.display(description=_("price"), ordering="price")
    def formatted_price(self, product: Any) -> str:
        return "" if product.price is None else price(product.price, product.currency)

    @admin.display(description=_("search"))
    def state(self, product: Any) -> SafeString | str:
        return getattr(product, "state_badge", "")

    @admin.display(description=_("changed"), ordering="updated_at")
    def changed(self, product: Any) -> str:
        return f"{product.updated_at:%Y-%m-%d}"

    @admin.display(description=_("embeddings"))
    def embeddings(self, product: Any) -> SafeString | str:
        return embedding_table(product.pk)
