"""The page that says what other languages of the catalogue would change, and how to change them."""

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from catalog import config
from catalog.db.connection import connect
from catalog.language_effect import Comparison, compare_languages
from catalog.lexemes import known_languages, lexemes_are_current, stored_languages
from shop.admin.search_effect import MAX_SEARCHES, SearchesForm, sample_texts


class LanguagesForm(SearchesForm):
    """The languages to compare, and searches."""

    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one language.")},
    )
    field_order = ("languages", "searches")

    def __init__(self, known: list[str], **options: Any) -> None:
        super().__init__(**options)
        self.fields["languages"].choices = [(name, name) for name in known]  # type: ignore[attr-defined]


def languages_page(request: HttpRequest, site: AdminSite, opts: Any) -> HttpResponse:
    """Show the languages in use; after the form was sent, also what others would change."""
    wanted = config.settings().search_languages
    with connect() as connection:
        in_use, known = stored_languages(connection), known_languages(connection)
        is_current = not set(wanted) - set(known) and lexemes_are_current(connection)
        initial = {"languages": in_use, "searches": "\n".join(sample_texts(connection))}
        form = LanguagesForm(known, data=request.GET or None, initial=initial)
        comparison: Comparison | None = None
        chosen: list[str] = []
        if form.is_valid():
            # Those in use keep their order: it decides which stem of a word comes first.
            chosen = sorted(
                form.cleaned_data["languages"],
                key=lambda it: in_use.index(it) if it in in_use else len(in_use),
            )
            texts = [it.strip() for it in form.cleaned_data["searches"].splitlines()]
            texts = [it for it in texts if it][:MAX_SEARCHES]
            comparison = compare_languages(connection, texts, in_use, chosen)
    context = {
        **site.each_context(request),
        "title": gettext("Languages of the catalogue"),
        "opts": opts,
        "form": form,
        "in_use": in_use,
        "setting": ",".join(wanted),
        "is_current": is_current,
        "comparison": comparison,
        "chosen": ",".join(chosen),
        "is_same": set(chosen) == set(in_use),
    }
    return render(request, "admin/shop/searchweights/languages.html", context)
