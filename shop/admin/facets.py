"""The admin of the facets."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db import connection, transaction
from django.http import HttpRequest

from catalog.db.connection import connect
from catalog.search.facets import forget_facets
from catalog.search.vocabulary import refresh_facet_values
from shop.models import Facet


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

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """A field of the list has no label of its own, so it gets one for screen readers."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None:
            field.widget.attrs["aria-label"] = db_field.verbose_name
        return field

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
