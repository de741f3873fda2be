"""Consent at the desk: the words, the answer, the paper, and taking it back."""

from uuid import UUID

from django.contrib import messages
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from orders import consenting, drafting, hangul, looking, uploading
from orders.access import get_order
from orders.models import Order
from orders.views import responses
from orders.views.desk import order_page
from portal import audit
from portal.access import asker, for_roles, recently_authenticated

LONGEST_REASON = 200
KINDS = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}


@for_roles("staff", "manager")
@require_POST
def consent_record(request: HttpRequest, code: UUID) -> HttpResponse:
    """Keep an answer; one that cannot stand comes back as it was filled in, with what is wrong."""
    user = asker(request)
    with transaction.atomic():
        drafting.open_draft(user, code, request=request)
    order = get_order(user, code)
    answer = consenting.Answer.of(request, scan_dropped=[why for _name, why in uploading.dropped(request, "scan")])
    try:
        consenting.record(order, answer, by=user, request=request)
    except consenting.NotRecorded as refused:
        answer = answer.to(consenting.text_for(order))
        return order_page(request, order, status=422, answer=answer, consent_errors=refused.errors)
    messages.success(request, _("동의를 기록했습니다."))
    return redirect(responses.page_of(code, "consent"))


@for_roles("staff", "manager")
@require_POST
def consent_withdraw(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """For whoever told staff. It erases, so it is asked who does it; a family by its own link is asked nothing."""
    return _withdraw(request, get_order(asker(request), code, even_erased=True))


@recently_authenticated
def _withdraw(request: HttpRequest, order: Order) -> HttpResponse:
    reason = hangul.tidy(request.POST.get("reason", ""))[:LONGEST_REASON]
    if consenting.withdraw(order, by=asker(request), reason=reason, request=request):
        messages.success(request, _("동의를 철회했습니다. 작업을 멈추고 링크를 모두 닫았으며, 파기를 시작했습니다."))
    return redirect(responses.page_of(order.code, "consent"))


@for_roles("staff", "manager")
@require_safe
def consent_shown(request: HttpRequest, code: UUID, consent_code: UUID) -> HttpResponse:
    """The whole record on one page, to be read and printed: the words, the answers, who, when, from where and how."""
    order = get_order(asker(request), code, even_erased=True)
    consents = order.consents.select_related("text__home", "recorded_by", "family_link")
    consent = get_object_or_404(consents, code=consent_code)
    if order.erased_at and consent.signer_name:
        # The worker has not come to it yet; what it leaves is shown.
        raise Http404
    audit.record_read("consent.read", by=asker(request), home=order.home, subject=order.code, request=request)
    suffix = consent.evidence.rsplit(".", 1)[-1] if consent.evidence else ""
    context = {"order": order, "consent": consent, "text": consent.text, "is_picture": suffix not in ("", "pdf")}
    return render(request, "orders/consent_record.html", context)


@for_roles("staff", "manager", "reviewer")
@require_safe
def consent_paper(request: HttpRequest, code: UUID, consent_code: UUID) -> HttpResponseBase:
    """The signed paper or signature, to be saved: a PDF of somebody else's is not opened inside the portal."""
    order = get_order(asker(request), code)
    consent = get_object_or_404(order.consents, code=consent_code)
    if not consent.evidence:
        raise Http404
    looking.note("consent.read", order, request)
    suffix = consent.evidence.rsplit(".", 1)[-1]
    try:
        file = default_storage.open(consent.evidence)
    except FileNotFoundError as error:
        raise Http404 from error
    name = _("동의서") + f"-{timezone.localtime(consent.signed_at):%Y%m%d}.{suffix}"
    response = FileResponse(file, as_attachment=True, filename=name, content_type=KINDS[suffix])
    response["Cache-Control"] = "private, no-store"
    return response
