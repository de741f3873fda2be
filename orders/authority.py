"""What the family's word covers: asked before anything is made, again when a GPU takes it, and before it is kept."""

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, TextField
from django.db.models.functions import Cast, StrIndex

from orders.models import Candidate, Consent, Item, Order, Photo


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


def uncovered_items(order: Order) -> list[Item]:
    """Items being made or judged that the consent as it stands now does not cover."""
    beyond = Candidate.objects.exclude(covered("item__order", "job__images")).filter(round=F("item__round"))
    open_still = order.items.filter(state__in=[Item.State.PRODUCING, Item.State.TO_REVIEW])
    return list(open_still.filter(pk__in=beyond.values("item")))


def _likeness(**order: Any) -> Any:
    """Consents of the order that stand, in the words for its kind of person, and cover the likeness."""
    standing = Consent.objects.standing().filter(**order)
    return standing.filter(text__made_for=F("order__made_for"), scope__contains=[Consent.LIKENESS])
