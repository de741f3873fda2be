"""The one way to an order and its parts by their codes: a stranger learns nothing, not even that it exists."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from orders.models import Candidate, Item, Order, Photo
from portal.models import User


def get_order(user: User, code: UUID, *, even_erased: bool = False) -> Order:
    """The order, with all its page shows fetched ahead; 404 for whoever may not see it.

    A home sees its own, a reviewer what was submitted by any, an operator none. What is being erased is gone from the
    moment that somebody asked for it, however long a worker takes; ``even_erased`` is for the way to what remains.
    """
    orders = Order.objects.for_user(user).select_related("home", "created_by", "submitted_by").for_list()
    return get_object_or_404(orders if even_erased else orders.filter(erased_at=None), code=code)


def get_item(user: User, code: UUID) -> Item:
    """An item of an order that this person may see, or 404."""
    orders = Order.objects.for_user(user).filter(erased_at=None)
    items = Item.objects.select_related("order__home").filter(order__in=orders)
    return get_object_or_404(items, code=code)


def get_candidate(user: User, code: UUID) -> Candidate:
    """A candidate of which there is something to see, of an order that this person may see, or 404."""
    made = Candidate.objects.select_related("item__order__home").exclude(preview="")
    seen = made.filter(item__order__in=Order.objects.for_user(user), item__order__erased_at=None)
    return get_object_or_404(seen, code=code)


def get_photo(user: User, code: UUID) -> Photo:
    """A photo of an order that this person may see, or 404."""
    photos = Photo.objects.select_related("order__home").filter(
        order__in=Order.objects.for_user(user), order__erased_at=None
    )
    return get_object_or_404(photos, code=code)
