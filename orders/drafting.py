"""Writing an order's facts and wants: from the first letter on, by whoever has the page open."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from orders import delivery
from orders.forms import OrderForm, shown
from orders.models import Item, Order
from orders.models.order_state import OrderQuerySet
from portal import audit
from portal.models import User

# Minutes from now, and the clock times of today or tomorrow, that one press gives.
QUICK_MINUTES = (60, 120, 180)
QUICK_HOURS = (9, 12, 18)


class EditedElsewhere(Exception):
    """Another page wrote to the order after this one was made; nothing of this one was kept."""

    def __init__(self, order: Order) -> None:
        super().__init__(str(order))
        self.order = order

    @property
    def sentence(self) -> str:
        name = self.order.edited_by.name if self.order.edited_by else ""
        words = _("%(name)s 님이 다른 화면에서 이 의뢰를 고쳤습니다. 새로 고침을 눌러 바뀐 내용을 확인해 주세요.")
        return words % {"name": name}


def open_draft(user: User, code: UUID, *, request: HttpRequest | None) -> Order:
    """This home's order with that code, made on the first call, its row held until the transaction ends.

    The code was chosen when the empty page was shown: a page sent twice, or by two hands at once, is one order.
    Raises Http404 for another home's code and for whoever belongs to no home.
    """
    if user.home is None:
        raise Http404
    try:
        order, created = _orders().get_or_create(code=code, home=user.home, defaults={"created_by": user})
    except IntegrityError as error:
        raise Http404 from error
    if created:
        audit.record("order.created", by=user, home=user.home, subject=order.code, request=request)
    return order


def held(user: User, code: UUID) -> Order:
    """An order of this person's home, its row held until the transaction ends; 404 for whoever may not change it."""
    if not user.works_at_home:
        raise Http404
    return get_object_or_404(_orders().for_user(user), code=code)


def _orders() -> OrderQuerySet:
    return Order.objects.select_for_update(of=("self",), no_key=True).select_related("home", "edited_by")


def save(code: UUID, data: QueryDict, *, by: User, request: HttpRequest | None) -> Order:
    """Keep a page's form as typed, and the order that it makes. Raises Http404, or EditedElsewhere.

    Facts may be mended until everything is erased; what is wanted only until it is submitted. A pressed button of
    `quick_moments` sets the hour, whatever was typed there.
    """
    if moment := quick_moment(data.get("quick", "")):
        data = data.copy()
        data["needed_at" if data.get("made_for") == Order.For.LIVING else "altar_at"] = shown(moment)
    with transaction.atomic():
        order = open_draft(by, code, request=request)
        if order.is_over:
            raise Http404
        form = OrderForm(data, order=order)
        if _is_stale(order, form):
            raise EditedElsewhere(order)
        if order.edited_in != form.page:
            audit.record("order.edited", by=by, home=order.home, subject=order.code, request=request)
        procession_before = order.procession_at
        for name, value in form.facts.items():
            setattr(order, name, value)
        order.unread, order.typed = form.unread, form.typed
        order.edited_in, order.edited_at, order.edited_by = form.page, timezone.now(), by
        order.save()
        if order.procession_at != procession_before:
            delivery.keep_to_procession(order, procession_before, by=by, request=request)
        if order.is_draft:
            _set_wants(order, form.wants)
    return order


def _is_stale(order: Order, form: OrderForm) -> bool:
    """Whether a page made before another's last change would write over it."""
    if order.edited_at is None or order.edited_in == form.page:
        return False
    if form.seen and form.seen >= order.edited_at:
        return False
    if any(getattr(order, name) != value for name, value in form.facts.items()):
        return True
    return order.is_draft and {item.product_key: item.options for item in order.items.all()} != form.wants


def _set_wants(order: Order, wants: dict[str, dict[str, Any]]) -> None:
    order.items.exclude(product_key__in=wants).delete()
    kept = {item.product_key: item for item in order.items.all()}
    for key, options in wants.items():
        if key not in kept:
            Item.objects.create(order=order, product_key=key, options=options)
        elif kept[key].options != options:
            order.items.filter(product_key=key).update(options=options)


def quick_moments(now: datetime | None = None) -> list[tuple[str, str]]:
    """Button value and words of the hours that one press gives, each still ahead."""
    now = timezone.localtime(now)
    choices = [(f"+{m}", _("%(hours)d시간 뒤") % {"hours": m // 60}) for m in QUICK_MINUTES]
    for hour in QUICK_HOURS:
        at = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        day = _("오늘") if at > now + timedelta(minutes=30) else _("내일")
        at = at if at > now + timedelta(minutes=30) else at + timedelta(days=1)
        choices.append((at.isoformat(timespec="minutes"), f"{day} {at:%H:%M}"))
    return choices


def quick_moment(value: str, now: datetime | None = None) -> datetime | None:
    """What a button of `quick_moments` means when it is pressed; None for anything else."""
    now = timezone.localtime(now)
    if value in (f"+{minutes}" for minutes in QUICK_MINUTES):
        # On a full five minutes: a clock that people say to each other.
        later = now + timedelta(minutes=int(value))
        return later.replace(minute=later.minute // 5 * 5, second=0, microsecond=0)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if timezone.is_aware(moment) else None
