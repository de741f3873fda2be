"""What a family must receive: files made of the very bytes that a person approved, under their Korean names."""

import hashlib
import zipfile
from pathlib import Path
from typing import BinaryIO

from orders import delivery
from orders.models import Approval, Finish, Order

APPROVALS = 1 + 3 + 1


def is_finished(order: Order) -> bool:
    """Whether the files of all that was approved of an order of all three products are there."""
    finishes = Finish.objects.filter(approval__candidate__item__order=order)
    failed = finishes.filter(state=Finish.State.FAILED).values_list("fault", flat=True)
    assert not failed
    return finishes.filter(state=Finish.State.FINISHED).count() == APPROVALS


def zipped(archive: Path | BinaryIO) -> dict[str, str]:
    """Name to sha256 of what a zip holds."""
    with zipfile.ZipFile(archive) as opened:
        return {name: hashlib.sha256(opened.read(name)).hexdigest() for name in opened.namelist()}


def due_to_the_family(order: Order) -> dict[str, str]:
    """Name to sha256 of what the family must receive: something of every approval, and nothing of anything else."""
    files = list(delivery.family_files(order))
    assert {file.approval for file in files} == set(Approval.objects.filter(candidate__item__order=order))
    for file in files:
        assert file.approval.sha256 == file.approval.candidate.sha256
        assert file.download_name.startswith(f"{order.person} {file.item.product.label}")
    return {file.download_name: file.sha256 for file in files}
