"""The admin of the API's tokens. A new token is shown once, on the page after it was made."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from shop.api.models import ApiToken, Scope


class TokenForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, widget=forms.CheckboxSelectMultiple, initial=[Scope.SEARCH.value]
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scopes", "rate", "expires_at", "disabled")


@admin.register(ApiToken)
class TokenAdmin(admin.ModelAdmin):
    form = TokenForm
    fields = ("name", "scopes", "rate", "expires_at", "disabled", "start", "created_at")
    list_display = ("name", "start", "listed_scopes", "last_used_at", "expires_at", "disabled")
    list_filter = ("disabled",)
    search_fields = ("name", "start")
    readonly_fields = ("start", "created_at")

    class Media:
        css: ClassVar = {"all": ("shop/admin.css",)}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A new token has no beginning yet."""
        made_later = () if obj else self.readonly_fields
        return tuple(name for name in self.fields if name not in made_later)

    @admin.display(description=_("scopes"))
    def listed_scopes(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if not change:
            obj.text = obj.renew()  # type: ignore[attr-defined]  # for the next page alone
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the token. A redirect would have to store it."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Token for %(name)s") % {"name": obj.name},
            "opts": self.opts,
            "token": obj.text,  # type: ignore[attr-defined]
        }
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(request, "admin/api/created.html", context, headers=headers)
