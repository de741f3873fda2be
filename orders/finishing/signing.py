"""The C2PA manifest: signed last, since whatever writes the file again loses it.

No ingredient and no thumbnail: either would carry the family's photo inside the file. Certificate and key come from
the settings; a self-issued one validates, and its signer counts as unknown.
"""

import io
from functools import cache
from pathlib import Path

import c2pa
from django.conf import settings

from orders.finishing.metadata import SOURCE_TYPE

NAME, VERSION = "ConnectDream", "0.1.0"
_CONTEXT = {"builder": {"thumbnail": {"enabled": False}}, "verify": {"remote_manifest_fetch": False}}


class SigningFailed(Exception):
    """No certificate, or the file was not signed with it."""


def sign(data: bytes, media_type: str, *, product_key: str) -> bytes:
    """The same file with its manifest. Raises SigningFailed."""
    target = io.BytesIO()
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
    try:
        certificate, key = _credentials(settings.C2PA_CERTIFICATE_FILE, settings.C2PA_KEY_FILE)
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", certificate, key, None))
        with c2pa.Context.from_dict(_CONTEXT) as context, c2pa.Builder(manifest, context=context) as builder:
            builder.sign(signer, media_type, io.BytesIO(data), target)
    except (c2pa.C2paError, OSError) as error:
        raise SigningFailed(f"{type(error).__name__}: {error}") from error
    return target.getvalue()


@cache
def _credentials(certificate: str, key: str) -> tuple[bytes, bytes]:
    """The chain, the signer's own certificate first, and its EC P-256 key, both in PEM."""
    if not certificate or not key:
        raise SigningFailed("C2PA_CERTIFICATE_FILE and C2PA_KEY_FILE are not set")
    return Path(certificate).read_bytes(), Path(key).read_bytes()
