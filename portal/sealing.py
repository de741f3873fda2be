"""Text that must be read again but not by whoever reads the database: sealed with keys that come from SECRET_KEY.

Fernet (AES-128-CBC and HMAC-SHA256, https://github.com/fernet/spec) under a key of its own for each purpose, derived
by HKDF-SHA256 (RFC 5869). A changed SECRET_KEY makes what was sealed unreadable; SECRET_KEY_FALLBACKS are tried too.
"""

import base64
import hashlib
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """Not sealed by this portal for this purpose, or under a key that is gone."""


def seal(text: str, *, purpose: str) -> str:
    return _sealer(purpose, _secrets()).encrypt(text.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Raises Unreadable."""
    try:
        return _sealer(purpose, _secrets()).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable(purpose) from error


def fingerprint(text: str, *, purpose: str) -> str:
    """Hex HMAC-SHA256: the same for the same text, and of no use without SECRET_KEY, however short the text is."""
    return hmac.new(_derived(purpose, settings.SECRET_KEY), text.encode(), hashlib.sha256).hexdigest()


def _secrets() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=32)
def _sealer(purpose: str, secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(purpose, secret))) for secret in secrets])


def _derived(purpose: str, secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"portal.{purpose}".encode()).derive(secret.encode())
