"""The language of a page: the browser's, where the shop has a catalogue for it."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

ENGLISH_ONLY = ("/admin/", "/api/")
"""The beginnings of addresses whose answers are in English: for staff and for programs."""


class PageLanguage(LocaleMiddleware):
    """Django's `LocaleMiddleware` for the shop's pages. Pictures and other files have no language,
    so that caches keep one copy of them."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.path_info.startswith(ENGLISH_ONLY):
            super().process_request(request)
            return
        translation.activate(settings.LANGUAGE_CODE)
        request.LANGUAGE_CODE = translation.get_language()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if not is_page or request.path_info.startswith(ENGLISH_ONLY):
            return response
        answer: HttpResponseBase = super().process_response(request, response)
        return answer
