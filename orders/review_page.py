"""What the reviewer's pages show, read once and in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from orders import choosing, framing, production, review, review_queue
from orders.finishing.showing import FilesNow
from orders.framing import Face
from orders.models import Approval, Candidate, Consent, Item, Photo, Showing
from orders.production import Progress

# static/css/review.css shows that many, the newest rounds first.
MOST_CHOICES = 12
# Width to height of the two close-ups, and where a face stands in them.
CLOSE_RATIO = 4 / 5
CLOSE = Face(x=0.5, y=0.48, height=0.56)


@dataclass(frozen=True, kw_only=True)
class Row:
    """An item in the queue, with the progress of whichever candidate is furthest."""

    item: Item
    progress: Progress | None

    @property
    def photo(self) -> Photo | None:
        return next(iter(self.item.order.photos.all()), None)

    @property
    def state(self) -> list[Any]:
        item, order = self.item, self.item.order
        stands = [item.code, item.state, item.round, item.offered_at, order.name, order.needed_at]
        return [*stands, item.ready_count, _told(self.progress)]  # type: ignore[attr-defined]  # annotated by review_queue.rows


def queue_rows(items: QuerySet[Item]) -> list[Row]:
    shown = review_queue.rows(items)
    making = [candidate for item in shown for candidate in item.being_made]  # type: ignore[attr-defined]  # prefetched
    told = production.progress_of(making) if making else {}
    return [Row(item=item, progress=_furthest([told[c.pk] for c in item.being_made if c.pk in told])) for item in shown]  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A candidate as a choice: ``key`` is the number to press, ``box`` the part of it to show."""

    candidate: Candidate
    key: int
    approval: Approval | None
    progress: Progress | None

    @property
    def box(self) -> str:
        return framing.whole(self.candidate.width, self.candidate.height)

    @property
    def close_box(self) -> str:
        return _close(self.candidate.face, (self.candidate.width, self.candidate.height))

    @property
    def files(self) -> FilesNow | None:
        """What becomes of the approval."""
        if self.approval is None or not hasattr(self.approval, "finish"):
            return None
        return FilesNow(finishes=[self.approval.finish], files=list(self.approval.deliverables.all()))

    @property
    def is_undecided(self) -> bool:
        return self.candidate.state == Candidate.State.READY and self.approval is None

    @property
    def is_there(self) -> bool:
        return bool(self.candidate.file)

    @property
    def state(self) -> list[Any]:
        finish = self.files and self.files.state
        given = self.approval and [self.approval.pk, finish]
        return [self.candidate.code, self.candidate.state, given, _told(self.progress)]


@dataclass(frozen=True, kw_only=True)
class Original:
    """A received photo: ``box`` shows its face as large as the candidates', ``close_box`` both faces close up."""

    photo: Photo
    key: int
    box: str
    close_box: str


class Page:
    """One item with everything that judging it needs."""

    def __init__(self, item: Item, candidates: Sequence[Candidate], photos: Sequence[Photo], consent: Consent | None):
        self.item, self.photos, self.consent = item, photos, consent
        making = [candidate for candidate in candidates if candidate.state == Candidate.State.PRODUCING]
        told = production.progress_of(making) if making else {}
        now = [c for c in candidates if c.round == item.round]
        earlier = [c for c in candidates if c.round != item.round and c.file][: MOST_CHOICES - len(now)]
        shown = [
            Shown(candidate=c, key=key, approval=getattr(c, "approval", None), progress=told.get(c.pk))
            for key, c in enumerate([*now, *earlier], start=1)
        ]
        self.current, self.earlier = shown[: len(now)], shown[len(now) :]

    @classmethod
    def of(cls, item: Item) -> "Page":
        candidates = item.candidates.select_related("job", "approval__approved_by", "approval__finish").order_by(
            "-round", "number"
        )
        candidates = candidates.prefetch_related("approval__deliverables")
        photos = item.order.photos.all()[: item.product.photos_needed]
        return cls(item, list(candidates), list(photos), item.order.standing_consent)

    @cached_property
    def is_paused(self) -> bool:
        return self.item.order.is_paused

    @cached_property
    def was_seen(self) -> bool:
        return review.was_seen(self.item.order)

    @property
    def visible(self) -> list[Shown]:
        return [shown for shown in [*self.current, *self.earlier] if shown.is_there]

    @property
    def approved(self) -> list[Shown]:
        return [shown for shown in self.visible if shown.approval]

    @property
    def undecided(self) -> list[Shown]:
        return [shown for shown in self.current if shown.is_undecided]

    @property
    def first_choice(self) -> Shown | None:
        """What is looked at first: what is to be decided about, or what was approved."""
        first = self.undecided if self.may_judge else self.approved
        return next(iter([*first, *self.visible]), None)

    @cached_property
    def frame(self) -> tuple[int, int]:
        """Width and height of the pictures to be judged; they are all of one size."""
        if self.visible:
            return self.visible[0].candidate.width, self.visible[0].candidate.height
        return (self.photos[0].width, self.photos[0].height) if self.photos else (4, 5)

    @cached_property
    def originals(self) -> list[Original]:
        """The photos it was made from, each face as large as those of the candidates."""
        faces = [Face.of(shown.candidate.face) for shown in self.visible]
        model = framing.middle([face for face in faces if face])
        return [self._original(photo, key, model) for key, photo in enumerate(self.photos, start=1)]

    def _original(self, photo: Photo, key: int, model: Face | None) -> Original:
        place = None if photo.main_face is None else photo.faces[photo.main_face]
        face, size = Face.of(place), (photo.width, photo.height)
        ratio = self.frame[0] / self.frame[1]
        box = framing.like(face, size, model=model, ratio=ratio) if face and model else framing.whole(*size)
        return Original(photo=photo, key=key, box=box, close_box=_close(place, size))

    @property
    def may_judge(self) -> bool:
        return self.item.state == Item.State.TO_REVIEW

    @cached_property
    def showings(self) -> list[Showing]:
        """What the family is choosing among."""
        return choosing.showings(self.item)

    @cached_property
    def wish(self) -> str:
        """What the family asked for and nobody has acted on, in words."""
        answer = choosing.pending_wish(self.item) if self.item.order.home.family_chooses else None
        return str(choosing.WISHES[answer.wish].label) if answer else ""

    @property
    def may_offer(self) -> bool:
        return choosing.may_be_offered(self.item) and len(self.to_offer) >= choosing.LEAST and not self.approved

    @property
    def to_offer(self) -> list[Shown]:
        return [shown for shown in self.visible if shown.is_undecided]

    @property
    def may_make_again(self) -> bool:
        return self.item.state in (Item.State.TO_REVIEW, Item.State.PRODUCING, Item.State.RETURNED)

    @property
    def is_short(self) -> bool:
        """Everything was decided about, and fewer pictures were approved than the product promises."""
        return self.may_judge and not self.undecided and 0 < len(self.approved) < self.item.product.picks

    @property
    def state(self) -> list[Any]:
        """All that can change while the page is open."""
        item = self.item
        stands = self.consent is not None and item.order.cancelled_at is None
        family = [item.offered_at, self.wish]
        return [
            item.state,
            item.round,
            item.why_returned,
            self.was_seen,
            stands,
            self.is_paused,
            family,
            [s.state for s in self.current],
        ]


def _close(face: Sequence[float] | None, size: tuple[int, int]) -> str:
    placed = Face.of(face)
    return framing.like(placed, size, model=CLOSE, ratio=CLOSE_RATIO) if placed else framing.whole(*size)


def _furthest(told: Sequence[Progress]) -> Progress | None:
    running = [each for each in told if each.place is None]
    if running:
        return max(running, key=lambda each: each.step)
    return min(told, key=lambda each: each.place or 0, default=None)


def _told(progress: Progress | None) -> list[Any]:
    if progress is None:
        return []
    # To ten seconds, as the page says it: a guess that wavers is no news.
    left = None if progress.seconds_left is None else round(progress.seconds_left / 10)
    return [progress.state, progress.place, progress.step, progress.steps, left]
