"""Staff hand out a link and take it back."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import segno
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST

from orders import delivery, drafting, family_links, hangul, pins, telling
from orders.access import get_order
from orders.models import Order
from orders.models.key_link import KeyLink
from orders.views import responses
from portal import audit, limits
from portal.absolute import absolute_url
from portal.access import asker, for_roles
from portal.models import hash_token
from portal.notices.models import Way, masked
from portal.templatetags.portal_format import exact

LONGEST_RECIPIENT = 30
HANDED = gettext_lazy("가족이 이 주소에서 승인된 사진과 영상을 받습니다.")
ON_PAPER = gettext_lazy("사진과 영상을 받으실 수 있습니다.")


class _Said(NamedTuple):
    """What a link is for, in words for staff and on a printed QR."""

    handed: Promise
    on_paper: Promise


@for_roles("staff", "manager")
@require_POST
def link_issue(request: HttpRequest, code: UUID) -> HttpResponse:
    """A new link to what was approved. `recipient`: whom it is for; `pin`: digits asked for beside it, if any."""
    order = get_order(asker(request), code)
    pin = request.POST.get("pin", "").strip()
    recipient = hangul.tidy(request.POST.get("recipient", ""))[:LONGEST_RECIPIENT]
    if pin and not pins.is_fit(pin):
        messages.error(request, _("번호는 숫자 4–6자리로, 1234나 0000처럼 쉬운 것은 피해 주세요."))
        return redirect(responses.page_of(order.code, "links"))
    try:
        link, token = delivery.issue_link(order, by=asker(request), request=request, recipient=recipient, pin=pin)
    except delivery.NothingToDeliver:
        messages.error(request, _("아직 전달할 파일이 없습니다. 검수에서 승인되면 링크를 만들 수 있습니다."))
        return redirect("orders:order", code=order.code)
    path = reverse("orders:gallery", args=[token])
    return _issued(request, order, path, token, until=link.expires_at, said=_Said(HANDED, ON_PAPER), pin=pin)


@for_roles("staff", "manager")
@require_POST
def link_revoke(request: HttpRequest, code: UUID, link_code: UUID) -> HttpResponse:
    order = get_order(asker(request), code)
    link = get_object_or_404(order.links.select_related("order__home"), code=link_code)
    if delivery.revoke_link(link, by=asker(request), request=request):
        messages.success(request, _("링크를 닫았습니다. 이 주소로는 더 이상 열리지 않습니다."))
    return redirect("orders:order", code=order.code)


@for_roles("staff", "manager")
@require_POST
def link_reopen(request: HttpRequest, code: UUID, link_code: UUID) -> HttpResponse:
    order = get_order(asker(request), code)
    link = get_object_or_404(order.links, code=link_code)
    if delivery.reopen_link(link, by=asker(request), request=request):
        messages.success(request, _("링크를 다시 열었습니다. 가족이 가지고 계신 주소가 그대로 열립니다."))
    else:
        messages.error(request, _("다시 열 수 없는 링크입니다. 새 링크를 만들어 주세요."))
    return redirect(responses.page_of(order.code, "links"))


@for_roles("staff", "manager")
@require_POST
def family_link_issue(request: HttpRequest, code: UUID) -> HttpResponse:
    """`purpose`: what the family is asked for. The order is made if this is the first thing done for it."""
    with transaction.atomic():
        drafting.open_draft(asker(request), code, request=request)
    order = get_order(asker(request), code)
    try:
        link, token = family_links.issue(order, request.POST.get("purpose", ""), by=asker(request), request=request)
    except family_links.NotOffered:
        messages.error(request, _("지금은 이 링크를 만들 수 없습니다. 의뢰의 상태를 다시 확인해 주세요."))
        return redirect(responses.page_of(code, "family"))
    offer = family_links.OFFERS[link.purpose]
    said = _Said(offer.handed, offer.on_paper)
    return _issued(request, order, family_links.path_of(link, token), token, until=link.expires_at, said=said)


@for_roles("staff", "manager")
@require_POST
def family_link_revoke(request: HttpRequest, code: UUID, link_code: UUID) -> HttpResponse:
    order = get_order(asker(request), code)
    link = get_object_or_404(order.family_links.select_related("order__home"), code=link_code)
    if family_links.revoke(link, by=asker(request), request=request):
        messages.success(request, _("링크를 닫았습니다. 이 주소로는 더 이상 열리지 않습니다."))
    return redirect(responses.page_of(code, "family"))


@for_roles("staff", "manager")
@require_POST
def link_tell(request: HttpRequest, code: UUID) -> HttpResponse:
    """Text a link to the chief mourner. ``token`` comes back from the page that showed it: it is kept nowhere else."""
    order = get_order(asker(request), code)
    token = request.POST.get("token", "")
    link = _open_link(order, token)
    if link is None:
        raise Http404
    path, kind, key_link = link
    if not limits.allow("text_link", str(asker(request).code)):
        messages.error(request, _("문자를 너무 많이 보내셨습니다. 한 시간 뒤에 다시 보내거나 주소를 직접 전해 주세요."))
        return redirect(responses.page_of(code, "family"))
    with transaction.atomic():
        until = key_link.expires_at
        notice = telling.tell_family(order, kind, link=key_link, url=absolute_url(path), until=until)
        if notice is not None:
            audit.record(
                "link.texted",
                by=asker(request),
                home=order.home,
                subject=order.code,
                request=request,
                kind=kind,
                notice=str(notice.code),
            )
    if notice is None:
        messages.error(request, _("상주의 휴대전화 번호가 없습니다. 주소를 복사해 직접 보내 주세요."))
    elif notice.is_waiting:
        messages.success(request, _("%(number)s 번호로 보내고 있습니다.") % {"number": notice.address_shown})
    else:
        messages.error(request, _("문자를 받지 않겠다고 하신 번호입니다. 주소를 직접 전해 주세요."))
    return redirect(responses.page_of(code, "family"))


def _open_link(order: Order, token: str) -> tuple[str, str, KeyLink] | None:
    """The address of one of the order's open links, which notice speaks of it, and the link."""
    if (download := delivery.open_link(token)) and download.order_id == order.pk:
        return reverse("orders:gallery", args=[token]), telling.GALLERY, download
    mine = order.family_links.filter(token_hash=hash_token(token)).first()
    if mine and mine.is_open and not order.is_over:
        return family_links.path_of(mine, token), f"{mine.purpose}_link", mine
    return None


def _issued(
    request: HttpRequest, order: Order, path: str, token: str, *, until: datetime, said: _Said, pin: str = ""
) -> HttpResponse:
    """The address with its QR, shown this once: only the token's hash is kept."""
    url = absolute_url(path)
    qr = segno.make(url, error="m").svg_data_uri(scale=6, border=2, dark="#1f2421", light="#ffffff")
    context = {
        "order": order,
        "until": _said_until(until),
        "handed": said.handed,
        "paper": said.on_paper,
        "pin": pin,
        "url": url,
        "qr": qr,
        "token": token,
        "number": masked(Way.SMS, number) if (number := telling.phone_of(order)) else "",
    }
    response = render(request, "orders/link_issued.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _said_until(until: datetime) -> str:
    """What ends with a day is said to last to the end of it, not to an hour of the next."""
    local = timezone.localtime(until)
    if (local.hour, local.minute) == (0, 0):
        return date_format(local - timedelta(minutes=1), pgettext("date format", "n월 j일"))
    return exact(until)
