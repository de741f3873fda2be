"""The page behind "send me no more": a signed hash of the address, no login, one button."""

from django.core.signing import BadSignature, loads
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portal import audit
from portal.notices.models import Notice, NoticeStop, ended
from portal.notices.sending import STOP_SALT


# A page that sends no referrer posts with the origin "null"; and whoever could forge it has the address.
@csrf_exempt
@require_http_methods(["GET", "POST"])
def notice_stop(request: HttpRequest, token: str) -> HttpResponse:
    try:
        hashed: str = loads(token, salt=STOP_SALT)
    except BadSignature:
        raise Http404 from None
    if request.method == "POST":
        stop(hashed, request)
    stopped = NoticeStop.objects.filter(address_hash=hashed).exists()
    response = render(request, "family/notice_stop.html", {"stopped": stopped})
    response["X-Robots-Tag"] = "noindex"
    return response


@transaction.atomic
def stop(hashed: str, request: HttpRequest) -> None:
    """Nothing more to this address, what waits already included."""
    _stop, new = NoticeStop.objects.get_or_create(address_hash=hashed)
    if new:
        Notice.objects.filter(address_hash=hashed, state=Notice.State.WAITING).update(**ended(Notice.State.UNWANTED))
        audit.record("notices.stopped", by="family", request=request, address=hashed[:12])
