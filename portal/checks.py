"""What must be there for the program to run, checked by `manage.py check` and before every start."""

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  Django's own name
from django.utils import timezone

# Time enough to have a new one issued.
CERTIFICATE_WARNING = timedelta(days=30)


@register(Tags.files)
def storage_can_be_written(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    root = settings.STORAGE_ROOT
    nearest = next(path for path in (root, *root.parents) if path.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        return [Error(f"STORAGE_ROOT {root} cannot be written to.", id="portal.E001")]
    return []


@register(Tags.security, deploy=True)
def secret_key_is_long(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if len(settings.SECRET_KEY) < 50:
        return [Error("SECRET_KEY has fewer than 50 characters.", id="portal.E002")]
    return []


@register(Tags.security, deploy=True)
def site_is_https(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if not settings.SITE_URL.startswith("https://"):
        return [Error("SITE_URL must begin with https:// where families are sent links.", id="portal.E003")]
    return []


@register(Tags.security, deploy=True)
def mail_goes_out(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return [Warning("EMAIL_BACKEND prints to the terminal; nobody will get mail.", id="portal.W001")]
    return []


@register(Tags.security, deploy=True)
def text_messages_go_out(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if settings.SMS_SERVICE == "console":
        return [Warning("SMS_SERVICE prints to the terminal; no family will get a text message.", id="portal.W002")]
    missing = [name for name in ("SMS_TOKEN", "SMS_SENDER") if not getattr(settings, name)]
    if not settings.SMS_URL.startswith("https://"):
        missing.append("SMS_URL (https://…)")
    return [Error(f"SMS_SERVICE=http needs {', '.join(missing)}.", id="portal.E006")] if missing else []


@register(Tags.security, deploy=True)
def what_leaves_can_be_signed(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    files = (settings.C2PA_CERTIFICATE_FILE, settings.C2PA_KEY_FILE)
    if not all(name and os.access(name, os.R_OK) for name in files):
        return [Error("C2PA_CERTIFICATE_FILE and C2PA_KEY_FILE must name files that can be read.", id="portal.E005")]
    return []


@register(Tags.security, deploy=True)
def what_signs_is_valid_for_a_while(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if not os.access(settings.C2PA_CERTIFICATE_FILE, os.R_OK):
        # E005 says so.
        return []
    try:
        (own, *_chain) = x509.load_pem_x509_certificates(Path(settings.C2PA_CERTIFICATE_FILE).read_bytes())
    except ValueError:
        return [Error("C2PA_CERTIFICATE_FILE holds no PEM certificate.", id="portal.E007")]
    end = own.not_valid_after_utc
    if end <= timezone.now():
        return [Error(f"C2PA_CERTIFICATE_FILE expired on {end:%Y-%m-%d}; nothing can be signed.", id="portal.E008")]
    if end <= timezone.now() + CERTIFICATE_WARNING:
        return [Warning(f"C2PA_CERTIFICATE_FILE expires on {end:%Y-%m-%d}.", id="portal.W003")]
    return []


@register(Tags.security, deploy=True)
def whoever_reaches_far_shows_more_than_a_password(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if not settings.SECOND_FACTOR_REQUIRED:
        return [Warning("SECOND_FACTOR_REQUIRED is off; that is for a demo alone.", id="portal.W010")]
    return []
