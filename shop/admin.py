"""The admin of the catalogue: edits products and shows their pictures and embeddings.

Saving a changed product makes the embedding of its text stale, because PostgreSQL recomputes the
hash of the text. `manage.py embed_catalog` then embeds it again.
"""

import json
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.db import connection, models, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from catalog.db.connection import connect
from catalog.importing.columns.parsers import PARSERS
from catalog.search.facets import forget_facets
from catalog.search.vocabulary import refresh_facet_values
from shop.cell_field import CellField
from shop.embedding_state import embedding_states
from shop.models import EmbeddingFailure, Facet, Product, ProductImage
from shop.synonym_admin import SynonymAdmin as SynonymAdmin  # registers itself
from shop.templatetags.storefront import image_url, price

admin.site.site_header = admin.site.site_title = "Catalogue"
admin.site.index_title = "Products and their embeddings"

LONG_TEXTS = ("description", "attributes")


def _thumbnail(path: str | None) -> SafeString | str:
    url = image_url(path, "small")
    return format_html('<img class="catalogue-thumbnail" src="{}" alt="">', url) if url else ""


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

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        price, regular = cleaned.get("price"), cleaned.get("regular_price")
        if regular is not None and "price" in cleaned and (price is None or regular <= price):
            self.add_error("regular_price", "It must be higher than the price, or empty.")
        return cleaned


class ReadOnly:
    """Read-only, for rows that the importer or the embedding jobs write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ProductImageInline(ReadOnly, admin.TabularInline):
    model = ProductImage
    ordering = ("position",)
    fields = ("picture", "position", "size", "path")
    readonly_fields = fields
    verbose_name_plural = "pictures"

    @admin.display(description="picture")
    def picture(self, image: Any) -> SafeString | str:
        return _thumbnail(image.path)

    @admin.display(description="pixels")
    def size(self, image: Any) -> str:
        return f"{image.width} x {image.height}"


class EmbeddingFailureInline(ReadOnly, admin.TabularInline):
    model = EmbeddingFailure
    fields = ("model", "image", "reason", "failed_at")
    readonly_fields = fields
    verbose_name_plural = "embedding failures"


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    form = ProductForm
    list_display = (
        *("thumbnail", "title", "sku", "brand", "product_type", "colour", "formatted_price"),
        *("in_stock", "updated_at"),
    )
    list_display_links = ("thumbnail", "title")
    list_filter = ("in_stock", "category", "gender", "product_type", "colour")
    list_per_page = 50
    search_fields = ("sku", "title", "brand")
    show_full_result_count = False
    readonly_fields = ("embeddings", "created_at", "updated_at")
    inlines = (ProductImageInline, EmbeddingFailureInline)
    fieldsets = (
        (None, {"fields": ("sku", "title", "brand", "description")}),
        ("Kind", {"fields": ("category", "subcategory", "product_type", "gender", "usage")}),
        ("Colour and details", {"fields": ("colour", "attributes")}),
        ("Sale", {"fields": (("price", "regular_price", "currency"), "in_stock")}),
        ("Search", {"fields": ("embeddings", ("created_at", "updated_at"))}),
    )

    class Media:
        css: ClassVar = {"all": ("shop/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        main = ProductImage.objects.filter(product=OuterRef("pk"), position=0)
        products: QuerySet[Any] = super().get_queryset(request)
        result: QuerySet[Any] = products.annotate(main_image_path=Subquery(main.values("path")[:1]))
        return result

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name not in PARSERS or isinstance(db_field, models.BooleanField):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        field = AttributesField if db_field.name == "attributes" else CellField
        long = db_field.name in LONG_TEXTS
        widget = AdminTextareaWidget() if long else AdminTextInputWidget()
        parse = partial(PARSERS[db_field.name], db_field.name)
        return field(parse, required=not db_field.blank, widget=widget)

    def get_inlines(self, request: HttpRequest, obj: Any) -> tuple[Any, ...]:
        return self.inlines if obj else ()

    @admin.display(description="")
    def thumbnail(self, product: Any) -> SafeString | str:
        return _thumbnail(product.main_image_path)

    @admin.display(description="price", ordering="price")
    def formatted_price(self, product: Any) -> str:
        return "" if product.price is None else price(product.price, product.currency)

    @admin.display(description="embeddings")
    def embeddings(self, product: Any) -> SafeString | str:
        if product.pk is None:
            return "Created by manage.py embed_catalog after the product is saved."
        return _embedding_table(product.pk)


def _embedding_table(product_id: int | None = None) -> SafeString:
    """The numbers of embedded, stale, missing and failed rows, of a product or of all."""
    with connect() as connection:
        rows = format_html_join(
            "",
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (model, modality, it.embedded, it.stale, it.missing, it.failed)
                for model, modality, it in embedding_states(connection, product_id)
            ),
        )
    return format_html(
        '<table class="catalogue-embeddings"><thead><tr><th>model</th><th>of</th>'
        "<th>embedded</th><th>stale</th><th>missing</th><th>failed</th></tr></thead>{}</table>",
        rows,
    )


class FacetForm(forms.ModelForm):
    """A facet is for a column of the product, or for an attribute by its name in any spelling."""

    class Meta:
        model = Facet
        fields = ("name", "label", "kind", "position", "enabled", "role")
        widgets: ClassVar = {"name": AdminTextInputWidget(), "label": AdminTextInputWidget()}
        help_texts: ClassVar = {
            "name": "The name of an attribute or column, such as “heel height” or “colour”.",
            "kind": "What its values are: this decides how the search understands them.",
            "position": "Its place in the filter panel.",
            "role": "“searched”: its values are words of the search. “identifier”: it is searched"
            " as a whole, such as an EAN, and is never a filter.",
        }

    def clean_name(self) -> str:
        with connection.cursor() as cursor:  # the form is checked in a transaction of Django's
            cursor.execute("SELECT public.fold_text(%s)", [self.cleaned_data["name"]])
            (name,) = cursor.fetchone()
        if not name or "=" in name:
            raise forms.ValidationError("A name has letters or digits, and no “=”.")
        if Facet.objects.filter(name=name).exists():
            raise forms.ValidationError(f"There is already a facet “{name}”.")
        return str(name)


@admin.register(Facet)
class FacetAdmin(admin.ModelAdmin):
    """A facet that was edited keeps its settings at the next import. One that is not wanted is
    disabled: a deleted one could come back."""

    form = FacetForm
    list_display = ("label", "name", "kind", "position", "enabled", "role", "source")
    list_editable = ("kind", "position", "enabled", "role")
    list_per_page = 200

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.source = "admin"
        super().save_model(request, obj, form, change)
        transaction.on_commit(forget_facets)
        if change and not {"enabled", "role"} & set(form.changed_data):
            return
        if not getattr(request, "refreshes_facet_values", False):  # a list saves several facets
            request.refreshes_facet_values = True  # type: ignore[attr-defined]
            transaction.on_commit(_refresh_facet_values)


def _refresh_facet_values() -> None:
    with connect() as connection:
        refresh_facet_values(connection)


@admin.register(EmbeddingFailure)
class EmbeddingFailureAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("failed_at", "model", "product", "image", "reason")
    list_filter = ("model",)
    list_select_related = ("product",)
    search_fields = ("product__sku", "product__title", "reason")

    class Media:
        css: ClassVar = {"all": ("shop/admin.css",)}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, below the numbers of all embeddings."""
        context = {"embeddings": _embedding_table(), **(extra_context or {})}
        return super().changelist_view(request, context)
