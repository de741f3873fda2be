"""The way from an approval to its files, in steps that can be taken again at any time.

`work` is what a worker runs: it sends the approved file to a GPU to be enlarged or lengthened, or, once that is back
or cannot be had, makes every file and commits them together. Until then nothing is handed out, and what was handed
out before stays. A run is counted; of two workers, or of one that wakes up late, only the last run's rows change.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from PIL import Image

from orders import authority, files, production, stills
from orders.finishing import clips, enlarging, faults, pieces, prints, signing, video
from orders.finishing.cutting import Wish
from orders.finishing.naming import download_name
from orders.finishing.pieces import Piece, Source
from orders.intake.containers import kind_of
from orders.intake.decoding import decode
from orders.intake.refusing import PhotoRefused
from orders.models import Approval, Deliverable, Fingerprint, Finish
from portal import audit

log = logging.getLogger(__name__)

State = Finish.State
MOST_TRIES = 3
# How long before a failure that may pass is tried again, for each time it was tried.
AGAIN_AFTER = timedelta(minutes=1)


def begin(approval: Approval) -> Finish:
    """Note, in the transaction of the approval, that its files are to be made."""
    return Finish.objects.get_or_create(approval=approval)[0]


def work(approval_id: int) -> None:
    """Go on with an approval's files as far as is possible now; asked twice, or of one taken back, it does nothing."""
    approval = Approval.objects.select_related("candidate__item__order__home").filter(pk=approval_id).first()
    if approval is None:
        return
    finish = begin(approval)
    finish.approval = approval
    if enlarging.send(finish) or not _claim(finish):
        return
    written: list[str] = []
    try:
        made = _make(finish, written)
    except (files.BytesDiffer, FileNotFoundError) as error:
        _fail(finish, faults.BYTES_DIFFER, error, written)
    except (PhotoRefused, stills.Unreadable) as error:
        _fail(finish, faults.UNREADABLE, error, written)
    except signing.SigningFailed as error:
        _fail(finish, faults.NOT_SIGNED, error, written)
    except clips.Unplayable as error:
        _fail(finish, faults.VIDEO, error, written)
    except OSError as error:
        _fail(finish, faults.DISK, error, written)
    else:
        _commit(finish, made, written)


def _claim(finish: Finish) -> bool:
    """Take it in hand for this run; false if another has it, it is done, or nobody's word stands behind it."""
    now = timezone.now()
    with transaction.atomic():
        order = production.locked(finish.approval.candidate.item.order)
        left = Q(state=State.WAITING) | Q(state=State.CUTTING, busy_until__lt=now)
        held = Finish.objects.select_for_update(of=("self",)).filter(left, pk=finish.pk).first()
        if held is None:
            return False
        finish.run, finish.state = held.run, held.state
        if not authority.has_authority(order):
            finish.move(*State.values, to=State.FAILED, fault=faults.NO_AUTHORITY, tries=MOST_TRIES)
            return False
        if held.state == State.CUTTING and held.tries >= MOST_TRIES:
            finish.move(State.CUTTING, to=State.FAILED, fault=faults.INTERRUPTED)
            return False
        tries = held.tries + (held.state == State.CUTTING)
        busy_until = now + Finish.LEASE
        if not finish.move(held.state, to=State.CUTTING, run=held.run + 1, busy_until=busy_until, done=0, tries=tries):
            return False
        finish.refresh_from_db(fields=["master", "without_gpu", "run", "tries"])
        # Staff may have saved another crop since the approval was read; one saved from now on begins a new run.
        finish.approval.candidate.item.refresh_from_db(fields=["cut"])
        if not order.is_on_hold:
            # Of a run that was killed; what the next one writes is not there yet.
            files.remove(*set(files.names_in(finish.folder)) - set(files_of(finish.approval)))
    return True


def _make(finish: Finish, written: list[str]) -> list[tuple[Piece, str, str]]:
    """Every piece with the names of its file and its preview; what was written is in ``written`` even when it fails."""
    candidate = finish.approval.candidate
    files.verify(candidate.file, finish.approval.sha256)
    made: list[tuple[Piece, str, str]] = []
    if candidate.is_video:
        total, todo, remarks = _video(finish)
    else:
        total, todo, remarks = _pictures(finish)
    finish.remarks = remarks
    finish.tell(0, total)
    for piece in todo:
        name = f"{finish.folder}/{finish.run}-{piece.variant}"
        written += [f"{name}{piece.suffix}", f"{name}.webp"]
        files.write(written[-2], piece.data)
        files.write(written[-1], piece.preview)
        made.append((piece, written[-2], written[-1]))
        finish.tell(len(made), total)
    return made


def _pictures(finish: Finish) -> tuple[int, Iterator[Piece], list[str]]:
    candidate = finish.approval.candidate
    source = Source(
        product_key=candidate.item.product_key,
        picture=picture_of(finish.master or candidate.file),
        face=candidate.face,
        wish=Wish.read(candidate.item.cut),
    )
    wanted = prints.wanted(candidate.item.order.home)
    remarks = [*source.remarks, *(_stretched(source, wanted) if finish.master else [faults.ENLARGED_HERE])]
    return pieces.count(source, wanted), pieces.of_picture(source, wanted), remarks


def _stretched(source: Source, wanted: Sequence[prints.Preset]) -> list[str]:
    labels = [str(preset.label) for preset in pieces.stretched(source, wanted)]
    return [f"{faults.STRETCHED}:{', '.join(labels)}"] if labels else []


def _video(finish: Finish) -> tuple[int, Iterator[Piece], list[str]]:
    candidate = finish.approval.candidate
    opened = clips.Clip(
        product_key=candidate.item.product_key,
        path=files.path_of(finish.master or candidate.file),
        face=candidate.face,
        is_loop=bool(finish.master),
    ).opened()
    told = [0]

    def beat() -> None:
        finish.tell(told[0], video.PIECES)

    def counted() -> Iterator[Piece]:
        for piece in video.of_video(opened, beat=beat):
            told[0] += 1
            yield piece

    return video.PIECES, counted(), opened.remarks


def picture_of(name: str) -> Image.Image:
    """A stored picture as upright 8-bit sRGB, whatever it is stored as. Raises PhotoRefused, or OSError."""
    data = files.path_of(name).read_bytes()
    return decode(data, kind_of(data)).picture


def _commit(finish: Finish, made: Sequence[tuple[Piece, str, str]], written: list[str]) -> None:
    """Put the new files in the place of the old ones, all at once, if this is still the run to do it."""
    item = finish.approval.candidate.item
    with transaction.atomic():
        order = production.locked(item.order)
        still_wanted = authority.has_authority(order) and finish.move(
            State.CUTTING,
            to=State.FINISHED,
            fault="",
            tries=0,
            done=len(made),
            total=len(made),
            remarks=finish.remarks,
            busy_until=None,
        )
        if not still_wanted:
            # Taken back, withdrawn or begun anew meanwhile.
            Finish.objects.filter(pk=finish.pk, run=finish.run, state=State.CUTTING).update(
                state=State.FAILED, fault=faults.NO_AUTHORITY, tries=MOST_TRIES
            )
            files.remove(*written)
            return
        old = {each.variant: each for each in finish.approval.deliverables.all()}
        stale = [name for each in old.values() for name in (each.file, each.preview)]
        for piece, name, preview in made:
            _keep(finish, piece, name, preview, old.pop(piece.variant, None))
        Deliverable.objects.filter(pk__in=[each.pk for each in old.values()]).delete()
        audit.record(
            "approval.finished",
            by="worker",
            home=order.home,
            subject=order.code,
            product=item.product_key,
            files=len(made),
        )
        # Under a hold what was handed out stays; the next run's claim takes it once that is lifted.
        if not order.is_on_hold:
            transaction.on_commit(lambda: files.remove(*stale))


def _keep(finish: Finish, piece: Piece, name: str, preview: str, old: Deliverable | None) -> None:
    """A file keeps its row, and with it its address, when it is made again."""
    item = finish.approval.candidate.item
    kept = old or Deliverable(item=item, approval=finish.approval, variant=piece.variant)
    kept.media_type, kept.file, kept.preview = piece.media_type, name, preview
    kept.own_label = piece.words if "-own-" in piece.variant else ""
    kept.download_name = download_name(item, finish.approval, piece)
    kept.sha256, kept.byte_count = files.sha256_of(name), len(piece.data)
    kept.width, kept.height, kept.duration_ms = piece.width, piece.height, piece.duration_ms
    kept.created_at = timezone.now()
    kept.save()
    # Of those made before the hash stays known: a family may have one of them.
    Fingerprint.objects.get_or_create(
        sha256=kept.sha256, defaults={"product_key": item.product_key, "variant": piece.variant}
    )


def _fail(finish: Finish, fault: str, error: Exception, written: list[str]) -> None:
    log.error("approval %s not finished: %s: %s", finish.approval_id, type(error).__name__, error)
    files.remove(*written)
    finish.move(State.CUTTING, to=State.FAILED, fault=fault, tries=finish.tries + 1, busy_until=None)


def again(finish: Finish) -> bool:
    """Start anew, as a person asks: after a failure, or because it is to be cut otherwise.

    Where a GPU had not enlarged it, one is asked again: a minute without a host is not for ever.
    """
    return finish.move(
        State.FAILED,
        State.FINISHED,
        State.CUTTING,
        State.WAITING,
        to=State.WAITING,
        fault="",
        tries=0,
        run=finish.run + 1,
        without_gpu=False,
    )


def left_behind(*, older_than: timedelta) -> list[int]:
    """Approvals whose files somebody should go on with, because a message was lost, a worker died or a fault may
    have passed; at most 50. What waits for a GPU too long is given up on the way."""
    now = timezone.now()
    for overdue in Finish.objects.select_related("approval", "job").filter(state=State.ON_GPU):
        enlarging.give_up_if_late(overdue)
    passing = Finish.objects.filter(state=State.FAILED, fault__in=faults.PASSING, tries__lt=MOST_TRIES)
    again = [
        each.pk
        for each in passing
        if each.changed_at < now - AGAIN_AFTER * each.tries and each.move(State.FAILED, to=State.WAITING)
    ]
    waiting = Q(finish__state=State.WAITING, finish__changed_at__lt=now - older_than) | Q(finish__in=again)
    dead = Q(finish__state=State.CUTTING, finish__busy_until__lt=now)
    forgotten = Q(finish=None, deliverables=None, approved_at__lt=now - older_than)
    return list(Approval.objects.filter(waiting | dead | forgotten).distinct().values_list("pk", flat=True)[:50])


def job_ended(job_id: UUID) -> int | None:
    """Take note of the end of a GPU job that was asked for here; the approval to go on with, None if it is not ours."""
    return enlarging.take(job_id)


def stop(approval: Approval) -> None:
    """End what a GPU still does for an approval that is taken back."""
    enlarging.stop(approval)


def files_of(approval: Approval) -> list[str]:
    """Names of everything that was made of an approval, to be removed with it."""
    made = approval.deliverables.values_list("file", "preview")
    finish = Finish.objects.filter(approval=approval).first()
    return [name for pair in made for name in pair] + ([finish.master] if finish else [])
