"""What is happening with orders right now, in words for a page. Reads, never writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from gpujobs.progress import Progress
from orders import choosing, production
from orders.finishing.showing import FilesNow
from orders.models import Candidate, Item, Order, OrderState, Showing

TONES = {
    OrderState.DRAFT: "quiet",
    OrderState.PHOTOS: "wait",
    OrderState.CONSENT: "wait",
    OrderState.RETURNED: "bad",
    OrderState.PRODUCING: "",
    OrderState.TO_REVIEW: "wait",
    OrderState.TO_DELIVER: "wait",
    OrderState.DELIVERED: "done",
    OrderState.CLOSED: "quiet",
    OrderState.CANCELLED: "quiet",
}
ITEM_TONES = {
    Item.State.WAITING: "quiet",
    Item.State.PRODUCING: "",
    Item.State.TO_REVIEW: "wait",
    Item.State.RETURNED: "bad",
    Item.State.APPROVED: "done",
}


@dataclass(frozen=True, kw_only=True)
class ItemNow:
    """One product of an order as it stands. ``share`` is how much of its round is made, 0 to 1."""

    item: Item
    candidates: list[Candidate]
    progress: Mapping[int, Progress] = field(default_factory=dict)
    # What becomes of its approvals; None where that was not asked for.
    files: FilesNow | None = None

    @property
    def tone(self) -> str:
        return ITEM_TONES[Item.State(self.item.state)]

    @property
    def label(self) -> str:
        if self.item.wants_photo:
            return _("사진을 다시 받아야 합니다")
        if self.item.awaits_portrait:
            return _("영정사진 승인 대기")
        if self.item.offered_at:
            return _("가족이 고르는 중")
        return str(self.item.get_state_display())

    @property
    def offered(self) -> list[Showing]:
        """What its family chooses among."""
        return choosing.showings(self.item)

    @property
    def made(self) -> list[Candidate]:
        return [each for each in self.candidates if each.state != Candidate.State.PRODUCING]

    @property
    def ready(self) -> list[Candidate]:
        return [each for each in self.candidates if each.state == Candidate.State.READY]

    @property
    def has_pictures(self) -> bool:
        """Whether there is anything to see, or to wait for."""
        return self.is_being_made or any(each.preview for each in self.candidates)

    @property
    def is_being_made(self) -> bool:
        return self.item.state == Item.State.PRODUCING

    @property
    def share(self) -> float:
        if not self.candidates:
            return 0.0
        steps = sum(told.step / told.steps for told in self._told if told.steps)
        return min(1.0, (len(self.made) + steps) / len(self.candidates))

    @property
    def percent(self) -> int:
        return int(100 * self.share)

    @property
    def seconds_left(self) -> float | None:
        """Until the last of them is there, as far as anything is known."""
        return max((told.seconds_left for told in self._told if told.seconds_left is not None), default=None)

    @property
    def _told(self) -> list[Progress]:
        return [self.progress[each.pk] for each in self.candidates if each.pk in self.progress]

    @property
    def running(self) -> Progress | None:
        return max((told for told in self._told if told.steps), key=lambda told: told.step / told.steps, default=None)

    @property
    def place(self) -> int | None:
        """The best place of it in the queue."""
        return min((told.place for told in self._told if told.place), default=None)

    @property
    def doing(self) -> str:
        """For instance "3/4장째 · 24/30단계", or the place in the queue."""
        count, number = len(self.candidates), min(len(self.made) + 1, len(self.candidates))
        words = []
        if count > 1 and (self.running or self.made):
            words.append(_("%(number)d/%(count)d장째") % {"number": number, "count": count})
        if self.running:
            words.append(_("%(step)d/%(steps)d단계") % {"step": self.running.step, "steps": self.running.steps})
        elif self.place:
            words.append(_("%(place)d번째로 기다리는 중") % {"place": self.place})
        else:
            words.append(_("준비하고 있습니다"))
        return " · ".join(words)


@dataclass(frozen=True, kw_only=True)
class OrderNow:
    order: Order
    state: OrderState
    items: list[ItemNow]

    @property
    def tone(self) -> str:
        return TONES[self.state]

    @property
    def label(self) -> str:
        if self.state == OrderState.RETURNED and (returned := self.returned):
            return returned.label if returned.item.wants_photo else _("다시 맡겨 주세요")
        if self.state == OrderState.TO_REVIEW and all(now.item.offered_at for now in self.to_review):
            return _("가족이 고르는 중")
        return str(self.state.label)

    @property
    def returned(self) -> ItemNow | None:
        return next((now for now in self.items if now.item.state == Item.State.RETURNED), None)

    @property
    def being_made(self) -> ItemNow | None:
        """The one furthest along, which is what a row shows."""
        return max((now for now in self.items if now.is_being_made), key=lambda now: now.share, default=None)

    @property
    def to_review(self) -> list[ItemNow]:
        return [now for now in self.items if now.item.state == Item.State.TO_REVIEW]

    @property
    def moves(self) -> bool:
        """Whether anything may change by itself, so that a page should look again."""
        finishing = any(now.files is not None and now.files.is_under_way for now in self.items)
        return self.order.submitted_at is not None and (self.state.is_open or finishing)


def now_of(orders: Iterable[Order], files: Mapping[int, FilesNow] | None = None) -> list[OrderNow]:
    """How each stands; the orders come with `OrderQuerySet.for_list`. One look at the fleet for all of them.

    ``files``: what `finishing.showing` says, by the item's primary key, where a page shows it.
    """
    files = files or {}
    orders = list(orders)
    current = {item.pk: _current(item) for order in orders for item in order.items.all()}
    waiting = [each for group in current.values() for each in group if each.state == Candidate.State.PRODUCING]
    progress = production.progress_of(waiting) if waiting else {}
    return [
        OrderNow(
            order=order,
            state=order.state,
            items=[
                ItemNow(item=item, candidates=current[item.pk], progress=progress, files=files.get(item.pk))
                for item in order.items.all()
            ],
        )
        for order in orders
    ]


def _current(item: Item) -> list[Candidate]:
    """The candidates of its last round."""
    return [each for each in item.candidates.all() if each.round == item.round]
