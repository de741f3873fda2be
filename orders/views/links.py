"""Staff hand out a link and take it back."""

from uuid import UUID

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from orders import delivery
from orders.access import get_order
from portal.absolute import absolute_url
from portal.access import asker, for_roles


@for_roles("staff", "manager")
@require_POST
def link_issue(request: HttpRequest, code: UUID) -> HttpResponse:
    """A new link, shown this once with its QR: only its hash is kept."""
    order = get_order(asker(request), code)
    try:
        link, token = delivery.issue_link(order, by=asker(request), request=request)
    except delivery.NothingToDeliver:
        messages.error(request, _("아직 전달할 파일이 없습니다. 검수에서 승인되면 링크를 만들 수 있습니다."))
        return redirect("orders:order", code=order.code)
    url = absolute_url(reverse("orders:gallery", args=[token]))
    qr = segno.make(url, error="m").svg_data_uri(scale=6, border=2, dark="#1f2421", light="#ffffff")
    response = render(request, "orders/link_issued.html", {"order": order, "link": link, "url": url, "qr": qr})
    response["Cache-Control"] = "no-store"
    return response


@for_roles("staff", "manager")
@require_POST
def link_revoke(request: HttpRequest, code: UUID, link_code: UUID) -> HttpResponse:
    order = get_order(asker(request), code)
    link = get_object_or_404(order.links.select_related("order__home"), code=link_code)
    if delivery.revoke_link(link, by=asker(request), request=request):
        messages.success(request, _("링크를 닫았습니다. 이 주소로는 더 이상 열리지 않습니다."))
    return redirect("orders:order", code=order.code)
