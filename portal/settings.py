"""One settings module for the demo, the tests and production; what differs comes from the environment.

docs/settings.md lists every variable.
"""

from datetime import timedelta
from pathlib import Path

from portal import env, rates

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
SITE_URL = env.text("SITE_URL", "http://localhost:8000").rstrip("/")
# How many proxies of ours stand in front; each appends one address to X-Forwarded-For.
TRUSTED_PROXY_COUNT = env.whole("TRUSTED_PROXY_COUNT", 0)

INSTALLED_APPS = [
    "portal",
    "orders",
    "gpujobs",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",  # its widgets' templates, for FORM_RENDERER
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "django_rq",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Outside of all that may answer by itself, so that no kind of answer goes without them.
    "portal.middleware.closed_doors",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",  # before static files: a drawing opened by itself is a page too
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.sessions.end_when_idle",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

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
            ],
        },
    },
]

FORM_RENDERER = "portal.form_renderer.FormRenderer"

DATABASES = {"default": env.database("DATABASE_URL") | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}
# For `gpujobs.prepared`, whose questions are planned once whatever is asked. Django's cursors never ask for it.
_options = DATABASES["default"]["OPTIONS"]
_options["prepare_threshold"] = 0
_options["options"] = f"{_options.get('options', '')} -c plan_cache_mode=force_generic_plan".lstrip()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis_url("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "portal",
    },
}

# One queue per worker: a worker listening to two can lose a job when it is killed between them.
RQ_QUEUES = {
    name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": timeout}
    for name, timeout in {
        "gpu": 6 * 3600,  # one driver of one GPU host; ends by itself when there is nothing to do
        "portal": 15 * 60,  # attaching results, finishing, messages
        "upkeep": 5 * 60,  # reconcile, sweeps
        "hosts": 15 * 60,  # visits to GPU hosts: what operators ask for, scans
    }.items()
}
RQ = {"WORKER_CLASS": "gpujobs.worker.Worker"}
# Loaded once by the worker rather than by every process that it forks.
RQ_GET_READY = {"portal": ["orders.tasks.get_ready"]}

# What the fleet asks of the product that uses it; gpujobs itself imports neither orders nor portal.
GPUJOBS_MAY_RUN = "orders.authority.may_run"
GPUJOBS_ON_FINISHED = "orders.tasks.job_finished"
# How long a driver keeps its connection open with nothing to do.
GPUJOBS_IDLE_SECONDS = env.whole("GPUJOBS_IDLE_SECONDS", 300)
# A prompt that runs without any sign of life for so long is given up and its ComfyUI restarted where that is possible.
GPUJOBS_WEDGED_SECONDS = env.whole("GPUJOBS_WEDGED_SECONDS", 600, least=1)
# Private keys that an operator may choose from on a page, beside those in use.
GPU_KEYS = env.words("GPU_KEYS")
# Private keys themselves, for whoever keeps secrets in the environment: GPU_PRIVATE_KEY_EC2 is that of hosts added with
# --key-secret EC2, and GPU_PRIVATE_KEY_EC2_FILE the file of such a secret.
GPU_PRIVATE_KEYS = env.group("GPU_PRIVATE_KEY_")
# Commands that operators may choose from on a page to restart an instance, beside those that come with the portal.
GPU_RESTART_COMMANDS = env.words("GPU_RESTART_COMMANDS")
# Of the private keys that GPU hosts name by path.
GPU_KEY_PASSPHRASE = env.text("GPU_KEY_PASSPHRASE", "")
# Of a key that has one of its own: GPU_KEY_PASSPHRASE_EC2 is that of hosts added with --passphrase EC2.
GPU_KEY_PASSPHRASES = env.group("GPU_KEY_PASSPHRASE_")

# Whoever brings it as "Authorization: Bearer …" may read /metrics; empty lets only operators in.
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

STORAGE_ROOT = Path(env.text("STORAGE_ROOT", str(BASE_DIR / ".demo" / "files")))
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": STORAGE_ROOT, "base_url": None, "file_permissions_mode": 0o640},
    },
    "staticfiles": {"BACKEND": "portal.hashed_files.HashedFiles"},
}
# The chain and the EC P-256 key, both PEM, with which what leaves is signed (C2PA).
C2PA_CERTIFICATE_FILE = env.text("C2PA_CERTIFICATE_FILE", "")
C2PA_KEY_FILE = env.text("C2PA_KEY_FILE", "")
# An RFC 3161 time-stamp authority, asked for each file that is signed; empty: none, and nothing goes over the network.
C2PA_TSA_URL = env.text("C2PA_TSA_URL", "")

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]

UPLOAD_MAX_BYTES = env.whole("UPLOAD_MAX_BYTES", 60 * 1024 * 1024, least=1)
UPLOAD_MAX_PIXELS = env.whole("UPLOAD_MAX_PIXELS", 120_000_000, least=1)
FILE_UPLOAD_HANDLERS = [
    "orders.uploading.StopLargeFiles",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "orders.uploading.KeepWhatFits",
]
# Fields of a form, not files: those have limits of their own above.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["portal.accounts.HomeBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "portal.passwords.OwnWordsValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_FORMS = {"login": "portal.handover.LoginForm"}
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # or anybody could have us send mail to anybody
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or second factor is told to its owner
ACCOUNT_RATE_LIMITS = rates.for_allauth()
# Reviewers, operators and admins do nothing without one; only a demo turns it off.
SECOND_FACTOR_REQUIRED = env.flag("SECOND_FACTOR_REQUIRED", True)
MFA_ADAPTER = "portal.second_factor.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# A passkey unlocked by finger, face or PIN is both factors at once.
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "add_webauthn": "portal.passkeys.Add",
    "authenticate_webauthn": "portal.passkeys.Authenticate",
    "login_webauthn": "portal.passkeys.Login",
    "reauthenticate_webauthn": "portal.passkeys.Reauthenticate",
}
MFA_RATE_LIMITS = {"webauthn_login": rates.for_allauth()["webauthn_login"]}
# A phone's clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = "ConnectDream"

EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.whole("EMAIL_PORT", 587, least=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "ConnectDream <no-reply@localhost>")

# How text messages to families leave: printed, or handed to a service over HTTPS (portal.notices.ways).
SMS_SERVICE = env.one_of("SMS_SERVICE", ("console", "http"))
SMS_URL = env.text("SMS_URL", "")
SMS_TOKEN = env.text("SMS_TOKEN", "")
SMS_SENDER = env.text("SMS_SENDER", "")

LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", "한국어"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Seoul"
USE_I18N = USE_TZ = True

# Behind TLS everything below is on; only a plain-HTTP demo on loopback turns it off.
HTTPS = env.flag("HTTPS", True)
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# With the prefix a browser takes them from this host alone, over TLS; it refuses the prefix without TLS.
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}django_language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = int(timedelta(days=365).total_seconds())
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
# A login that nobody uses ends after so many minutes: at a home's desk, and of whoever reaches every home's work.
IDLE_MINUTES_HOME = env.whole("IDLE_MINUTES_HOME", 30, least=1)
IDLE_MINUTES_PORTAL = env.whole("IDLE_MINUTES_PORTAL", 15, least=1)
# From where operators and admins may work; empty: from anywhere.
ADMIN_NETWORKS = env.networks("ADMIN_NETWORKS")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}

# Lines to read, or JSON objects to gather.
LOG_FORMAT = env.one_of("LOG_FORMAT", ("line", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "portal.masking.MaskingFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        },
        "json": {"()": "portal.json_logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {"paramiko": {"level": "WARNING"}},
}
