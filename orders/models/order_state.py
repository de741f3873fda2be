"""Where an order stands. Nothing of it is stored: it follows from the order's facts, photos, consent and items.

`state_of` says it of one order, `OrderQuerySet.with_state` of many at once; a test holds the two together.
"""

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from django.apps import apps
from django.db import models
from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Replace
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from orders import hangul
from orders.products import PRODUCTS
from portal.models import User

if TYPE_CHECKING:
    from orders.models.order import Order


class OrderState(models.TextChoices):
    DRAFT = "draft", _("작성 중")
    PHOTOS = "photos", _("사진 대기")
    CONSENT = "consent", _("동의 대기")
    RETURNED = "returned", _("확인 필요")
    PRODUCING = "producing", _("제작 중")
    TO_REVIEW = "to_review", _("검수 대기")
    TO_DELIVER = "to_deliver", _("전달 준비")
    DELIVERED = "delivered", _("전달됨")
    CLOSED = "closed", _("보관 종료")
    CANCELLED = "cancelled", _("취소")

    @property
    def is_open(self) -> bool:
        """Whether somebody still has something to do."""
        return self not in (OrderState.DELIVERED, OrderState.CLOSED, OrderState.CANCELLED)


class Missing(NamedTuple):
    """What an order lacks before it can be submitted: a sentence, and the part of the page that gives it."""

    anchor: str
    sentence: str | Promise

    def __str__(self) -> str:
        return str(self.sentence)


OTHERS_MISSING = _("다른 분이 함께 나온 사진이 있습니다. 그 사진을 빼거나 함께 나온 분에 대한 동의를 받아 주세요.")


def missing_facts(order: "Order") -> Iterator[Missing]:
    if not order.name:
        yield Missing("name", _("성함을 적어 주세요."))
    if not order.related("items"):
        yield Missing("wants", _("무엇을 만들지 골라 주세요."))
    if not order.needed_at:
        living = order.made_for == order.For.LIVING
        yield Missing("when", _("언제까지 필요한지 적어 주세요.") if living else _("빈소 차림 시각을 적어 주세요."))
    if order.unread:
        labels = ", ".join(str(order.label_of(field)) for field in order.unread)
        yield Missing(
            f"field-{next(iter(order.unread))}", _("읽지 못한 칸이 있습니다: %(labels)s") % {"labels": labels}
        )


def missing_photos(order: "Order") -> Iterator[Missing]:
    there = len(order.related("photos"))
    if there < order.photos_needed:
        count = order.photos_needed - there
        if there:
            words = ngettext("사진을 %(count)d장 더 올려 주세요.", "사진을 %(count)d장 더 올려 주세요.", count)
        else:
            words = ngettext("사진을 %(count)d장 올려 주세요.", "사진을 %(count)d장 올려 주세요.", count)
        yield Missing("photos", words % {"count": count})


def missing_consent(order: "Order") -> Iterator[Missing]:
    consent = order.standing_consent
    if consent is None:
        if order.made_for == order.For.LIVING:
            yield Missing("consent", _("본인의 동의를 받아 주세요."))
        else:
            yield Missing("consent", _("상주의 동의를 받아 주세요."))
    elif order.shows_others and not consent.covers(consent.OTHERS):
        yield Missing(
            "consent",
            _("다른 분이 함께 나온 사진이 있습니다. 그 사진을 빼거나 함께 나온 분에 대한 동의를 받아 주세요."),
        )


def state_of(order: "Order") -> OrderState:
    if order.erased_at:
        return OrderState.CLOSED
    if order.cancelled_at:
        return OrderState.CANCELLED
    if not order.submitted_at:
        if any(missing_facts(order)):
            return OrderState.DRAFT
        if any(missing_photos(order)):
            return OrderState.PHOTOS
        return OrderState.CONSENT if any(missing_consent(order)) else OrderState.DRAFT
    if order.standing_consent is None:
        return OrderState.CONSENT
    states = {item.state for item in order.related("items")}
    if "returned" in states:
        return OrderState.RETURNED
    # What waits does so for another product's approval, so a reviewer's turn goes before it.
    for lagging in ("producing", "to_review", "waiting"):
        if lagging in states:
            return OrderState.TO_REVIEW if lagging == "to_review" else OrderState.PRODUCING
    return OrderState.DELIVERED if order.delivered_at else OrderState.TO_DELIVER


def _facts_missing() -> Q:
    return Q(name="") | Q(needed_at=None) | ~Q(unread={}) | ~Q(Exists(_rows("Item")))


def _photos_missing() -> Q:
    """Each wanted product has as many photos as it has slots."""
    ways = [
        Q(Exists(_rows("Item", product_key=product.key)), photo_count__lt=product.photos_needed)
        for product in PRODUCTS.values()
    ]
    return reduce(or_, ways)


def _consent_stands() -> Exists:
    return Exists(_standing())


def _standing() -> Any:
    return _rows("Consent").standing().filter(text__made_for=OuterRef("made_for"))


def _others_missing() -> Q:
    covered = Exists(_standing().filter(scope__contains=["others"]))
    return Q(Exists(_rows("Photo", shows_others=True))) & ~Q(covered)


def _rows(model: str, **conditions: object) -> Any:
    """The order's rows of another model as a subquery; by name, because those models name this one."""
    return apps.get_model("orders", model)._default_manager.filter(order=OuterRef("pk"), **conditions)


def _has_item(*states: str) -> Exists:
    return Exists(_rows("Item", state__in=states))


def _state() -> Case:
    open_draft = Q(submitted_at=None)
    return Case(
        When(erased_at__isnull=False, then=Value(OrderState.CLOSED.value)),
        When(cancelled_at__isnull=False, then=Value(OrderState.CANCELLED.value)),
        When(open_draft & _facts_missing(), then=Value(OrderState.DRAFT.value)),
        When(open_draft & _photos_missing(), then=Value(OrderState.PHOTOS.value)),
        When(open_draft & (~Q(_consent_stands()) | _others_missing()), then=Value(OrderState.CONSENT.value)),
        When(open_draft, then=Value(OrderState.DRAFT.value)),
        When(~Q(_consent_stands()), then=Value(OrderState.CONSENT.value)),
        When(_has_item("returned"), then=Value(OrderState.RETURNED.value)),
        When(_has_item("producing"), then=Value(OrderState.PRODUCING.value)),
        When(_has_item("to_review"), then=Value(OrderState.TO_REVIEW.value)),
        When(_has_item("waiting"), then=Value(OrderState.PRODUCING.value)),
        When(delivered_at__isnull=False, then=Value(OrderState.DELIVERED.value)),
        default=Value(OrderState.TO_DELIVER.value),
    )


class OrderQuerySet(models.QuerySet["Order"]):
    def for_user(self, user: User) -> Self:
        """What this person may see: a home its own, a reviewer what was submitted, an operator nothing."""
        if user.works_at_home:
            return self.filter(home=user.home_id)
        if user.is_reviewer:
            return self.filter(submitted_at__isnull=False)
        return self.none()

    def with_state(self) -> Self:
        """Each with `state_key`, the value of `OrderState`, to filter and count by."""
        photos = _rows("Photo").order_by().values("order").annotate(count=Count("pk")).values("count")
        counted = self.annotate(photo_count=Coalesce(Subquery(photos, output_field=IntegerField()), 0))
        return counted.annotate(state_key=_state())

    def search(self, text: str) -> Self:
        """Every word must be found: in the name (초성 too), the hall, the chief mourner's name or the phone number."""
        words = hangul.spread(text).split()
        found = self.annotate(phone_digits=Replace("mourner_phone", Value("-"), Value(""))) if words else self
        return reduce(lambda narrowed, word: narrowed.filter(_matches(word)), words, found)

    def count_by_state(self) -> dict[str, int]:
        """How many are in each state, those in none left out. In one query."""
        found: Any = self.with_state().order_by()
        return {row["state_key"]: row["count"] for row in found.values("state_key").annotate(count=Count("pk"))}

    def in_states(self, *states: OrderState) -> Self:
        return self.with_state().filter(Q(("state_key__in", states)))

    def for_list(self) -> Self:
        """With all that a row of the list shows, in a fixed number of queries."""
        return self.prefetch_related("items__candidates__approval", "photos", "consents__text", "objections")

    def objected(self) -> Self:
        """Where a relative objects and nobody has settled it, in whatever state; the longest standing first."""
        standing = _rows("Objection", resolved_at=None).order_by("said_at").values("said_at")[:1]
        waiting = self.filter(erased_at=None, cancelled_at=None).alias(objected_at=Subquery(standing))
        return waiting.filter(objected_at__isnull=False).order_by("objected_at")

    def nearest_first(self) -> Self:
        return self.order_by(F("needed_at").asc(nulls_last=True), "-created_at", "-pk")


def _matches(word: str) -> Q:
    ways: list[Q] = [Q(**{f"{field}__icontains": word}) for field in ("name", "hall", "mourner_name", "hanja")]
    if hangul.asks_for_initials(word):
        initials = hangul.initials(word)
        typed_whole = Q(name__iregex=hangul.pattern(word)) if initials != word.lower() else Q()
        ways.append(Q(initials__contains=initials) & typed_whole)
    if len(digits := word.replace("-", "")) >= 3 and digits.isdecimal():
        ways.append(Q(phone_digits__contains=digits))
    return reduce(or_, ways)
