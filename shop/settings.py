"""Django's settings. The ones that environment variables set are declared in `shop.config` and
`catalog.config`, and listed in `docs/settings.md`."""

import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.management.utils import get_random_secret_key

from catalog.config import settings as catalog_settings
from embedding.config import ConfigError
from shop.config import rate_settings
from shop.config import settings as shop_settings

CATALOG = catalog_settings()
SHOP = shop_settings()
RATES = rate_settings()
BASE_DIR = Path(__file__).resolve().parent


def _secret_key() -> str:
    if SHOP.secret_key:
        return SHOP.secret_key
    file = CATALOG.var_dir / "secret_key"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"VAR_DIR must be a writable folder, not {file.parent} ({error.strerror})"
        raise ConfigError(message) from error
    if not file.exists():
        with NamedTemporaryFile("w", dir=file.parent) as new:  # mode 0600
            new.write(get_random_secret_key())
            new.flush()
            with suppress(FileExistsError):  # another process has created it
                os.link(new.name, file)
    return file.read_text()


DEBUG = SHOP.debug
DEFAULT_EXCEPTION_REPORTER_FILTER = "shop.debug_pages.WithoutPassword"
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = SHOP.allowed_hosts
SHOP_NAME = SHOP.shop_name
SECURITY_CONTACT = SHOP.security_contact
CSP_REPORT_URI = SHOP.csp_report_uri
COMPARE_OPEN = SHOP.compare_open

INSTALLED_APPS = [
    "shop",  # first, since it replaces templates of the admin
    "shop.admin_app.ShopAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "corsheaders",
    "ninja",  # the files of Swagger UI
    "shop.api",
]
# Alembic owns the catalogue's tables; `shop.models` only describes them.
MIGRATION_MODULES = {"shop": None}
MIDDLEWARE = [
    "shop.request_ids.identify_requests",
    "shop.metrics.count_requests",
    "shop.middleware.security_headers",  # before all that answer, so that no response lacks them
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "shop.probes.answer_probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "shop.languages.PageLanguage",  # before what can answer with a page
    "shop.api.problems.api_responses",
    "shop.security_log.remember_client",
    "shop.middleware.watch_database",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "shop.middleware.shed_load",
    "shop.middleware.limit_request_head",
    "shop.middleware.SetUpPage",
    "shop.middleware.ErrorPages",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {},
        "MinimumLengthValidator": {"min_length": 12},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
# Failed logins are counted for each network, since whoever guesses can choose any user name.
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_CLIENT_IP_CALLABLE = "shop.rates.login_address"
AXES_USERNAME_CALLABLE = "shop.rates.login_name"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "429.html"
ADMIN_SECOND_FACTOR = SHOP.admin_second_factor
OTP_TOTP_ISSUER = SHOP.shop_name
OTP_ADMIN_HIDE_SENSITIVE_DATA = True
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [SHOP.templates_dir] if SHOP.templates_dir else [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "jinja2",
        "DIRS": [
            *([SHOP.templates_dir / "jinja2"] if SHOP.templates_dir else []),
            BASE_DIR / "jinja2",
            BASE_DIR / "templates",  # the icons
        ],
        "OPTIONS": {"environment": "shop.jinja2_environment.environment"},
    },
]

# `shop.postgresql` adds the address from `catalog.db.connection`, so that Django and the catalogue
# use the same database.
_POSTGRESQL = {
    "ENGINE": "shop.postgresql",
    "NAME": "shop",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": True,  # a transaction pooler cannot keep them
}
DATABASES = {"default": _POSTGRESQL, "replica": _POSTGRESQL}
DATABASE_ROUTERS = ["shop.postgresql.router.ReplicaRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STATIC_ROOT = CATALOG.var_dir / "static"
WHITENOISE_ROOT = BASE_DIR / "root"  # files with fixed URLs, such as /favicon.ico
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "shop.static_files.StaticStorage"
    },
}
MEDIA_URL = "media/"
MEDIA_ROOT = CATALOG.media_root

# The maximum size of a request's address and headers, in bytes.
MAX_REQUEST_HEAD = 16 * 2**10
# Enough for a photo from a phone.
QUERY_PICTURE_MAX_BYTES = 15 * 2**20
QUERY_PICTURE_DIR = CATALOG.var_dir / "query_pictures"
JUDGED_PICTURE_DIR = CATALOG.var_dir / "judged_pictures"  # those of comparisons do not expire
QUERY_PICTURE_SECONDS = 24 * 60 * 60
# The maximum size of all query pictures; see `shop.picture_quota`.
QUERY_PICTURES_BYTES = 500 * 2**20

SEARCH_CACHE_SECONDS = SHOP.search_cache_seconds

METRICS_TOKEN = SHOP.metrics_token
METRICS_ALLOWED = SHOP.metrics_allowed

API_ANONYMOUS = SHOP.api_anonymous
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_ALL_ORIGINS = "*" in SHOP.api_cors_origins
CORS_ALLOWED_ORIGINS = [] if CORS_ALLOW_ALL_ORIGINS else SHOP.api_cors_origins
CORS_ALLOW_METHODS = ["GET", "HEAD", "OPTIONS", "POST"]
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "if-none-match", "x-request-id"]
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After", "Server-Timing", "X-Request-ID"]

# Requests a minute, counted by `shop.rates`.
SEARCH_RATE = RATES.search_rate
PICTURE_SEARCH_RATE = RATES.picture_search_rate
UPLOAD_RATE = RATES.upload_rate
FETCH_RATE = RATES.fetch_rate
SUGGESTION_RATE = RATES.suggestion_rate
API_RATE = RATES.api_rate
API_ANONYMOUS_RATE = RATES.api_anonymous_rate
RATE_STORE = RATES.rate_store

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]  # before those of the installed applications
TIME_ZONE = SHOP.tz
USE_TZ = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
if SHOP.https:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = SHOP.hsts_seconds
LOGIN_REDIRECT_URL = "admin:index"
TRUSTED_PROXY = SHOP.trusted_proxy

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"unavailable_once": {"()": "shop.logs.UnavailableOnce"}},
    "formatters": {
        "text": {"()": "shop.logs.PlainFormatter"},
        "json": {"()": "shop.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["unavailable_once"],
            "formatter": SHOP.log_format,
        }
    },
    "loggers": {
        # A browser requests all pictures of a page at once, so short queues are normal.
        "waitress.queue": {"level": "ERROR"},
        # A request for another host gets status 400, which needs no traceback.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "security": {"level": "INFO"},
        "shop.processes": {"level": "INFO"},
        "shop.server": {"level": "INFO"},
        "axes": {"level": "ERROR"},  # `shop.security_log` says it in one line
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
}
