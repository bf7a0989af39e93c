"""Django settings. Every value that differs between machines comes from llmhub/config.py."""

from typing import Any
from urllib.parse import unquote, urlsplit

from celery.schedules import crontab

from llmhub import console_theme
from llmhub.config import ROOT, ConfigError, HubConfig, config_read, missing_servers

HUB: HubConfig = config_read()

if _missing := next(iter(missing_servers(HUB)), None):
    raise ConfigError(
        _missing,
        f"is not set, and no hub runs on {HUB.hub_data_dir.name}/: run `make up`, or set it.",
    )

SECRET_KEY = HUB.secret_key.reveal()
DEBUG = HUB.hub_debug
_PUBLIC = urlsplit(HUB.public_url)
ALLOWED_HOSTS = [*HUB.hub_allowed_hosts, _PUBLIC.hostname or ""]
CSRF_TRUSTED_ORIGINS = [f"{_PUBLIC.scheme}://{_PUBLIC.netloc}"]

SHARED_APPS = [
    # The plain `unfold` would put a site of its own in the place of ours.
    "unfold.apps.BasicAppConfig",
    "django_tenants",
    "providers",
    "tenants",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "llmhub.apps.OperatorAdminConfig",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "llmhub",
]
TENANT_APPS = ["tenants.llms", "tenants.limits", "tenants.usage", "tenants.audit"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
AUTH_USER_MODEL = "tenants.User"
# Set the search path once per connection and tenant, not once per cursor.
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "ENGINE": "llmhub.database",
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or 5432,
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        # A pooled connection whose server went away is found out before it is used.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # A backend that touched many schemas grows (220 MB at 1,000): connections live briefly.
            "pool": {
                "min_size": 0,
                "max_size": 8,
                # See llmhub/database/base.py: then it looks whether the server is there.
                "timeout": 0.5,
                # A pool that goes on trying, ever more slowly, finds out late that it is back.
                "reconnect_timeout": 0.5,
                "max_lifetime": 300,
                "max_idle": 60,
            },
            "connect_timeout": 2,
            "application_name": "llm-hub",
        },
    }


DATABASES = {"default": _database(HUB.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "llmhub.security_headers.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "llmhub.urls"
ASGI_APPLICATION = "llmhub.asgi.application"
WSGI_APPLICATION = "llmhub.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _PUBLIC.scheme == "https"
X_FRAME_OPTIONS = "DENY"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LOCALE_PATHS = [ROOT / "locale"]

UNFOLD = console_theme.UNFOLD

# A request body of the management API is small: a key, a name, a URL.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.authentication.HubTokenAuthentication",
        "tenants.authentication.MembershipSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.permissions.TenantPermission"],
    "DEFAULT_PARSER_CLASSES": ["llmhub.json_parser.JSONObjectParser"],
    "DEFAULT_RENDERER_CLASSES": ["llmhub.envelope.EnvelopeRenderer"],
    "DEFAULT_SCHEMA_CLASS": "llmhub.schema_views.HubSchema",
    "DEFAULT_PAGINATION_CLASS": "llmhub.envelope.EnvelopePagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "llmhub.envelope.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "LLM Hub management API",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "GET_LIB_DOC_EXCLUDES": "llmhub.schema_views.doc_excludes",
}


# Without a server mail is written to the log of the worker.
_MAIL = urlsplit(HUB.email_url)
_BACKEND = "smtp" if HUB.email_url else "console"
EMAIL_BACKEND = f"django.core.mail.backends.{_BACKEND}.EmailBackend"
EMAIL_HOST = _MAIL.hostname or ""
EMAIL_USE_SSL = _MAIL.scheme == "smtps"
EMAIL_PORT = _MAIL.port or (465 if EMAIL_USE_SSL else 587)
EMAIL_HOST_USER = unquote(_MAIL.username or "")
EMAIL_HOST_PASSWORD = unquote(_MAIL.password or "")
# A password does not cross the network in the clear.
EMAIL_USE_TLS = bool(_MAIL.password) and not EMAIL_USE_SSL
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = HUB.hub_email_from

CELERY_BROKER_URL = HUB.redis_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# A run that waited in the queue for longer than `expires` has been overtaken by the next one.
CELERY_BEAT_SCHEDULE = {
    "usage-drain": {
        "task": "usage.drain",
        "schedule": 1.0,
        "options": {"expires": 10},
    },
    "usage-drop-old": {
        "task": "usage.drop_old",
        "schedule": crontab(hour="3", minute="17"),
        "options": {"expires": 12 * 3600},
    },
    "connections-dispatch": {
        "task": "llms.connections_dispatch",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "rechecks-run": {
        "task": "llms.rechecks_run",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "budget-alerts-run": {
        "task": "limits.alerts_run",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "spare-schemas-refill": {
        "task": "tenants.spare_schemas_refill",
        "schedule": 2.0,
        "options": {"expires": 10},
    },
    "catalog-prices-sync": {
        "task": "catalog.prices_sync",
        "schedule": 86_400.0,
        "options": {"expires": 3600},
    },
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": HUB.hub_log_level},
    # Two lines for each task that went well, every second, hide the ones that did not.
    "loggers": {
        name: {"level": "INFO" if HUB.hub_log_level == "DEBUG" else "WARNING"}
        for name in ("celery.app.trace", "celery.worker.strategy", "celery.beat")
    },
}
