"""The admin of the synonyms: edits them, imports and exports CSV files, and shows suggestions."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext

from catalog.db.connection import connect
from catalog.importing.cells.texts import FieldError
from catalog.query_statistics import unanswered_queries
from catalog.synonyms.csv_files import LineError, SynonymFileError, import_synonyms, write_file
from catalog.synonyms.row import FIELDS, PARSERS, SynonymRow, parse_row, require_difference
from catalog.synonyms.starter import SOURCE
from catalog.synonyms.store import upsert
from catalog.synonyms.unknown_words import dismiss_word, listed_words
from shop.admin.widgets import frequent_values
from shop.cell_field import CellField
from shop.meaning_refresh import refreshed_later
from shop.models import Synonym
from shop.security_log import record

MAX_FILE_BYTES = 10 * 2**20
MAX_LISTED_ERRORS = 200
MAX_LISTED_WORDS = 100
MAX_LISTED_QUERIES = 100


class SynonymForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("phrase") and cleaned.get("meaning"):
            try:
                require_difference(cleaned["phrase"], cleaned["meaning"])
            except FieldError as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned


class AnswerForm(forms.Form):
    """A synonym for a query that found nothing."""

    phrase = CellField(partial(PARSERS["phrase"], "phrase"))
    meaning = CellField(partial(PARSERS["meaning"], "meaning"))
    relation = forms.ChoiceField(choices=Synonym.Relation.choices)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("phrase") and cleaned.get("meaning"):
            try:
                require_difference(cleaned["phrase"], cleaned["meaning"])
            except FieldError as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned


def may_edit_synonyms(request: HttpRequest) -> bool:
    """Whether the user may add synonyms and replace others."""
    return bool(request.user.has_perms(("shop.add_synonym", "shop.change_synonym")))


def synonym_choices() -> dict[str, Any]:
    """What the form of a synonym proposes: values of the catalogue, and the relations."""
    return {
        "meanings": frequent_values("product_type", "colour", "category", "subcategory"),
        "relations": Synonym.Relation.choices,
    }


class ImportForm(forms.Form):
    file = forms.FileField(label="CSV file")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 2**20
            raise forms.ValidationError(f"The file is larger than {limit} MB: split it.")
        return file


@admin.register(Synonym)
class SynonymAdmin(admin.ModelAdmin):
    form = SynonymForm
    fields = ("phrase", "meaning", "relation", "language", "enabled", "source", "created_at")
    list_display = ("phrase", "meaning", "relation", "language", "source", "enabled")
    list_filter = ("enabled", "source", "relation", "language")
    list_per_page = 100
    search_fields = ("phrase", "meaning")
    show_full_result_count = False
    readonly_fields = ("source", "created_at")
    radio_fields = {"relation": admin.VERTICAL}  # noqa: RUF012
    actions = ("enable", "disable", "export_csv")

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name not in ("phrase", "meaning", "language"):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        parse = partial(PARSERS[db_field.name], db_field.name)
        options = {"required": not db_field.blank, "help_text": db_field.help_text}
        return CellField(parse, widget=AdminTextInputWidget(), **options)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """`migrate` would bring back what is changed in a starter row, so it can only be off."""
        starter = obj is not None and obj.source == SOURCE
        return (
            tuple(name for name in self.fields if name != "enabled")
            if starter
            else (self.readonly_fields)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        starter = obj is not None and obj.source == SOURCE
        return not starter and super().has_delete_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "import": self.import_page,
            "suggestions": self.suggestions_page,
            "unanswered": self.unanswered_page,
        }
        own = [
            path(f"{name}/", self.admin_site.admin_view(page), name=f"shop_synonym_{name}")
            for name, page in pages.items()
        ]
        return [*own, *super().get_urls()]

    def save_model(self, *args: Any) -> None:
        with refreshed_later():
            super().save_model(*args)

    def delete_model(self, *args: Any) -> None:
        with refreshed_later():
            super().delete_model(*args)

    def delete_queryset(self, *args: Any) -> None:
        with refreshed_later():
            super().delete_queryset(*args)

    @admin.action(description="Switch on the selected synonyms", permissions=["change"])
    def enable(self, request: HttpRequest, synonyms: QuerySet[Synonym]) -> None:
        with refreshed_later():
            self.message_user(request, f"{synonyms.update(enabled=True)} switched on")

    @admin.action(description="Switch off the selected synonyms", permissions=["change"])
    def disable(self, request: HttpRequest, synonyms: QuerySet[Synonym]) -> None:
        with refreshed_later():
            self.message_user(request, f"{synonyms.update(enabled=False)} switched off")

    @admin.action(description="Export the selected synonyms as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, synonyms: QuerySet[Synonym]) -> HttpResponse:
        headers = {"Content-Disposition": 'attachment; filename="synonyms.csv"'}
        response = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
        write_file(response, (SynonymRow(*row) for row in synonyms.values_list(*FIELDS)))
        return response

    def import_page(self, request: HttpRequest) -> HttpResponse:
        self._require_editor(request)
        form = ImportForm(request.POST or None, request.FILES or None)
        errors: list[LineError] = []
        if request.method == "POST" and form.is_valid():
            try:
                with connect() as connection:
                    report = import_synonyms(connection, form.cleaned_data["file"].file)
                record("synonyms imported", user=request.user.get_username(), report=report)
            except SynonymFileError as error:
                form.add_error("file", str(error))
            else:
                level = messages.WARNING if report.errors else messages.SUCCESS
                self.message_user(request, f"Synonyms: {report}", level)
                if not report.errors:
                    return redirect(reverse("admin:shop_synonym_changelist"))
                errors = report.errors
        context = {
            **self.admin_site.each_context(request),
            "title": "Import synonyms",
            "opts": self.opts,
            "form": form,
            "columns": ", ".join(FIELDS),
            "errors": errors[:MAX_LISTED_ERRORS],
            "more_errors": max(0, len(errors) - MAX_LISTED_ERRORS),
        }
        return render(request, "admin/shop/synonym/import.html", context)

    def unanswered_page(self, request: HttpRequest) -> HttpResponse:
        """Queries that found nothing. The form of each makes it a synonym of something known."""
        self._require_editor(request)
        form = AnswerForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            phrase, meaning = form.cleaned_data["phrase"], form.cleaned_data["meaning"]
            values = {"relation": form.cleaned_data["relation"], "source": "admin", "enabled": True}
            with refreshed_later():
                synonym, _created = Synonym.objects.update_or_create(
                    phrase=phrase, meaning=meaning, language="", defaults=values
                )
            self.log_addition(request, synonym, "Added for a query that found nothing.")
            done = gettext("“%(phrase)s” means “%(meaning)s” from now on.")
            self.message_user(request, done % {"phrase": phrase, "meaning": meaning})
            pages = ("index", "shop_synonym_unanswered")
            back = request.POST.get("back", "")
            return redirect(reverse(f"admin:{back if back in pages else pages[-1]}"))
        with connect() as connection:
            queries = unanswered_queries(connection, MAX_LISTED_QUERIES)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Searches without results"),
            "opts": self.opts,
            "form": form,
            "unanswered": queries,
            "may_edit_synonyms": True,
            **synonym_choices(),
        }
        return render(request, "admin/shop/synonym/unanswered.html", context)

    def _require_editor(self, request: HttpRequest) -> None:
        """These pages add synonyms and may replace others."""
        if not may_edit_synonyms(request):
            raise PermissionDenied

    def suggestions_page(self, request: HttpRequest) -> HttpResponse:
        """Unknown words of logged queries with proposals; the admin accepts or dismisses."""
        self._require_editor(request)
        if request.method == "POST":
            self._answer(request)
            return redirect(reverse("admin:shop_synonym_suggestions"))
        with connect() as connection:
            words, total = listed_words(connection, MAX_LISTED_WORDS)
        context = {
            **self.admin_site.each_context(request),
            "title": "Suggestions",
            "opts": self.opts,
            "words": words,
            "more_words": total - len(words),
            "relations": Synonym.Relation.choices,
        }
        return render(request, "admin/shop/synonym/suggestions.html", context)

    def _answer(self, request: HttpRequest) -> None:
        """Accept a proposal, or dismiss a word."""
        word = request.POST.get("word", "")
        try:
            with connect() as connection:
                if "dismiss" in request.POST:
                    phrase = PARSERS["phrase"]("phrase", word)
                    dismiss_word(connection, phrase)
                    done = f"{phrase} is not suggested again"
                else:
                    row = parse_row(
                        {
                            "phrase": word,
                            "meaning": request.POST.get("meaning", ""),
                            "relation": request.POST.get("relation", ""),
                            "source": "admin",
                        }
                    )
                    upsert(connection, [row])
                    done = f"{row.phrase} means {row.meaning} ({row.relation})"
        except FieldError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)
