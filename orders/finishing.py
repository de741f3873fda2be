"""From an approved candidate to the files a family receives; nothing else makes a `Deliverable`."""

import unicodedata
from itertools import count

from django.db import transaction

from orders import files, production
from orders.models import Approval, Deliverable, Item

ORIGINAL = "original"


def finish(approval: Approval) -> None:
    """Make the hand-out file of an approval, once: the approved bytes themselves, verified against its hash.

    Raises files.BytesDiffer when the bytes are no longer those that were approved; then nothing is handed out.
    """
    candidate = approval.candidate
    suffix = candidate.file[candidate.file.rindex(".") :]
    name = f"{candidate.item.order.folder}/finished/{approval.pk}/{ORIGINAL}{suffix}"
    files.move_in(candidate.file, name, sha256=approval.sha256)
    with transaction.atomic():
        production.locked(candidate.item.order)
        if not Approval.objects.filter(pk=approval.pk).exists():
            # Taken back meanwhile.
            files.remove(name)
            return
        if approval.deliverables.exists():
            return
        Deliverable.objects.create(
            item=candidate.item,
            approval=approval,
            variant=ORIGINAL,
            media_type=candidate.media_type,
            file=name,
            preview=candidate.preview,
            download_name=download_name(candidate.item, suffix),
            sha256=approval.sha256,
            byte_count=candidate.byte_count,
            width=candidate.width,
            height=candidate.height,
            duration_ms=candidate.duration_ms,
        )


def download_name(item: Item, suffix: str) -> str:
    """What the browser saves it as, e.g. "고 김영자 님 영정사진.png": NFC, no folders, one of each."""
    words = unicodedata.normalize("NFC", f"{item.order.person} {item.product.label}")
    kept = "".join(letter for letter in words if letter.isprintable() and letter not in '/\\:*?"<>|').strip(" .")
    taken = set(item.deliverables.values_list("download_name", flat=True))
    numbers = (f" {number}" for number in count(1)) if item.product.picks > 1 else iter([""])
    return next(name for number in numbers if (name := f"{kept[:100]}{number}{suffix}") not in taken)
