"""How long an order's data are kept, and the one door to their end.

When they are due `orders.retention_clock` says. `begin_erasure` closes the order in the transaction of whoever asks;
`orders.erasing` removes, in a worker.
"""

from contextlib import suppress

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from orders import production, retention_clock, returns, tasks, telling
from orders.models import Erasure, LegalHold, Order, SourceRemoval
from portal import audit
from portal.models import User
from portal.notices import sending

# Of one sweep; the next is an hour later.
MOST_AT_ONCE = 200


class OnHold(Exception):
    """A legal hold forbids it, in a sentence."""

    def __init__(self) -> None:
        self.sentence = _("법적 보존이 걸려 있어 파기할 수 없습니다. 보존을 먼저 풀어 주세요.")
        super().__init__(self.sentence)


def begin_erasure(
    order: Order, *, why: str, by: User | str, request: HttpRequest | None = None, reason: str = ""
) -> Erasure:
    """Close the order for everyone, stop what is made of it, and have a worker remove all that it left.

    ``why`` is one of `Erasure.Why`; ``reason`` a person's own words, if any. ``by`` as in `portal.audit.record`.
    May be called inside a transaction: it then stands or falls with it. Asked again it returns the erasure there is.
    Raises OnHold, with nothing changed; what is due or withdrawn is erased by the daily sweep once the hold is lifted.
    """
    with transaction.atomic():
        order = production.locked(order)
        if order.erased_at:
            return Erasure.objects.get(order=order)
        if order.is_on_hold:
            raise OnHold
        order.erased_at = timezone.now()
        order.save(update_fields=["erased_at", "updated_at"])
        stopped = production.stop_all(order, returns.ERASED)
        sending.take_back(order.code, kinds=telling.NAMING)
        erasure = Erasure.objects.create(
            order=order,
            home=order.home,
            why=Erasure.Why(why).value,
            reason=reason,
            asked_by=by if isinstance(by, User) else None,
            asked_by_name=by.name if isinstance(by, User) else by,
        )
        audit.record(
            "order.erasure_begun",
            by=by,
            home=order.home,
            subject=order.code,
            request=request,
            erasure=str(erasure.code),
            why=erasure.why,
            reason=reason,
            **stopped,
        )
        tasks.after_commit("erase", erasure.pk)
    return erasure


def sweep() -> dict[str, int]:
    """Begin what is due by the clock, everywhere; how many orders of each kind. Held ones wait."""
    begun = {"erased": 0, "sources": 0}
    for clock in retention_clock.due(at_most=MOST_AT_ONCE):
        why = Erasure.Why.WITHDRAWN if clock.withdrawn else Erasure.Why.DUE
        with suppress(OnHold):
            begin_erasure(clock.order, why=why, by="system")
            begun["erased"] += 1
    for clock in retention_clock.sources_due(at_most=MOST_AT_ONCE):
        begun["sources"] += begin_source_removal(clock.order)
    return begun


def begin_source_removal(order: Order) -> bool:
    """Have a worker remove photos, masters and candidates of an order whose files the family has; false if it may not
    be, or was begun before."""
    with transaction.atomic():
        order = production.locked(order)
        if order.is_on_hold or order.erased_at or SourceRemoval.objects.filter(order=order).exists():
            return False
        removal = SourceRemoval.objects.create(order=order)
        audit.record("order.source_erasure_begun", by="system", home=order.home, subject=order.code)
        tasks.after_commit("remove_sources", removal.pk)
    return True


def place_hold(order: Order, *, reason: str, by: User, request: HttpRequest | None = None) -> LegalHold | None:
    """Keep everything until it is lifted; None for what is erased already. One that stands is returned as it is.

    A removal of photos and candidates that took nothing away yet is taken back; it is due again once this is lifted.
    """
    with transaction.atomic():
        order = production.locked(order)
        if order.erased_at:
            return None
        hold, placed = LegalHold.objects.get_or_create(
            order=order, lifted_at=None, defaults={"reason": reason, "placed_by": by}
        )
        if placed:
            SourceRemoval.objects.filter(order=order, finished_at=None, files=[]).delete()
            audit.record("hold.placed", by=by, home=order.home, subject=order.code, request=request, reason=reason)
    return hold


def lift_hold(order: Order, *, by: User, request: HttpRequest | None = None) -> bool:
    """End the hold; what is due goes with the next sweep. False if none stood."""
    with transaction.atomic():
        order = production.locked(order)
        lifted = order.holds.standing().update(lifted_at=timezone.now(), lifted_by=by)
        if lifted:
            audit.record("hold.lifted", by=by, home=order.home, subject=order.code, request=request)
    return lifted == 1
