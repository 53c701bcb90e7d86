"""The settings of the search that are in the database, which are changed after their effect was
seen."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from catalog import config
from catalog.active_models import models_in_use
from catalog.db.connection import connect
from catalog.indexing.planned_switch import cancel_switch
from catalog.indexing.switch_model import SwitchError
from catalog.search.calibration import QueryKind
from catalog.search.weights import (
    Weights,
    default_weights,
    store_weights,
    stored_weights,
    usual_min_match,
    window_of,
)
from embedding.registry import get_spec
from shop.admin.languages import languages_page
from shop.admin.model_switch import Switch, plan, planned_switch, switch_to
from shop.admin.read_only import ReadOnly
from shop.admin.search_effect import Changes, Effect, SearchesForm, effects, sample_texts
from shop.models import SearchWeights

KINDS: dict[QueryKind, Any] = {
    "words": _("Words"),
    "both": _("Words and pictures"),
    "picture": _("Pictures"),
    "product": _("More like this"),
}
SIGNALS = {
    "structure": _("What was understood"),
    "lexical": _("Words of the product"),
    "text": _("Meaning of the text"),
    "image": _("Likeness of pictures"),
}
BY_EMBEDDINGS = ("text", "image")
"""The signals of searches without words."""

OTHERS = ("min_match", "products")
"""What is set for each kind of query beside the weights; empty for the default."""

SALT = "shop.search_weights"
SEEN_SECONDS = 60 * 60
"""How long an effect that was seen can be saved."""


def signals_of(kind: QueryKind) -> list[str]:
    return [it for it in SIGNALS if kind in ("words", "both") or it in BY_EMBEDDINGS]


class SettingsForm(SearchesForm):
    """Weights, minimum match and window of each kind of query, and the default model."""

    def __init__(self, models: list[str], **options: Any) -> None:
        super().__init__(**options)
        for kind in KINDS:
            for signal in signals_of(kind):
                self.fields[f"{kind}_{signal}"] = forms.FloatField(
                    label=SIGNALS[signal],
                    min_value=0,
                    max_value=1,
                    widget=forms.NumberInput(attrs={"step": "any"}),
                )
            self.fields[f"{kind}_min_match"] = forms.FloatField(
                label=_("Minimum match"),
                min_value=0,
                max_value=1,
                required=False,
                widget=forms.NumberInput(
                    attrs={"step": "any", "placeholder": f"{usual_min_match(kind, Weights()):g}"}
                ),
            )
            self.fields[f"{kind}_products"] = forms.IntegerField(
                label=_("Ranked products"),
                min_value=1,
                max_value=1000,
                required=False,
                widget=forms.NumberInput(
                    attrs={"step": "1", "placeholder": f"{window_of(Weights())}"}
                ),
            )
        choices = [(name, get_spec(name).label) for name in models]
        self.fields["model"] = forms.ChoiceField(label=_("Default model"), choices=choices)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for kind in KINDS:
            names = [f"{kind}_{signal}" for signal in signals_of(kind)]
            if all(name in cleaned for name in names) and not any(map(cleaned.get, names)):
                self.add_error(names[0], gettext("At least one weight must be above 0."))
        return cleaned

    def weights(self) -> dict[QueryKind, Weights]:
        return {
            kind: Weights(
                **{it: self.cleaned_data[f"{kind}_{it}"] for it in signals_of(kind)},
                **{it: self.cleaned_data[f"{kind}_{it}"] for it in OTHERS},
            )
            for kind in KINDS
        }

    def rows(self) -> list[tuple[Any, list[tuple[Any, Any]]]]:
        """For the table: the name of each setting, and for each kind of query its name and the
        field, or None where it has no such signal."""
        names = [*SIGNALS.items(), *((it, self[f"words_{it}"].label) for it in OTHERS)]
        return [
            (
                label,
                [
                    (
                        kind_label,
                        self[f"{kind}_{name}"] if f"{kind}_{name}" in self.fields else None,
                    )
                    for kind, kind_label in KINDS.items()
                ],
            )
            for name, label in names
        ]


def initial_values(weights: dict[QueryKind, Weights]) -> dict[str, Any]:
    return {
        f"{kind}_{name}": getattr(weights[kind], name)
        for kind in KINDS
        for name in (*signals_of(kind), *OTHERS)
    }


@admin.register(SearchWeights)
class SearchWeightsAdmin(ReadOnly, admin.ModelAdmin):
    """One page instead of a list."""

    def get_urls(self) -> list[URLPattern]:
        languages = self.admin_site.admin_view(self.languages)
        own = path("languages/", languages, name="shop_searchweights_languages")
        return [own, *super().get_urls()]

    def languages(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return languages_page(request, self.admin_site, self.opts)

    def may_edit(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("shop.change_searchweights"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        with connect() as connection:
            in_use = models_in_use(connection)
            weights = stored_weights(connection)
            texts = sample_texts(connection)
            planned = planned_switch(connection)
        initial = initial_values(weights) | {"model": in_use[0] if in_use else ""}
        initial["searches"] = "\n".join(texts)
        is_sent = request.method == "POST"
        if is_sent and not self.may_edit(request):
            raise PermissionDenied
        if is_sent and "cancel" in request.POST:
            return self._cancel(request)
        wants_defaults = is_sent and "defaults" in request.POST
        data = initial | initial_values(default_weights()) if wants_defaults else request.POST
        form = SettingsForm(in_use, data=data if is_sent else None, initial=initial)
        found: list[Effect] | None = None
        total = Changes()
        switch: Switch | None = None
        if is_sent and form.is_valid():
            chosen, model = form.weights(), form.cleaned_data["model"]
            seen = signing.dumps([initial_values(chosen), model], salt=SALT)
            if "save" in request.POST and self._save(request, form, chosen, model, in_use[0]):
                return redirect(reverse("admin:shop_searchweights_changelist"))
            other = "" if model == in_use[0] else model
            found = self._effects(form, weights, chosen, other)
            total = sum((it.changes for it in found), start=Changes())
            with connect() as connection:
                switch = switch_to(connection, other) if other else None
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Search settings"),
            "opts": self.opts,
            "form": form,
            "kinds": KINDS.values(),
            "effects": found,
            "changes": total,
            "switch": switch,
            "planned": planned,
            "seen": seen if found else "",
            "may_edit": self.may_edit(request),
            "models": ", ".join(config.settings().models),
            "languages": ", ".join(config.settings().search_languages),
            **(extra_context or {}),
        }
        return render(request, "admin/shop/searchweights/page.html", context)

    def _effects(
        self,
        form: SettingsForm,
        before: dict[QueryKind, Weights],
        after: dict[QueryKind, Weights],
        model: str,
    ) -> list[Effect]:
        kinds = [kind for kind in KINDS if model or before[kind] != after[kind]]
        texts = [it.strip() for it in form.cleaned_data["searches"].splitlines() if it.strip()]
        with connect() as connection:
            return effects(connection, kinds, texts, after, model)

    def _save(
        self,
        request: HttpRequest,
        form: SettingsForm,
        weights: dict[QueryKind, Weights],
        model: str,
        before: str,
    ) -> bool:
        """Store what was seen; returns whether it was stored."""
        try:
            seen = signing.loads(request.POST.get("seen", ""), salt=SALT, max_age=SEEN_SECONDS)
        except signing.BadSignature:
            seen = None
        if seen != [initial_values(weights), model]:
            form.add_error(None, gettext("See the effect of these settings first, below."))
            return False
        try:
            with connect() as connection:
                if model != before:
                    plan(connection, model)
                store_weights(connection, weights)
        except SwitchError as error:
            form.add_error("model", str(error))
            return False
        changed = ", ".join(name for name in form.changed_data if name not in ("searches", "model"))
        if changed:
            self._log(request, f"Changed {changed}.")
            done = gettext("All searches use these settings now.")
            self.message_user(request, done, messages.SUCCESS)
        if model != before:
            self._log(request, f"Planned {model} as the default model, after {before}.")
            done = gettext("A worker makes %(model)s the default model.")
            self.message_user(request, done % {"model": get_spec(model).label}, messages.SUCCESS)
        return True

    def _cancel(self, request: HttpRequest) -> HttpResponse:
        with connect() as connection:
            cancel_switch(connection)
        self._log(request, "Kept the default model.")
        self.message_user(request, gettext("The default model stays."), messages.SUCCESS)
        return redirect(reverse("admin:shop_searchweights_changelist"))

    def _log(self, request: HttpRequest, message: str) -> None:
        self.log_change(request, SearchWeights(query="words"), message)
