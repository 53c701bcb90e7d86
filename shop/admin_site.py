"""The site of the admin, whose start page says what matters."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _


class ShopAdminSite(AdminSite):
    site_header = site_title = _("Catalogue")
    index_title = _("Overview")
    index_template = "admin/start_page.html"
    enable_nav_sidebar = False  # lists need the width, and the header has links

    def has_permission(self, request: HttpRequest) -> bool:
        from shop.second_factor import is_staff  # needs the models

        return is_staff(request)

    def admin_view(  # type: ignore[override]  # its types allow views without a request
        self, view: Callable[..., HttpResponse], cacheable: bool = False
    ) -> Callable[..., HttpResponse]:
        from shop.recent_searches import forget_answers  # needs the settings

        checked = super().admin_view(view, cacheable)

        @wraps(checked)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response = checked(request, *args, **kwargs)
            if request.method == "POST":  # what staff have changed is to be seen at once
                forget_answers()
            return response

        return wrapped

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        from shop.second_factor import CodeForm  # needs the models

        has_code = settings.ADMIN_SECOND_FACTOR
        self.login_form = CodeForm if has_code else None
        self.login_template = "admin/shop/login.html" if has_code else None
        return super().login(request, extra_context)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from shop.admin.start_page import start_page  # needs the models

        return super().index(request, {**start_page(request), **(extra_context or {})})
