"""The one way to an order by its code: a stranger learns nothing, not even that it exists."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from orders.models import Order
from portal.models import User


def get_order(user: User, code: UUID) -> Order:
    """The order, with all its page shows fetched ahead; 404 for whoever may not see it.

    A home sees its own, a reviewer what was submitted by any, an operator none.
    """
    orders = Order.objects.for_user(user).select_related("home", "created_by", "submitted_by").for_list()
    return get_object_or_404(orders, code=code)
