"""The people of a home, for its manager; and the page on which an invitation is taken up."""

from typing import cast
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import audit, invitations
from portal.access import asker, for_roles
from portal.forms import InviteForm, JoinForm
from portal.models import FuneralHome, Invitation, User


@for_roles("manager")
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    return _page(request, InviteForm())


@for_roles("manager")
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    return _invite(request, form.cleaned_data["email"], form.cleaned_data["role"])


@for_roles("manager")
@require_POST
def invitation_resend(request: HttpRequest, code: UUID) -> HttpResponse:
    invitation = _invitation(request, code)
    return _invite(request, invitation.email, invitation.role)


@for_roles("manager")
@require_POST
def invitation_revoke(request: HttpRequest, code: UUID) -> HttpResponse:
    invitation = _invitation(request, code)
    if invitations.take_back(invitation, by=asker(request), request=request):
        messages.success(request, _("초대를 거두었습니다. 보낸 링크는 더 이상 열리지 않습니다."))
    return redirect("people")


@for_roles("manager")
@require_POST
def person_stop(request: HttpRequest, code: UUID) -> HttpResponse:
    """Deactivate a colleague, who is out with the next request; never oneself, so that a manager remains."""
    person = _person(request, code)
    if person == asker(request):
        messages.error(request, _("자기 자신은 멈출 수 없습니다."))
    elif _set_active(request, person, active=False):
        messages.success(
            request, _("%(name)s 님의 계정을 멈췄습니다. 열려 있던 화면도 바로 닫힙니다.") % {"name": person.name}
        )
    return redirect("people")


@for_roles("manager")
@require_POST
def person_resume(request: HttpRequest, code: UUID) -> HttpResponse:
    person = _person(request, code)
    if _set_active(request, person, active=True):
        messages.success(request, _("%(name)s 님이 다시 로그인할 수 있습니다.") % {"name": person.name})
    return redirect("people")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Take up an invitation: name and password, and in. One that is spent looks like one that never was."""
    if not ratelimit.consume(request, action="join"):
        return ratelimit.respond_429(request)
    invitation = invitations.open_invitation(token)
    if invitation is None:
        return render(request, "portal/join_closed.html", status=404)
    form = JoinForm(request.POST or None, invitation=invitation)
    if form.is_valid():
        given = form.cleaned_data
        try:
            user = invitations.accept(invitation, name=given["name"], password=given["password"], request=request)
        except invitations.AlreadyUsed:
            return render(request, "portal/join_closed.html", status=404)
        get_adapter().login(request, user)
        return redirect("start")
    status = 422 if form.is_bound else 200
    return render(request, "portal/join.html", {"form": form, "invitation": invitation}, status=status)


def _page(request: HttpRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    home = _home(request)
    context = {
        "form": form,
        "home": home,
        "people": home.people.order_by("-is_active", "name"),
        "invitations": home.invitations.filter(accepted_at=None).select_related("invited_by"),
    }
    return render(request, "portal/people.html", context, status=status)


def _invite(request: HttpRequest, email: str, role: str) -> HttpResponse:
    if not ratelimit.consume(request, action="invite", user=asker(request)):
        return ratelimit.respond_429(request)
    if invitations.invite(_home(request), email, role, by=asker(request), request=request):
        messages.success(request, _("%(email)s 주소로 초대를 보냈습니다. 7일 안에 열면 됩니다.") % {"email": email})
    else:
        messages.error(request, _("초대 메일이 나가지 않았습니다. 잠시 뒤 ‘다시 보내기’를 눌러 주세요."))
    return redirect("people")


def _set_active(request: HttpRequest, person: User, *, active: bool) -> bool:
    with transaction.atomic():
        changed = User.objects.filter(pk=person.pk, is_active=not active).update(is_active=active)
        if changed:
            action = "person.resumed" if active else "person.stopped"
            audit.record(action, by=asker(request), home=person.home, subject=person.code, request=request)
    return changed == 1


def _home(request: HttpRequest) -> FuneralHome:
    # The database holds that a manager belongs to one.
    return cast(FuneralHome, asker(request).home)


def _person(request: HttpRequest, code: UUID) -> User:
    return get_object_or_404(_home(request).people, code=code)


def _invitation(request: HttpRequest, code: UUID) -> Invitation:
    return get_object_or_404(_home(request).invitations.filter(accepted_at=None), code=code)
