"""The audit to be searched: an admin sees all, a manager what concerns the home. Taking it away wants a reason."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portal import audit, given
from portal.access import asker, for_roles, recently_authenticated
from portal.audit_search import Search, as_csv
from portal.audit_words import ACTIONS

LONGEST_REASON = 200


@for_roles("manager", "admin")
@require_safe
def audit_page(request: HttpRequest) -> HttpResponse:
    search = Search.read(request.GET)
    user = asker(request)
    audit.record_read("audit.read", by=user, home=user.home, subject=None, request=request, asked=search.as_details())
    return _page(request, search)


@for_roles("manager", "admin")
@require_POST
@recently_authenticated
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """What the search finds, all of it, as CSV; that it was taken, and why, is an entry of its own."""
    search = Search.read(request.POST)
    user = asker(request)
    reason = given.words(request.POST.get("reason", ""))[:LONGEST_REASON]
    if not reason:
        return _page(request, search, status=422, refused=_("내려받는 까닭을 적어 주세요."))
    # Whatever is written meanwhile, this entry included, is not part of it.
    events = search.events(user)
    newest = events.values_list("pk", flat=True).first() or 0
    events = events.filter(pk__lte=newest)
    with transaction.atomic():
        audit.record(
            "audit.exported",
            by=user,
            home=user.home,
            request=request,
            reason=reason,
            entries=events.count(),
            asked=search.as_details(),
        )
    response = StreamingHttpResponse(as_csv(events), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.localdate():%Y%m%d}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def _page(request: HttpRequest, search: Search, *, status: int = 200, **said: Any) -> HttpResponse:
    entries, more = search.page(asker(request))
    context = {
        "search": search,
        "entries": entries,
        "more": more,
        "actions": sorted(((key, str(words)) for key, words in ACTIONS.items()), key=lambda pair: pair[1]),
        "here": "audit" if asker(request).is_admin else "settings",
    }
    return render(request, "portal/audit.html", context | said, status=status)
