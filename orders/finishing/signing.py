"""The C2PA manifest: signed last, since whatever writes the file again loses it.

No ingredient and no thumbnail: either would carry the family's photo inside the file. Certificate and key come from
the settings; a self-issued one validates, and its signer counts as unknown.
"""

import io
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import c2pa
from django.conf import settings

from orders.finishing.metadata import SOURCE_TYPE

log = logging.getLogger(__name__)

NAME, VERSION = "ConnectDream", "0.1.0"
_CONTEXT = {"builder": {"thumbnail": {"enabled": False}}, "verify": {"remote_manifest_fetch": False}}


class SigningFailed(Exception):
    """No certificate, or the file was not signed with it."""


def sign(data: bytes, media_type: str, *, product_key: str) -> bytes:
    """The same file with its manifest. Raises SigningFailed.

    Where a time-stamp authority is set, it says that the certificate was valid when it was used. Where that does not
    answer, the file leaves without its word: a portrait must hang.
    """
    manifest = {
        "claim_generator_info": [{"name": NAME, "version": VERSION}],
        "title": product_key,
        "format": media_type,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE[product_key]}]},
            }
        ],
    }
    if not settings.C2PA_CERTIFICATE_FILE or not settings.C2PA_KEY_FILE:
        raise SigningFailed("C2PA_CERTIFICATE_FILE and C2PA_KEY_FILE are not set")
    if settings.C2PA_TSA_URL:
        try:
            return _signed(data, media_type, manifest, settings.C2PA_TSA_URL)
        except (c2pa.C2paError, OSError) as error:
            log.warning("signed without a time stamp: %s: %s", type(error).__name__, error)
    try:
        return _signed(data, media_type, manifest, None)
    except (c2pa.C2paError, OSError) as error:
        raise SigningFailed(f"{type(error).__name__}: {error}") from error


def _signed(data: bytes, media_type: str, manifest: dict[str, Any], authority: str | None) -> bytes:
    certificate, key = pem(settings.C2PA_CERTIFICATE_FILE), pem(settings.C2PA_KEY_FILE)
    target = io.BytesIO()
    info = c2pa.C2paSignerInfo(b"es256", certificate, key, authority.encode() if authority else None)
    signer = c2pa.Signer.from_info(info)
    with c2pa.Context.from_dict(_CONTEXT) as context, c2pa.Builder(manifest, context=context) as builder:
        builder.sign(signer, media_type, io.BytesIO(data), target)
    return target.getvalue()


def pem(name: str) -> bytes:
    """A certificate's or a key's file as it is now: one that was renewed is taken without a restart. Raises OSError."""
    return _read(name, Path(name).stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(name: str, changed_at: int) -> bytes:
    return Path(name).read_bytes()
