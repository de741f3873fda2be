"""Noting who looked at a family's data: `portal.audit.record_read`, by the order it belongs to."""

from django.http import HttpRequest

from orders.models import Order
from portal import audit
from portal.access import asker


def note(action: str, order: Order, request: HttpRequest) -> None:
    """``action``: order.read, photo.read, candidate.read, file.read. Once in ten minutes for each person and order,
    so that what a page asks for again by itself adds nothing."""
    audit.record_read(action, by=asker(request), home=order.home, subject=order.code, request=request)


def note_list(action: str, orders: list[Order], request: HttpRequest) -> None:
    """That a page named the people of these orders, and of how many: review.read, periods.read."""
    user = asker(request)
    audit.record_read(action, by=user, home=user.home, subject=None, request=request, count=len(orders))


def note_search(orders: list[Order], words: str, request: HttpRequest) -> None:
    """Which orders a list showed, or a search found; the words that were typed are not kept."""
    user = asker(request)
    action = "desk.searched" if words else "desk.read"
    codes = [str(order.code) for order in orders] if words else []
    audit.record_read(
        action, by=user, home=user.home, subject=None, request=request, once_per=words, count=len(orders), orders=codes
    )
