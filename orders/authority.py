"""What the family's word covers: asked before anything is made, again when a GPU takes it, and before it is kept."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast, StrIndex

from gpujobs import prepared
from orders.models import Candidate, Consent, Finish, Item, Order, Photo

Allowed: TypeAlias = Callable[[list[UUID]], QuerySet[Candidate] | QuerySet[Finish]]


def has_authority(order: Order) -> bool:
    """Whether the family's word still stands: neither cancelled nor erased, and a consent that covers the likeness."""
    return not order.cancelled_at and not order.erased_at and _likeness(order=order.pk).exists()


def covered(order: str, images: str) -> Q:
    """Whether the standing consent covers what is made of these pictures: the likeness, and whoever else they show.

    ``order`` and ``images`` name the fields of a row that lead to its order and to its job's images. A photo that no
    job was given stops nobody's.
    """
    mine = _likeness(order=OuterRef(order))
    given: Any = StrIndex(Cast(OuterRef(images), TextField()), Cast("code", TextField()))
    with_others = Photo.objects.filter(order=OuterRef(order), shows_others=True).annotate(given=given)
    shown = Q(Exists(with_others.filter(given__gt=0)))
    return Q(Exists(mine)) & (~shown | Q(Exists(mine.filter(scope__contains=[Consent.OTHERS]))))


def may_run(references: Iterable[UUID]) -> set[UUID]:
    """Which of these candidates may still be made, asked by the fleet at the moment a job is claimed."""
    references = set(references)
    allowed = _codes_of(_may_be_made, references)
    return allowed | _codes_of(_may_be_finished, references - allowed)


def _may_be_made(codes: list[UUID]) -> QuerySet[Candidate]:
    return Candidate.objects.filter(
        covered("item__order", "job__images"),
        code__in=codes,
        state=Candidate.State.PRODUCING,
        round=F("item__round"),
        item__state=Item.State.PRODUCING,
        item__order__cancelled_at=None,
        item__order__erased_at=None,
    )


def _may_be_finished(codes: list[UUID]) -> QuerySet[Finish]:
    """What was approved and is enlarged or lengthened by a GPU once more."""
    return Finish.objects.filter(
        covered("approval__candidate__item__order", "approval__candidate__job__images"),
        code__in=codes,
        state=Finish.State.ON_GPU,
        approval__candidate__item__order__cancelled_at=None,
        approval__candidate__item__order__erased_at=None,
    )


def _codes_of(allowed: Allowed, codes: set[UUID]) -> set[UUID]:
    if not codes:
        return set()
    sql, values = _worded(allowed, len(codes))
    asked = dict(zip(_stand_ins(len(codes)), codes, strict=True))
    given = [asked[value] if isinstance(value, UUID) else value for value in values]
    return {code for (code,) in prepared.rows(sql, given)}


@lru_cache(maxsize=16)
def _worded(allowed: Allowed, count: int) -> tuple[str, tuple[Any, ...]]:
    """The question for so many codes, worded once: it takes the ORM far longer than the server takes to answer."""
    sql, given = allowed(_stand_ins(count)).values_list("code").query.sql_with_params()
    return sql, tuple(given)


def _stand_ins(count: int) -> list[UUID]:
    return [UUID(int=number) for number in range(count)]


def uncovered_items(order: Order) -> list[Item]:
    """Items being made or judged that the consent as it stands now does not cover."""
    beyond = Candidate.objects.exclude(covered("item__order", "job__images")).filter(round=F("item__round"))
    open_still = order.items.filter(state__in=[Item.State.PRODUCING, Item.State.TO_REVIEW])
    return list(open_still.filter(pk__in=beyond.values("item")))


def _likeness(**order: Any) -> Any:
    """Consents of the order that stand, in the words for its kind of person, and cover the likeness."""
    standing = Consent.objects.standing().filter(**order)
    return standing.filter(text__made_for=F("order__made_for"), scope__contains=[Consent.LIKENESS])
