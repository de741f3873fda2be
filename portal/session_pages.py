"""A person's own open logins, to look at and to end."""

from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portal import sessions
from portal.access import asker
from portal.devices import device


@login_required
@require_safe
def logins(request: HttpRequest) -> HttpResponse:
    shown = [(login, device(login.browser), sessions.is_this(login, request)) for login in sessions.of(asker(request))]
    minutes = sessions.idle_seconds(asker(request)) // 60
    return render(request, "portal/logins.html", {"logins": shown, "minutes": minutes})


@login_required
@require_POST
def login_end(request: HttpRequest, code: UUID) -> HttpResponse:
    login = get_object_or_404(asker(request).open_logins, code=code)
    if sessions.is_this(login, request):
        get_adapter().logout(request)
        return redirect("account_login")
    sessions.end(asker(request).open_logins.filter(pk=login.pk), by=asker(request), request=request)
    messages.success(request, _("그 기기의 로그인을 끝냈습니다."))
    return redirect("logins")


@login_required
@require_POST
def logins_end_others(request: HttpRequest) -> HttpResponse:
    others = asker(request).open_logins.exclude(code=request.session.get(sessions.LOGIN))
    number = sessions.end(others, by=asker(request), request=request)
    messages.success(request, _("다른 기기의 로그인 %(number)s개를 끝냈습니다.") % {"number": number})
    return redirect("logins")
