"""What a family must receive: the very bytes that a person approved, under their Korean names."""

import hashlib
import zipfile
from pathlib import Path
from typing import BinaryIO

from orders.models import Approval, Order

PRODUCTS = ("portrait", "life_scene", "living_video")


def zipped(archive: Path | BinaryIO) -> dict[str, str]:
    """Name to sha256 of what a zip holds."""
    with zipfile.ZipFile(archive) as opened:
        return {name: hashlib.sha256(opened.read(name)).hexdigest() for name in opened.namelist()}


def approved(order: Order) -> dict[str, str]:
    """Name to sha256 of what was approved of an order of all three products."""
    found = Approval.objects.filter(candidate__item__order=order).order_by("candidate__number")
    by_product: dict[str, list[str]] = {key: [] for key in PRODUCTS}
    for approval in found.select_related("candidate__item"):
        by_product[approval.candidate.item.product_key].append(approval.sha256)
    person, scenes = order.person, by_product["life_scene"]
    named = {f"{person} 인생 더하기 {number}.png": sha256 for number, sha256 in enumerate(scenes, start=1)}
    named[f"{person} 영정사진.png"] = by_product["portrait"][0]
    named[f"{person} 메모리얼 비디오.mp4"] = by_product["living_video"][0]
    return named
