"""Django's settings. What the catalogue shares with it (database, media, models) is read by
`catalog.config`; here are the storefront's own:

| variable        | meaning                                          | default                  |
|-----------------|--------------------------------------------------|--------------------------|
| `DEBUG`         | 1 for development                                | 0                        |
| `SECRET_KEY`    | signs sessions and forms                         | made once, in `VAR_DIR`  |
| `ALLOWED_HOSTS` | names under which the shop is reached, by commas | localhost and 127.0.0.1  |
| `SHOP_NAME`     | the name on the page                             | Atelier                  |
| `HTTPS`         | 1 behind a proxy that ends TLS                   | 0                        |
| `TRUSTED_PROXY` | that proxy's address, `*` for any                | 127.0.0.1                |
"""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.core.management.utils import get_random_secret_key

from catalog import config

BASE_DIR = Path(__file__).resolve().parent


def _secret_key() -> str:
    if key := os.environ.get("SECRET_KEY"):
        return key
    file = config.var_dir() / "secret_key"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        with NamedTemporaryFile("w", dir=file.parent) as new:  # for its owner alone
            new.write(get_random_secret_key())
            new.flush()
            with suppress(FileExistsError):  # the first of several processes makes it for all
                os.link(new.name, file)
    return file.read_text()


DEBUG = os.environ.get("DEBUG") == "1"
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = config.split_list(os.environ.get("ALLOWED_HOSTS") or "localhost,127.0.0.1,[::1]")
SHOP_NAME = os.environ.get("SHOP_NAME") or "Atelier"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "shop",
]
# Alembic owns the catalogue's tables; `shop.models` only describes them.
MIGRATION_MODULES = {"shop": None}
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "shop.middleware.content_security_policy",
    "shop.middleware.SetUpPage",
]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# The address comes from `catalog.db.connection`, so that both sides of the house share one.
DATABASES = {
    "default": {
        "ENGINE": "shop.postgresql",
        "NAME": "shop",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STATIC_ROOT = config.var_dir() / "static"
WHITENOISE_ROOT = BASE_DIR / "root"  # what browsers and crawlers ask for by its fixed name
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_URL = "media/"
MEDIA_ROOT = config.media_root()

# Enough for a photograph from a telephone.
QUERY_PICTURE_MAX_BYTES = 15 * 2**20
QUERY_PICTURE_DIR = config.var_dir() / "query_pictures"
QUERY_PICTURE_SECONDS = 24 * 60 * 60
# Of all of them together, more or less: those used longest ago go first.
QUERY_PICTURES_BYTES = 500 * 2**20

LANGUAGE_CODE = "en-gb"
TIME_ZONE = os.environ.get("TZ") or "UTC"
USE_TZ = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
if os.environ.get("HTTPS") == "1":
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXY = os.environ.get("TRUSTED_PROXY") or "127.0.0.1"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    # A browser asks for a page's pictures all at once; that some wait a moment is no news.
    "loggers": {"waitress.queue": {"level": "ERROR"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
