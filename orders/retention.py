"""How long an order's data are kept, and the one door to their end.

`begin_erasure` closes the order in the transaction of whoever asks; `orders.erasing` removes, in a worker.
"""

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from orders import production, returns, tasks, telling
from orders.models import Erasure, Order
from portal import audit
from portal.models import User
from portal.notices import sending


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
        if order.holds.filter(lifted_at=None).exists():
            raise OnHold
        order.erased_at = timezone.now()
        order.save(update_fields=["erased_at", "updated_at"])
        stopped = production.stop_all(order, returns.ERASED)
        sending.take_back(order.code, kinds=telling.TO_FAMILY)
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
