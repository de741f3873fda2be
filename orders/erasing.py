"""Removing all that an order left: its files, what its rows say of people, and what may still lie on GPU hosts.

Begun by `orders.retention`, which closes the order first. Every step can be taken again: what is removed is written
down before it is, and a worker that dies is followed by the next sweep.
"""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from gpujobs import forgetting, queueing
from gpujobs.models import Output
from orders import files, personal_fields, production, proofs, working_picture
from orders.models import Candidate, Consent, Deliverable, Erasure, Finish, LegalHold, Order, Photo, SourceRemoval
from portal import audit
from portal.notices import sending

log = logging.getLogger(__name__)

# A job that was asked to stop is stopped within seconds; a host that does not answer is not waited for longer.
WAIT_FOR_JOBS = timedelta(minutes=15)
HOSTS_AGAIN_AFTER = timedelta(minutes=10)
# A folder of the order's, or the fleet's, to what a certificate calls its files.
KINDS = {
    "photos": "photo",
    "arriving": "photo",
    "candidates": "candidate",
    "finished": "finished",
    "consents": "consent",
    "gpujobs": "made",
}
OTHER = "other"


def work(erasure_id: int) -> None:
    """Go on with an erasure as far as is possible now; asked twice it does nothing twice."""
    erasure = Erasure.objects.select_related("order__home").filter(pk=erasure_id).first()
    if erasure is None or not erasure.take():
        return
    _note_jobs(erasure)
    jobs = [UUID(job) for job in erasure.jobs]
    if forgetting.are_at_work(jobs) and timezone.now() < erasure.begun_at + WAIT_FOR_JOBS:
        _rest(erasure, timedelta(seconds=20))
        return
    remove_files(erasure)
    if erasure.rows_emptied_at is None:
        _empty_rows(erasure, jobs)
    _clear_hosts(erasure, jobs)


def left_behind() -> list[int]:
    """Erasures that somebody should go on with; at most 20."""
    waiting = Erasure.objects.filter(finished_at=None).exclude(busy_until__gt=timezone.now())
    return list(waiting.order_by("begun_at").values_list("pk", flat=True)[:20])


def remove_sources(removal_id: int) -> None:
    """Remove an order's photos, masters and candidates; what was handed out, and its small pictures, stay.

    Under a hold it goes no further, however far it was. What is to be removed is committed first, with its hashes.
    """
    removal = SourceRemoval.objects.select_related("order__home").filter(pk=removal_id, finished_at=None).first()
    if removal is None or removal.order.is_on_hold:
        return
    order = removal.order
    rejected = Candidate.objects.filter(item__order=order, approval=None)
    approved = Candidate.objects.filter(item__order=order).exclude(approval=None)
    finishes = Finish.objects.filter(approval__candidate__item__order=order)
    names = {name for photo in Photo.objects.filter(order=order) for name in photo_names(photo)}
    names |= {name for pair in rejected.values_list("file", "preview") for name in pair}
    # A proof stays when what was offered is taken back.
    offered = Candidate.objects.select_related("item__order").filter(item__order=order)
    names |= {proofs.name_of(candidate) for candidate in offered}
    names |= {*approved.values_list("file", flat=True), *finishes.values_list("master", flat=True)}
    found = [_described(name) for name in sorted(names) if name and files.exists(name)]
    known = {each["name"] for each in removal.files}
    removal.files += [each for each in found if each["name"] not in known]
    with transaction.atomic():
        if production.locked(order).is_on_hold:
            return
        if not SourceRemoval.objects.filter(pk=removal.pk).update(files=removal.files):
            # A hold that came and went took it back.
            return
    with transaction.atomic():
        if production.locked(order).is_on_hold:
            return
        files.remove(*names)
        Photo.objects.filter(order=order).delete()
        rejected.delete()
        approved.update(file="")
        finishes.update(master="")
        done = SourceRemoval.objects.filter(pk=removal.pk, finished_at=None).update(finished_at=timezone.now())
        if done:
            audit.record(
                "order.sources_erased", by="system", home=order.home, subject=order.code, files=len(removal.files)
            )


def sources_left_behind() -> list[int]:
    """Removals of photos and candidates that were cut off; at most 20."""
    waiting = SourceRemoval.objects.filter(finished_at=None, begun_at__lt=timezone.now() - Erasure.LEASE)
    waiting = waiting.exclude(order__in=LegalHold.objects.standing().values("order"))
    return list(waiting.values_list("pk", flat=True)[:20])


def photo_names(photo: Photo) -> Iterator[str]:
    yield from (photo.master, *photo.previews.values(), *working_picture.names(photo))


def look_again(since: datetime) -> int:
    """Whether anything came after an erasure: a worker that was cut off while it wrote. How many files it was."""
    late = 0
    for erasure in Erasure.objects.select_related("order__home").filter(finished_at__gt=since):
        late += remove_files(erasure)
    return late


def _note_jobs(erasure: Erasure) -> None:
    """Every job of the fleet for this order, those too whose candidates or approvals went before."""
    if erasure.rows_emptied_at is None:
        _keep(erasure, jobs=[str(job) for job in forgetting.jobs_of(erasure.order.code)])


def remove_files(erasure: Erasure) -> int:
    """Write down what is there with its hash, then remove it; how many files that were."""
    found = list(_found(erasure))
    known = {each["name"] for each in erasure.files}
    _keep(erasure, files=[*erasure.files, *(each for each in found if each["name"] not in known)])
    files.remove(*(each["name"] for each in found))
    for folder in _folders(erasure):
        # Temporary files and empty folders, too.
        shutil.rmtree(files.path_of(folder), ignore_errors=True)
        if files.exists(folder):
            raise OSError(f"{folder} could not be removed")
    if erasure.files_removed_at is None:
        _keep(erasure, files_removed_at=timezone.now())
    elif found:
        log.warning("%d files came after the erasure of order %s; removed", len(found), erasure.order.code)
        with transaction.atomic():
            _record("order.erased_late", erasure, files=len(found))
    return len(found)


def _folders(erasure: Erasure) -> list[str]:
    return [erasure.order.folder, *(queueing.files_of(UUID(job)) for job in erasure.jobs)]


def _found(erasure: Erasure) -> Iterator[dict[str, Any]]:
    top = Path(default_storage.path(""))
    paths = {path for folder in _folders(erasure) for path in files.path_of(folder).rglob("*") if path.is_file()}
    paths |= {path for name in _named(erasure) if (path := files.path_of(name)).is_file()}
    yield from (_described(path.relative_to(top).as_posix()) for path in sorted(paths))


def _described(name: str) -> dict[str, Any]:
    """What a certificate says of a file."""
    size = files.path_of(name).stat().st_size
    return {"name": name, "kind": _kind_of(name), "sha256": files.sha256_of(name), "bytes": size}


def _kind_of(name: str) -> str:
    parts = name.split("/")
    return KINDS.get(parts[0], KINDS.get(parts[2], OTHER) if len(parts) > 2 else OTHER)


def _named(erasure: Erasure) -> Iterator[str]:
    """Every name that a row gives, wherever it lies."""
    order = erasure.order
    for photo in Photo.objects.filter(order=order):
        yield from photo_names(photo)
    pairs = (
        Candidate.objects.filter(item__order=order).values_list("file", "preview"),
        Deliverable.objects.filter(item__order=order).values_list("file", "preview"),
        Finish.objects.filter(approval__candidate__item__order=order).values_list("master"),
        Consent.objects.filter(order=order).values_list("evidence"),
        Output.objects.filter(job__in=erasure.jobs).values_list("file"),
    )
    for rows in pairs:
        yield from (name for row in rows for name in row if name)


def _empty_rows(erasure: Erasure, jobs: list[UUID]) -> None:
    counts: dict[str, int] = {}
    with transaction.atomic():
        order = production.locked(erasure.order)
        for rows in personal_fields.ROWS:
            mine = rows.of(order)
            counts[rows.model._meta.label] = mine.delete()[0] if rows.are_removed else mine.update(**rows.emptied)
        counts["portal.Notice"] = sending.forget(order.code)
        forgotten = forgetting.empty_rows(jobs)
        counts |= {f"gpujobs.{name}": count for name, count in forgotten.items()}
        _keep(erasure, rows=counts, rows_emptied_at=timezone.now())


def _clear_hosts(erasure: Erasure, jobs: list[UUID]) -> None:
    now = timezone.now()
    cleared = forgetting.clear_hosts(jobs)
    _keep(erasure, hosts=[asdict(each) | {"at": now.isoformat()} for each in cleared])
    if any(each.trouble and not each.for_good for each in cleared):
        _rest(erasure, HOSTS_AGAIN_AFTER)
        return
    with transaction.atomic():
        finished = Erasure.objects.filter(pk=erasure.pk, finished_at=None).update(
            finished_at=timezone.now(), busy_until=None
        )
        if finished:
            _record("order.erased", erasure, files=len(erasure.files), hosts=len(cleared))


def _rest(erasure: Erasure, until: timedelta) -> None:
    _keep(erasure, busy_until=timezone.now() + until)


def _keep(erasure: Erasure, **changes: object) -> None:
    Erasure.objects.filter(pk=erasure.pk).update(**changes)
    for name, value in changes.items():
        setattr(erasure, name, value)


def _record(action: str, erasure: Erasure, **details: Any) -> None:
    order: Order = erasure.order
    audit.record(action, by="system", home=order.home, subject=order.code, erasure=str(erasure.code), **details)
