"""The photos of an order: taken in, put in order, taken out. Files first, then the row, so that a row has its files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, BinaryIO
from uuid import UUID, uuid4

from django.db import transaction
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from orders import drafting, files, hangul, intake, production, working_picture
from orders.models import FamilyLink, Item, Order, Photo
from portal import audit
from portal.models import User

# More than any family sends at once; what is above it is a mistake or mischief.
MOST = 40
LONGEST_NAME = 200


class NotTaken(Exception):
    """Why a photo was not added, or may not be taken out, in a sentence; nothing was kept.

    ``wait``: for how many seconds nothing will be, where that is all.
    """

    def __init__(self, sentence: str, *, no_space: bool = False, wait: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.no_space = no_space
        self.wait = wait


def add(code: UUID, stream: BinaryIO, name: str, *, by: User, request: HttpRequest | None) -> Photo:
    """Take one photo in; the order is made if this is the first thing that comes of it.

    Raises NotTaken with a sentence, or Http404. Of two calls with the same picture one adds it.
    """
    with transaction.atomic():
        order = drafting.open_draft(by, code, request=request)
        _demand_room(order)
    photo = Photo(order=order, code=uuid4(), given_name=given_name(name), added_by=by)
    with _taken_in(photo, stream), transaction.atomic():
        _keep(photo, drafting.held(by, code), by=by, request=request)
    return photo


def add_by_family(link: FamilyLink, stream: BinaryIO, name: str, *, request: HttpRequest | None) -> Photo:
    """Take in one photo that came by a link, and count it there. Raises NotTaken with a sentence."""
    demand_room_by_link(link)
    photo = Photo(order=link.order, code=uuid4(), given_name=given_name(name), family_link=link)
    with _taken_in(photo, stream), transaction.atomic():
        _keep(photo, production.locked(link.order), by="family", request=request)
        # Last, under the order's lock: refused, it takes the row above with it.
        if not link.count_use():
            raise NotTaken(_("더 올리실 수 없는 주소입니다. 장례식장에 새 주소를 부탁해 주세요."))
        FamilyLink.objects.filter(pk=link.pk).update(no_space_at=None)
    return photo


def demand_room_by_link(link: FamilyLink) -> None:
    """Raises NotTaken where the order or the link takes no more."""
    _demand_room(link.order)
    if link.is_used_up:
        raise NotTaken(_("이 주소로는 사진을 %(most)d장까지 올리실 수 있습니다.") % {"most": link.max_uses})


@contextmanager
def _taken_in(photo: Photo, stream: BinaryIO) -> Iterator[None]:
    """The photo's files, for the block that keeps its row; they go where the row is not kept. Raises NotTaken."""
    try:
        received = intake.receive(stream, folder=photo.folder)
    except intake.PhotoRefused as refused:
        raise NotTaken(refused.sentence, no_space=refused.code == intake.Refusal.OUT_OF_SPACE) from refused
    for field, value in asdict(received).items():
        setattr(photo, field, value)
    photo.previews = {str(size): stored for size, stored in received.previews.items()}
    photo.shows_others = len(received.faces) > 1
    try:
        yield
    except BaseException:
        _remove_files(photo)
        raise


def _keep(photo: Photo, order: Order, *, by: User | str, request: HttpRequest | None) -> None:
    _demand_room(order)
    others = list(order.photos.all())
    for number, other in enumerate(others, start=1):
        if other.sha256 == photo.sha256 and photo.family_link:
            # Which number it has is the desk's to know.
            raise NotTaken(_("이미 받은 사진입니다."))
        if other.sha256 == photo.sha256:
            raise NotTaken(_("이미 올린 사진입니다. (%(number)d번 사진)") % {"number": number})
    photo.order = order
    photo.position = others[-1].position + 1 if others else 1
    photo.save()
    _record("photo.added", photo, order, by=by, request=request)


def _demand_room(order: Order) -> None:
    if order.is_over:
        raise Http404
    if not order.takes_photos:
        raise NotTaken(_("제작 중인 의뢰에는 사진을 더할 수 없습니다."))
    if order.photos.count() >= MOST:
        raise NotTaken(_("사진은 %(most)d장까지 올릴 수 있습니다.") % {"most": MOST})


def remove(photo: Photo, *, by: User, request: HttpRequest | None) -> None:
    """Take a photo out and its files away. Raises NotTaken while something is being made of the order's photos."""
    with transaction.atomic():
        _remove(photo, drafting.held(by, photo.order.code), by=by, request=request)


def remove_by_family(photo: Photo, *, request: HttpRequest | None) -> None:
    """Take out what a family sent by its link. Raises NotTaken as `remove` does."""
    with transaction.atomic():
        _remove(photo, production.locked(photo.order), by="family", request=request)


def _remove(photo: Photo, order: Order, *, by: User | str, request: HttpRequest | None) -> None:
    if not order.takes_photos or order.items.filter(state=Item.State.PRODUCING).exists():
        raise NotTaken(_("제작 중에는 사진을 뺄 수 없습니다."))
    if order.is_on_hold:
        raise NotTaken(_("법에 따라 보존하고 있는 사진이라 지금은 뺄 수 없습니다. 보존이 끝나면 뺄 수 있습니다."))
    taken, _each = Photo.objects.filter(pk=photo.pk).delete()
    if not taken:
        return
    _record("photo.removed", photo, order, by=by, request=request)
    transaction.on_commit(lambda: _remove_files(photo))


def _remove_files(photo: Photo) -> None:
    files.remove(photo.master, *photo.previews.values(), *working_picture.names(photo))


def place(photo: Photo, number: int, *, by: User, request: HttpRequest | None) -> None:
    """Make it the photo with that number, counted from 1; the others keep their order."""
    with transaction.atomic():
        order = drafting.held(by, photo.order.code)
        others = [each for each in order.photos.all() if each.pk != photo.pk]
        others.insert(min(max(number - 1, 0), len(others)), photo)
        for position, each in enumerate(others, start=1):
            each.position = position
        Photo.objects.bulk_update(others, ["position"])
        _record("photo.placed", photo, order, by=by, request=request, number=number)


def choose_face(photo: Photo, face: int, *, by: User, request: HttpRequest | None) -> bool:
    """Say whose picture it is; false if no such face was seen."""
    with transaction.atomic():
        return _choose_face(photo, drafting.held(by, photo.order.code), face, by=by, request=request)


def choose_face_by_family(photo: Photo, face: int, *, request: HttpRequest | None) -> bool:
    """The same, of what a family sent by its link."""
    with transaction.atomic():
        return _choose_face(photo, production.locked(photo.order), face, by="family", request=request)


def _choose_face(photo: Photo, order: Order, face: int, *, by: User | str, request: HttpRequest | None) -> bool:
    if not 0 <= face < len(photo.faces) or not order.takes_photos:
        return False
    Photo.objects.filter(pk=photo.pk).update(main_face=face)
    _record("photo.face_chosen", photo, order, by=by, request=request)
    return True


def say_others(photo: Photo, shown: bool, *, by: User, request: HttpRequest | None) -> None:
    """Say whether somebody else is in the picture, which the eye knows better than the counting. What is being made of
    it stops where nobody agreed to that."""
    with transaction.atomic():
        order = drafting.held(by, photo.order.code)
        Photo.objects.filter(pk=photo.pk).update(shows_others=shown)
        _record("photo.others_said", photo, order, by=by, request=request, shown=shown)
        production.keep_to_consent(order)


def _record(
    action: str, photo: Photo, order: Order, *, by: User | str, request: HttpRequest | None, **details: Any
) -> None:
    code = str(photo.code)
    audit.record(action, by=by, home=order.home, subject=order.code, request=request, photo=code, **details)


def photo_of(order: Order, code: UUID) -> Photo:
    return get_object_or_404(order.photos.select_related("order"), code=code)


def given_name(name: str) -> str:
    """A file's name as staff may read it: its last part, composed; it never becomes a path."""
    last = hangul.tidy(name).replace("\\", "/").rsplit("/", 1)[-1]
    return last[-LONGEST_NAME:]
