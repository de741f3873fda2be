"""Photos that come in pieces. The server knows how much it has: whoever asks is told, and goes on from there.

    begin (name, size) → code, offset;  piece (offset, bytes) → offset;  the last piece → a photo, or why not

A piece is on the disk before its row says so: what a crash leaves beyond the row's count is written over.
"""

import hashlib
import logging
import os
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from orders import files, intake, photos, telling
from orders.models import Arrival, FamilyLink, LegalHold, Photo
from portal import audit, limits

log = logging.getLogger(__name__)

# Of one piece, in bytes. Small: on a poor connection each piece that arrives is one that need not be sent again.
PIECE = 1024 * 1024
# Of all that one link brings, in bytes.
MOST_BYTES = 800 * 1024 * 1024
# Begun and not ended, of one link.
MOST_AT_ONCE = 10
FORGOTTEN_AFTER = timedelta(days=1)
# Each photo of ten would be told of otherwise.
TELL_AGAIN_AFTER = timedelta(hours=1)


class OutOfStep(Exception):
    """The piece does not begin where the last one ended; ``offset`` is where to go on."""

    def __init__(self, offset: int) -> None:
        super().__init__(str(offset))
        self.offset = offset


def begin(link: FamilyLink, mark: str, name: str, size: int) -> Arrival:
    """Promise a file of ``size`` bytes; the same file promised again is the same arrival. Raises photos.NotTaken."""
    if size <= 0:
        raise photos.NotTaken(intake.PhotoRefused(intake.Refusal.EMPTY).sentence)
    if size > settings.UPLOAD_MAX_BYTES:
        raise photos.NotTaken(intake.PhotoRefused(intake.Refusal.TOO_BIG).sentence)
    mark = hashlib.sha256(f"{mark}:{size}".encode()).hexdigest()
    with transaction.atomic():
        FamilyLink.objects.select_for_update().get(pk=link.pk)
        begun = link.arrivals.filter(mark=mark).select_related("photo").first()
        if begun is not None and not (begun.received == begun.byte_count and begun.photo is None):
            return begun
        if begun is not None:
            # Its photo was taken out again, and is wanted after all.
            begun.delete()
        photos.demand_room_by_link(link)
        demand_bytes(link, size)
        if link.arrivals.filter(photo=None).count() >= MOST_AT_ONCE:
            raise photos.NotTaken(_("한꺼번에 너무 많은 사진을 보내고 있습니다. 조금 뒤에 다시 시도해 주세요."))
        count_begun(link)
        return Arrival.objects.create(link=link, mark=mark, given_name=photos.given_name(name), byte_count=size)


def count_begun(link: FamilyLink) -> None:
    """Count one more photo begun by this link. Raises photos.NotTaken where it is too many for now."""
    if wait := limits.seconds_until_next("upload_of_link", str(link.code)):
        at = timezone.localtime(timezone.now() + timedelta(seconds=wait))
        # To the next whole minute: an earlier try would be refused.
        clock = f"{at + timedelta(minutes=1):%H:%M}"
        sentence = _("한 시간에 받는 사진 수를 넘었습니다. %(clock)s부터 다시 올리실 수 있습니다.")
        raise photos.NotTaken(sentence % {"clock": clock}, wait=wait)
    limits.allow("upload_of_link", str(link.code))


def demand_bytes(link: FamilyLink, size: int) -> None:
    """Raises photos.NotTaken where so many bytes more are too many for one link."""
    kept = link.photos.aggregate(sum=Sum("byte_count"))["sum"] or 0
    coming = link.arrivals.filter(photo=None).aggregate(sum=Sum("byte_count"))["sum"] or 0
    if kept + coming + size > MOST_BYTES:
        most = MOST_BYTES // 2**20
        raise photos.NotTaken(_("이 주소로는 모두 합쳐 %(most)d MB까지 올리실 수 있습니다.") % {"most": most})


def arrival_of(link: FamilyLink, code: UUID) -> Arrival:
    return get_object_or_404(link.arrivals.select_related("photo", "link__order__home"), code=code)


def take(link: FamilyLink, code: UUID, offset: int, data: bytes, *, request: HttpRequest | None) -> Arrival:
    """Keep one piece; the last one makes the photo. What was taken in already is returned as it is.

    Raises OutOfStep; or photos.NotTaken, after which nothing is kept of the whole file.
    """
    try:
        with transaction.atomic():
            held = link.arrivals.select_for_update(of=("self",)).select_related("photo", "link__order__home")
            arrival = get_object_or_404(held, code=code)
            if arrival.photo is not None:
                return arrival
            if offset != arrival.received or offset + len(data) > arrival.byte_count:
                raise OutOfStep(arrival.received)
            _write(arrival, data)
            arrival.received, arrival.touched_at = offset + len(data), timezone.now()
            if arrival.received == arrival.byte_count:
                arrival.photo = _photo_of(arrival, request)
            arrival.save(update_fields=["received", "touched_at", "photo"])
    except photos.NotTaken as refused:
        forget(arrival)
        if refused.no_space:
            raise no_space(link, request) from refused
        raise
    return arrival


def _write(arrival: Arrival, data: bytes) -> None:
    path = files.path_of(arrival.file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            os.ftruncate(descriptor, arrival.received)
            os.lseek(descriptor, arrival.received, os.SEEK_SET)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in intake.NO_SPACE:
            raise photos.NotTaken("", no_space=True) from error
        raise


def _photo_of(arrival: Arrival, request: HttpRequest | None) -> Photo:
    with files.path_of(arrival.file).open("rb") as stream:
        photo = photos.add_by_family(arrival.link, stream, arrival.given_name, request=request)
    transaction.on_commit(lambda: files.remove(arrival.file))
    return photo


def no_space(link: FamilyLink, request: HttpRequest | None) -> photos.NotTaken:
    """Have staff and the operator told that the disk is full; what to say to the family."""
    log.error("the storage is full: a photo sent by family link %s was not kept", link.code)
    now, order = timezone.now(), link.order
    with transaction.atomic():
        lately_told = FamilyLink.objects.filter(pk=link.pk, no_space_at__gt=now - TELL_AGAIN_AFTER)
        if not lately_told.exists():
            telling.tell_staff(order, telling.UPLOAD_FAILED)
        FamilyLink.objects.filter(pk=link.pk).update(no_space_at=now)
        audit.record(
            "photo.no_space", by="family", home=order.home, subject=order.code, request=request, link=str(link.code)
        )
    sentence = _(
        "저희 쪽 저장 공간이 부족해 사진을 받지 못했습니다. 장례식장에 알려 두었으니 잠시 뒤 다시 올려 주세요."
    )
    return photos.NotTaken(sentence, no_space=True)


def forget(arrival: Arrival) -> None:
    """Take away the row and what is here of the file."""
    Arrival.objects.filter(pk=arrival.pk).delete()
    files.remove(arrival.file)


def forget_stale() -> int:
    """Forget what nobody sends any more, because it stopped long ago or its link was closed; how many those were.

    Under a legal hold even what came of half a photo stays.
    """
    now = timezone.now()
    held = LegalHold.objects.standing().values("order")
    arrivals = Arrival.objects.select_related("link__order").exclude(link__order__in=held)
    stale = [
        *arrivals.filter(touched_at__lt=now - FORGOTTEN_AFTER)[:50],
        *arrivals.filter(link__expires_at__lt=now)[:50],
        *arrivals.filter(link__revoked_at__isnull=False)[:50],
    ]
    for arrival in {each.pk: each for each in stale}.values():
        forget(arrival)
    return len({each.pk for each in stale})
