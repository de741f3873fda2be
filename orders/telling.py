"""Who is told what about an order: families by text message, the home's people by e-mail."""

import re
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import translation

from orders.models import Order
from orders.models.key_link import KeyLink
from portal.absolute import absolute_url
from portal.models import Notice, User
from portal.notices import sending

UPLOAD, CONSENT, CHOICE, GALLERY = "upload_link", "consent_link", "choice_link", "gallery_link"
GALLERY_ENDING = "gallery_ending"
TO_FAMILY = (UPLOAD, CONSENT, CHOICE, GALLERY, GALLERY_ENDING)
OBJECTION, WITHDRAWAL, UPLOAD_FAILED = "staff_objection", "staff_withdrawal", "staff_upload_failed"
# All that name the person; the word of a withdrawal, which is sent while everything is erased, does not.
NAMING = (*TO_FAMILY, OBJECTION, UPLOAD_FAILED)


def phone_of(order: Order) -> str:
    """The digits of the chief mourner's number; empty when there is none that takes text messages."""
    digits = re.sub(r"\D", "", order.mourner_phone)
    return digits if re.fullmatch(r"01\d{8,9}", digits) else ""


def tell_family(
    order: Order, kind: str, *, link: KeyLink | None = None, url: str = "", until: datetime | None = None
) -> Notice | None:
    """A text message to the chief mourner, in the transaction in hand; None without a mobile number.

    ``link``: the one it speaks of; closed before it is sent, it is sent no more.
    """
    if not (number := phone_of(order)):
        return None
    language = (link.language if link else "") or language_of(order)
    with translation.override(language):
        context: dict[str, object] = {"person": order.person, "url": url, "until": until}
        return sending.write(
            kind,
            way="sms",
            address=number,
            context=context,
            home=order.home,
            subject=order.code,
            part=link.code if link else None,
            language=language,
        )


def language_of(order: Order) -> str:
    """In which the family last read a page of this order; Korean before it opened any."""
    links: list[KeyLink] = [*order.family_links.exclude(language=""), *order.links.exclude(language="")]
    return max(links, key=lambda link: link.created_at).language if links else settings.LANGUAGE_CODE


def tell_staff(order: Order, kind: str, *, but: User | None = None) -> list[Notice]:
    """An e-mail to whoever placed the order and to the home's managers, in the transaction in hand.

    ``but``: who did what it tells of, and knows.
    """
    mine = Q(pk__in=[order.created_by_id, order.submitted_by_id]) | Q(role=User.Role.MANAGER)
    people = User.objects.filter(mine, home=order.home, is_active=True)
    if but is not None:
        people = people.exclude(pk=but.pk)
    context: dict[str, object] = {
        "person": order.person,
        "code": order.code,
        "url": absolute_url(reverse("orders:order", args=[order.code])),
    }
    return [
        sending.write(kind, way="email", address=person.email, context=context, home=order.home, subject=order.code)
        for person in people
    ]
