"""Objections at the desk: written down for a relative who called, and settled with a note."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from orders import objecting
from orders.access import get_order
from orders.views import responses
from orders.views.desk import order_page
from portal.access import asker, for_roles


@for_roles("staff", "manager")
@require_POST
def objection_record(request: HttpRequest, code: UUID) -> HttpResponse:
    order = get_order(asker(request), code)
    form = objecting.ObjectionForm(request.POST)
    if not form.is_valid():
        return order_page(request, order, status=422, objection_form=form)
    objecting.record(order, form, by=asker(request), request=request)
    messages.success(request, _("이의를 기록하고 승인과 전달을 멈추었습니다."))
    return redirect(responses.page_of(code, "objections"))


@for_roles("staff", "manager")
@require_POST
def objection_settle(request: HttpRequest, code: UUID, objection_code: UUID) -> HttpResponse:
    order = get_order(asker(request), code)
    form = objecting.ResolutionForm(request.POST)
    if not form.is_valid():
        return order_page(request, order, status=422, unsettled=objection_code, resolution_form=form)
    note = form.cleaned_data["resolution"]
    if objecting.settle(order, objection_code, note, by=asker(request), request=request):
        messages.success(request, _("이의를 정리한 것으로 기록했습니다."))
    else:
        messages.error(request, _("그사이 다른 분이 정리한 이의입니다."))
    return redirect(responses.page_of(code, "objections"))
