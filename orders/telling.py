"""Who is told what about an order: families by text message, the home's people by e-mail."""

import re
from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from orders.models import Order
from portal.absolute import absolute_url
from portal.models import Notice, User
from portal.notices import sending

UPLOAD, CONSENT, CHOICE, GALLERY = "upload_link", "consent_link", "choice_link", "gallery_link"
GALLERY_ENDING = "gallery_ending"
TO_FAMILY = (UPLOAD, CONSENT, CHOICE, GALLERY, GALLERY_ENDING)
OBJECTION, WITHDRAWAL, UPLOAD_FAILED = "staff_objection", "staff_withdrawal", "staff_upload_failed"


def phone_of(order: Order) -> str:
    """The digits of the chief mourner's number; empty when there is none that takes text messages."""
    digits = re.sub(r"\D", "", order.mourner_phone)
    return digits if re.fullmatch(r"01\d{8,9}", digits) else ""


def tell_family(order: Order, kind: str, *, url: str = "", until: datetime | None = None) -> Notice | None:
    """A text message to the chief mourner, in the transaction in hand; None without a mobile number."""
    if not (number := phone_of(order)):
        return None
    context: dict[str, object] = {"person": order.person, "url": url, "until": until}
    return sending.write(kind, way="sms", address=number, context=context, home=order.home, subject=order.code)


def tell_staff(order: Order, kind: str) -> list[Notice]:
    """An e-mail to whoever placed the order and to the home's managers, in the transaction in hand."""
    mine = Q(pk__in=[order.created_by_id, order.submitted_by_id]) | Q(role=User.Role.MANAGER)
    people = User.objects.filter(mine, home=order.home, is_active=True)
    context: dict[str, object] = {
        "person": order.person,
        "url": absolute_url(reverse("orders:order", args=[order.code])),
    }
    return [
        sending.write(kind, way="email", address=person.email, context=context, home=order.home, subject=order.code)
        for person in people
    ]
