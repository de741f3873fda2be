"""Whether a file came from this portal, when and as which product. Names nobody and keeps nothing."""

import hashlib
import io
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import c2pa
from cryptography import x509
from django.conf import settings

from orders.finishing import signing
from orders.finishing.metadata import SOURCE_TYPE, source_type_in
from orders.models import Fingerprint
from orders.products import PRODUCTS, Product

# What is the matter with the certificate alone, while the file is as it was signed. The library trusts none that has
# expired, whoever issued it.
_EXPIRED, _UNTRUSTED = "signingCredential.expired", "signingCredential.untrusted"
_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"%PDF-": "application/pdf"}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a file says of itself and what is known of it.

    ``known``: the very bytes were made here. ``manifest``: "none", "broken" (the file was changed after it was
    signed), "expired" (it was not, but its certificate is no longer valid and no time stamp says that it was) or
    "valid"; ``is_ours``: it was signed with this portal's certificate, which nothing proves of an expired one.
    ``source_type``: IPTC's word in XMP.
    """

    known: Fingerprint | None
    manifest: str
    is_ours: bool
    signer: str
    product_key: str
    source_type: str

    @property
    def is_from_here(self) -> bool:
        return self.known is not None or (self.manifest == "valid" and self.is_ours)

    @property
    def is_changed(self) -> bool:
        return self.manifest == "broken"

    @property
    def is_expired(self) -> bool:
        return self.manifest == "expired"

    @property
    def says_ai(self) -> bool:
        return self.source_type in SOURCE_TYPE.values()

    @property
    def product(self) -> Product | None:
        return PRODUCTS.get(self.known.product_key if self.known else self.product_key)


def read(data: bytes) -> Verdict:
    known = Fingerprint.objects.filter(sha256=hashlib.sha256(data).hexdigest()).first()
    told = _manifest(data, _kind(data))
    return Verdict(known=known, source_type=source_type_in(data), **told)


def _kind(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "video/mp4"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in _KINDS.items() if data.startswith(beginning)), "")


def _manifest(data: bytes, kind: str) -> dict[str, Any]:
    none = {"manifest": "none", "is_ours": False, "signer": "", "product_key": ""}
    if not kind:
        return none
    try:
        with (
            c2pa.Context.from_dict(_settings()) as context,
            c2pa.Reader(kind, io.BytesIO(data), context=context) as reader,
        ):
            state, told = reader.get_validation_state(), json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return none
    except c2pa.C2paError:
        return none | {"manifest": "broken"}
    manifest = told["manifests"][told["active_manifest"]]
    signature = manifest.get("signature_info", {})
    ours = state == "Trusted" and signature.get("cert_serial_number") == _own_serial()
    return {
        "manifest": "valid" if state in ("Valid", "Trusted") else _wrong(told),
        "is_ours": ours,
        "signer": signature.get("issuer") or "",
        "product_key": manifest.get("title", "") if ours else "",
    }


def _wrong(told: dict[str, Any]) -> str:
    found = {each.get("code") for each in told.get("validation_status") or ()}
    return "expired" if _EXPIRED in found and found <= {_EXPIRED, _UNTRUSTED} else "broken"


def _settings() -> dict[str, Any]:
    """Our own chain is all that is trusted, and nothing is fetched."""
    chain = settings.C2PA_CERTIFICATE_FILE
    trust = {"trust_anchors": signing.pem(chain).decode("ascii")} if chain else {}
    return {"trust": trust, "verify": {"verify_trust": True, "remote_manifest_fetch": False}}


def _own_serial() -> str:
    return _serial(signing.pem(settings.C2PA_CERTIFICATE_FILE)) if settings.C2PA_CERTIFICATE_FILE else ""


@lru_cache(maxsize=4)
def _serial(chain: bytes) -> str:
    """Of the signer's own certificate, the first of the chain, as the library writes it."""
    return str(x509.load_pem_x509_certificates(chain)[0].serial_number)
