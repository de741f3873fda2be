"""Addresses that leave the portal."""

from django.conf import settings


def absolute_url(path: str) -> str:
    """The path on the site as configured, never on the Host that a request claims."""
    return f"{settings.SITE_URL}{path}"
