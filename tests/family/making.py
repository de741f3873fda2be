"""An order with approved files that are really there, and a link to them."""

import base64
import hashlib
import io
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image, ImageDraw

from orders.models import Approval, Candidate, Deliverable, DownloadLink, FamilyLink, Item, Order
from portal.models import User, hash_token, new_token
from tests.orders.people import make_candidate, make_order

PICTURE, VIDEO = b"\x89PNG a picture " * 4000, b"\x00\x00\x00 ftyp a video " * 5000


def approved_order(by: User, *products: str, **fields: Any) -> Order:
    """One approved picture (or video) with its file for each product, the portrait alone unless told."""
    now = timezone.now()
    order = make_order(by, *(products or ("portrait",)), photos=1, consent=True, submitted_at=now, **fields)
    for item in order.items.all():
        make_deliverable(item, by)
    return order


def make_deliverable(item: Item, by: User, number: int = 1, **fields: Any) -> Deliverable:
    is_video = item.product_key == "living_video"
    body = (VIDEO if is_video else PICTURE) + str(number).encode()
    sha256 = hashlib.sha256(body).hexdigest()
    Item.objects.filter(pk=item.pk).update(state=Item.State.APPROVED, round=1)
    candidate = make_candidate(item, number, Candidate.State.READY, sha256=sha256)
    approval = Approval.objects.create(candidate=candidate, approved_by=by, sha256=sha256)
    folder = f"{item.order.folder}/finished/{approval.pk}"
    suffix = "mp4" if is_video else "png"
    given = {
        "item": item,
        "approval": approval,
        "variant": "video-wide" if is_video else "print-11x14",
        "media_type": "video/mp4" if is_video else "image/png",
        "file": default_storage.save(f"{folder}/original.{suffix}", ContentFile(body)),
        "preview": default_storage.save(f"{folder}/still.webp", ContentFile(b"a still")),
        "download_name": f"{item.order.person} {item.product.label}.{suffix}",
        "sha256": sha256,
        "byte_count": len(body),
        "width": 1600 if is_video else 1100,
        "height": 900 if is_video else 1400,
        "duration_ms": 10_000 if is_video else 0,
    }
    return Deliverable.objects.create(**(given | fields))


def make_link(order: Order, by: User, **fields: Any) -> tuple[DownloadLink, str]:
    token = new_token()
    given = {"expires_at": timezone.now() + timedelta(days=30), "created_by": by}
    return DownloadLink.objects.create(order=order, token_hash=hash_token(token), **(given | fields)), token


def drawn_signature(mode: str = "RGBA", size: tuple[int, int] = (860, 360)) -> str:
    """What a page's canvas sends of a signature: strokes on nothing, or on white where the mode has no alpha."""
    picture = Image.new(mode, size, (0, 0, 0, 0) if mode == "RGBA" else "white")
    ink = (40, 44, 40, 255) if mode == "RGBA" else "black"
    ImageDraw.Draw(picture).line([(120, 240), (260, 90), (330, 260), (520, 120), (700, 210)], fill=ink, width=8)
    return as_data_url(picture)


def as_data_url(picture: Image.Image) -> str:
    data = io.BytesIO()
    picture.save(data, "PNG")
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def make_family_link(order: Order, by: User, purpose: str = "upload", **fields: Any) -> tuple[FamilyLink, str]:
    token = new_token()
    given = {"expires_at": timezone.now() + timedelta(days=3), "created_by": by, "max_uses": 20, "purpose": purpose}
    return FamilyLink.objects.create(order=order, token_hash=hash_token(token), **(given | fields)), token
