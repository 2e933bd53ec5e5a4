"""The one settings module; differences come from the environment (docs/settings.md lists every variable)."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from marketplace import data_dir, env, identity_providers, logs, web_server

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = False

# --- Where things are -----------------------------------------------------------------------------
DATA_DIR = env.folder("MARKETPLACE_DATA_DIR", BASE_DIR / "var")
DATABASE_URL = env.url("DATABASE_URL", "", schemes=("postgres", "postgresql"))
IS_EMBEDDED = not DATABASE_URL  # `up` runs PostgreSQL for us, and secrets may be generated
STORAGE_URL = env.url("STORAGE_URL", f"file://{DATA_DIR}/blobs", schemes=("file", "s3"))
PUBLIC_URL = env.site_url("PUBLIC_URL")
SITE_NAME = env.text("SITE_NAME", "Model Marketplace")

# --- Secrets: generated once for the embedded set-up, demanded from the environment elsewhere ---------
if IS_EMBEDDED:
    try:
        SECRET_KEY = env.text("SECRET_KEY") or data_dir.kept_secret(DATA_DIR, "secret_key")
        TOKEN_PEPPER = env.text("TOKEN_PEPPER") or data_dir.kept_secret(DATA_DIR, "token_pepper")
        SIGNING_KEY = env.text("SIGNING_KEY") or data_dir.kept_secret(DATA_DIR, "signing_key", data_dir.new_signing_key)
        RECORD_KEY = env.text("RECORD_KEY") or data_dir.known_secret(DATA_DIR, "record_key") or SIGNING_KEY
        RETIRED_RECORD_KEYS = (
            env.names("RETIRED_RECORD_KEYS") or data_dir.known_secret(DATA_DIR, "retired_record_keys").split()
        )
    except OSError as problem:
        raise ImproperlyConfigured(f"MARKETPLACE_DATA_DIR {DATA_DIR} cannot be used: {problem.strerror}") from problem
else:
    SECRET_KEY = env.secret("SECRET_KEY", "sessions and links are signed with it", shortest=32)
    TOKEN_PEPPER = env.secret("TOKEN_PEPPER", "access tokens are stored under it", shortest=32)
    SIGNING_KEY = env.secret("SIGNING_KEY", "scores are signed with it (base64 of 32 bytes)", shortest=43)
    RECORD_KEY = env.text("RECORD_KEY") or SIGNING_KEY  # signs scores from now on, where SIGNING_KEY is retired
    RETIRED_RECORD_KEYS = env.names("RETIRED_RECORD_KEYS")
    env.required("REDIS_URL", "with DATABASE_URL, Redis must be named too")

# --- Who may ask ----------------------------------------------------------------------------------
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
if PUBLIC_URL:
    ALLOWED_HOSTS.append(urlsplit(PUBLIC_URL).hostname or "")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
BLOCKED_NETWORKS = env.networks("BLOCKED_NETWORKS")
METRICS_NETWORKS = env.networks("METRICS_NETWORKS") or [ip_network("127.0.0.0/8"), ip_network("::1/128")]
USE_X_FORWARDED_HOST = bool(TRUSTED_PROXIES)  # ForwardedHeaders drops these headers of anyone else
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
IS_HTTPS = bool(PUBLIC_URL and PUBLIC_URL.startswith("https://"))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Applications ---------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "template_partials",
    "marketplace",
    "catalog",
    "evaluation",
]
MIDDLEWARE = [
    "marketplace.middleware.RequestIds",
    "marketplace.middleware.TokensInAddresses",
    "marketplace.middleware.Metrics",
    "marketplace.middleware.ForwardedHeaders",
    "marketplace.middleware.BlockedNetworks",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "marketplace.middleware.Health",
    "marketplace.middleware.BusyDatabase",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # allauth wants it; its pages are not ours
    "marketplace.rate_limits.RateLimits",
    "marketplace.shedding.Shedding",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
APPEND_SLASH = False  # a hub's paths end where they end
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.context.site",
            ],
        },
    },
]

# --- Database, cache, sessions --------------------------------------------------------------------
STATEMENT_TIMEOUT_MS = env.number("STATEMENT_TIMEOUT_MS", 0)  # 0: no limit; wsgi.py sets the web's
LOCK_TIMEOUT_MS = env.number("LOCK_TIMEOUT_MS", 0)
_database: dict[str, Any] = (
    {**dj_database_url.parse(DATABASE_URL)} if DATABASE_URL else data_dir.embedded_database(DATA_DIR)
)
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "marketplace.database",
        "CONN_MAX_AGE": 600,  # a new one signs in and plans its statements anew
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}",
            "application_name": env.text("PROCESS_NAME", "marketplace"),
            "connect_timeout": 10,
        },
    }
}
REDIS_URL = env.url("REDIS_URL", "", schemes=("redis", "rediss", "unix")) or data_dir.embedded_redis_url(DATA_DIR)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "TIMEOUT": 300,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}
RATE_LIMIT_WINDOW_SECONDS = env.number("RATE_LIMIT_WINDOW_SECONDS", 300, least=1)
RATE_LIMITS = {  # requests of one person, or of one network of strangers, in each window
    "api": env.number("RATE_LIMIT_API", 20_000, least=1),
    "resolvers": env.number("RATE_LIMIT_RESOLVERS", 60_000, least=1),
    "pages": env.number("RATE_LIMIT_PAGES", 20_000, least=1),
}
WEB_THREADS = env.number("WEB_THREADS", web_server.USUAL_THREADS, least=4)
TRANSFERS_PER_ACTOR = env.number("TRANSFERS_PER_ACTOR", max(1, WEB_THREADS * 2 // 3), least=1)  # in each web process
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 14 * 86_400

# --- Celery: a message is only a nudge with a primary key -----------------------------------------------
VISIBILITY_TIMEOUT_SECONDS = 3_600  # Redis sends again what is not acknowledged by then
CELERY_BROKER_URL = env.broker_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
    "global_keyprefix": "marketplace:",
    "socket_keepalive": not CELERY_BROKER_URL.startswith("redis+socket"),
    "socket_timeout": 30,
    "health_check_interval": 25,
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_TIMEOUT_SECONDS}
CELERY_VISIBILITY_TIMEOUT = VISIBILITY_TIMEOUT_SECONDS
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"catalog.sync_mirror": {"queue": "mirrors"}}  # hours of it must not keep an upload's card waiting
CELERY_TASK_TIME_LIMIT = 3_300  # seconds, below the visibility timeout; a task sets its own, shorter one
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True  # no message waits behind a long job
CELERY_WORKER_MAX_TASKS_PER_CHILD = 100
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.number("WORKER_DRAIN_SECONDS", 20)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "catalog.sweep": {"task": "catalog.sweep", "schedule": 30.0, "options": {"expires": 60}},
    "catalog.collect": {"task": "catalog.collect", "schedule": 3_600.0, "options": {"expires": 3_000}},
    "catalog.scrub": {"task": "catalog.scrub", "schedule": 3_600.0, "options": {"expires": 3_000}},
    "catalog.flush_counters": {"task": "catalog.flush_counters", "schedule": 15.0, "options": {"expires": 30}},
    "evaluation.check_records": {
        "task": "evaluation.check_records",
        "schedule": 3_600.0,
        "options": {"expires": 3_000},
    },
    "evaluation.sweep": {"task": "evaluation.sweep", "schedule": 15.0, "options": {"expires": 30}},
}

# --- Accounts -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "catalog.User"
REGISTRATION = env.choice("REGISTRATION", "closed", among=("closed", "invite", "open"))
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
PASSWORD_RESET_TIMEOUT = 86_400  # one-time links live a day
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
ADMIN_SECOND_FACTOR = env.choice(
    "ADMIN_SECOND_FACTOR", "optional" if IS_EMBEDDED else "required", among=("required", "optional")
)
OIDC_PROVIDERS = identity_providers.configured()
OIDC_ALLOWED_HOSTS = env.names("OIDC_ALLOWED_HOSTS")  # beyond public https: providers inside
TRUSTED_PUBLISHER_ISSUERS = env.names("TRUSTED_PUBLISHER_ISSUERS") or [
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
]
MFA_ADAPTER = "catalog.authenticators.SealedAuthenticators"
MFA_TOTP_TOLERANCE = 1  # time steps of 30 seconds, before and after: people type slowly and clocks are wrong
CSRF_FAILURE_VIEW = "catalog.pages.errors.csrf_failure"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"
EMAIL_URL = env.url("EMAIL_URL", "", schemes=("smtp", "smtps"))
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env.mail_server(EMAIL_URL)
EMAIL_USE_SSL, EMAIL_USE_TLS = EMAIL_URL.startswith("smtps:"), EMAIL_URL.startswith("smtp:")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "marketplace@localhost")

# --- Bytes, mirrors, evaluation -----------------------------------------------------------------------
GC_GRACE_SECONDS = env.number("GC_GRACE_SECONDS", 48 * 3_600)  # longer than any upload session
GC_CONDEMNED_SECONDS = env.number("GC_CONDEMNED_SECONDS", 3_600)
GC_TRASH_SECONDS = env.number("GC_TRASH_SECONDS", 7 * 86_400)
SCRUB_DAYS = env.number("SCRUB_DAYS", 30, least=1)
SCRUB_MB_PER_SECOND = env.number("SCRUB_MB_PER_SECOND", 20, least=1)
REPLICA_URL = env.url("REPLICA_URL", "", schemes=("file", "s3"))  # a second store that scrub repairs from
DELETED_REPO_DAYS = env.number("DELETED_REPO_DAYS", 30)
NAMESPACE_QUOTA_GB = env.number("NAMESPACE_QUOTA_GB", 0)  # 0: no limit
# Of people who may not write to the repo; 0: no limit, and kept for good.
STRANGER_OPEN_PULL_REQUESTS = env.number("STRANGER_OPEN_PULL_REQUESTS", 10)  # of one person in one repo
STRANGER_DAILY_PULL_REQUESTS = env.number("STRANGER_DAILY_PULL_REQUESTS", 20)  # likewise
STRANGERS_PULL_REQUESTS_MB = env.number("STRANGERS_PULL_REQUESTS_MB", 5_000)  # of all of them together in one repo
CLOSED_PULL_REQUEST_WEEKS = env.number("CLOSED_PULL_REQUEST_WEEKS", 12)  # until their unmerged commits go
ATTACHMENT_MB = env.number("ATTACHMENT_MB", 10, least=1)  # of a picture or sound in a comment
ATTACHMENT_VIDEO_MB = env.number("ATTACHMENT_VIDEO_MB", 50, least=1)
ATTACHMENT_QUOTA_MB = env.number("ATTACHMENT_QUOTA_MB", 500)  # of one account together
DEDUP_SCOPE = env.choice("DEDUP_SCOPE", "", among=("", "global", "owner"))  # "": owner for private repos alone
SENDFILE = env.choice("SENDFILE", "wsgi", among=("wsgi", "x-accel"))
LFS_MULTIPART_ABOVE_BYTES = env.number("LFS_MULTIPART_ABOVE_BYTES", 5_000_000_000)
LFS_PART_BYTES = env.number("LFS_PART_BYTES", 256 * 1024 * 1024, least=1)
XET_READS_ABOVE_BYTES = env.number("XET_READS_ABOVE_BYTES", 50_000_000_000)  # huggingface_hub's limit for plain HTTP
MIRROR_ALLOWED_HOSTS = env.names("MIRROR_ALLOWED_HOSTS")
WEBHOOK_ALLOWED_HOSTS = env.names("WEBHOOK_ALLOWED_HOSTS")  # beyond public https: internal receivers
EXTRA_CA_FILE = env.certificates("EXTRA_CA_FILE")  # whom outbound requests trust besides the public ones
EVAL_MIN_SANDBOX = env.text("EVAL_MIN_SANDBOX")
NODE_CACHE_GB = env.number("NODE_CACHE_GB", 20, least=1)
EVAL_RUNS_PER_ACCOUNT = env.number("EVAL_RUNS_PER_ACCOUNT", 4)  # under way on nodes at once; 0: no limit
EVAL_CPU_LARGEST_GB = env.number("EVAL_CPU_LARGEST_GB", 32)  # runs that need more go to GPUs
AUTO_EVALUATE = env.flag("AUTO_EVALUATE", default=True)
SENTINEL_DAYS = env.number("SENTINEL_DAYS", 7)  # how often each node measures each sentinel; 0: never by itself
REEVALUATE_DAYS = env.number("REEVALUATE_DAYS", 180)  # results older than that are measured again; 0: never
AUTO_EVALUATE_DELAY_SECONDS = env.number("AUTO_EVALUATE_DELAY_SECONDS", 60)  # an upload is several commits
RATING_MIN_ACCOUNT_DAYS = env.number("RATING_MIN_ACCOUNT_DAYS", 0)
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = env.text("FILE_UPLOAD_TEMP_DIR") or None

# --- Languages and time ---------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]  # grows with locale/: a page must not claim a language it is not in
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

# --- Static files and what a page may load ----------------------------------------------------------
STATIC_URL = "/static/"
IS_STATIC_PLAIN = env.flag("PLAIN_STATIC", default=False)  # unhashed names straight from static/: tests
STATIC_ROOT = env.folder("STATIC_ROOT", BASE_DIR / ("static" if IS_STATIC_PLAIN else "build/static"))
STATICFILES_DIRS = [] if IS_STATIC_PLAIN else [BASE_DIR / "static"]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_STATIC_PLAIN
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = IS_STATIC_PLAIN
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- REST -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "catalog.rest_api.v1.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "EXCEPTION_HANDLER": "catalog.rest_api.v1.errors.exception_handler",
    "DEFAULT_PERMISSION_CLASSES": [],  # catalog/access.py and evaluation/access.py are the one door
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["catalog.rest_api.v1.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{SITE_NAME} API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "RunStateEnum": "evaluation.models.Run.State",
        "TokenRoleEnum": "catalog.models.AccessToken.Role",
        "GrantRoleEnum": "catalog.models.TokenGrant.Role",
    },
}

LOGGING_CONFIG = None
logs.to_stderr(env.text("LOG_LEVEL", "INFO"))
