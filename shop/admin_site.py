"""The site of the admin, whose start page says what matters."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _


class ShopAdminSite(AdminSite):
    site_header = site_title = _("Catalogue")
    index_title = _("Overview")
    index_template = "admin/start_page.html"
    enable_nav_sidebar = False  # lists need the width, and the header has links

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from shop.admin.start_page import start_page  # needs the models

        return super().index(request, {**start_page(request), **(extra_context or {})})
