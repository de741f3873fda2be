"""The front door: everyone is sent to where their work is."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from portal.access import asker
from portal.models import User

WORKPLACE = {
    User.Role.STAFF: "orders:desk",
    User.Role.MANAGER: "orders:desk",
    User.Role.REVIEWER: "orders:review_queue",
    User.Role.OPERATOR: "operator",
    User.Role.ADMIN: "homes",
}


@require_safe
@login_required
def start(request: HttpRequest) -> HttpResponseRedirect:
    return redirect(WORKPLACE[User.Role(asker(request).role)])
