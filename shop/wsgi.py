"""The storefront as a WSGI application.

Raises:
    ImproperlyConfigured: static files are not collected; the message says how to do it.
"""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.templatetags.static import static

from shop.head_responses import strip_bodies
from shop.strict_http import refuse_unreadable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = strip_bodies(refuse_unreadable(get_wsgi_application()))
try:
    static("shop/shop.css")
except ValueError as error:
    message = "no static files in VAR_DIR: run manage.py collectstatic --no-input"
    raise ImproperlyConfigured(message) from error
