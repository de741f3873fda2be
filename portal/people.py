"""The people of a home, for its manager; and the page on which an invitation is taken up.

What is done to one person or one invitation, an admin may do to everybody's.
"""

from typing import cast
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import audit, invitations, limits
from portal.access import asker, for_roles
from portal.forms import InviteForm, JoinForm
from portal.models import FuneralHome, Invitation, User


@for_roles("manager")
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    return _page(request, InviteForm(home=_home(request)))


@for_roles("manager")
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    # Counted before it is looked at: what is wrong with an address is said of no more of them either.
    if not may_invite_more(request):
        return limits.too_many(request, "invite")
    form = InviteForm(request.POST, home=_home(request))
    if not form.is_valid():
        return _page(request, form, status=422)
    return send_invitation(request, _home(request), form.cleaned_data["email"], form.cleaned_data["role"])


@for_roles("manager", "admin")
@require_POST
def invitation_resend(request: HttpRequest, code: UUID) -> HttpResponse:
    invitation = _invitation(request, code)
    if not may_invite_more(request):
        return limits.too_many(request, "invite")
    return send_invitation(request, invitation.home, invitation.email, invitation.role)


@for_roles("manager", "admin")
@require_POST
def invitation_revoke(request: HttpRequest, code: UUID) -> HttpResponse:
    invitation = _invitation(request, code)
    if invitations.take_back(invitation, by=asker(request), request=request):
        messages.success(request, _("초대를 거두었습니다. 보낸 링크는 더 이상 열리지 않습니다."))
    return _back(request)


@for_roles("manager", "admin")
@require_POST
def person_stop(request: HttpRequest, code: UUID) -> HttpResponse:
    """Deactivate a colleague, who is out with the next request; never oneself, so that somebody remains who can.

    A manager takes somebody who works elsewhere too out of this home alone.
    """
    person = _person(request, code)
    if person == asker(request):
        messages.error(request, _("자기 자신은 멈출 수 없습니다."))
    elif asker(request).is_manager and _leaves(request, person):
        messages.success(request, _("%(name)s 님은 이제 이 장례식장에서 일하지 않습니다.") % {"name": person.name})
    elif _set_active(request, person, active=False):
        messages.success(
            request, _("%(name)s 님의 계정을 멈췄습니다. 열려 있던 화면도 바로 닫힙니다.") % {"name": person.name}
        )
    return _back(request)


@for_roles("manager", "admin")
@require_POST
def person_resume(request: HttpRequest, code: UUID) -> HttpResponse:
    """Let somebody in again; whoever works elsewhere too was stopped by an admin, and only an admin undoes that."""
    person = _person(request, code)
    if asker(request).is_manager and person.memberships.count() > 1:
        messages.error(request, _("여러 곳에서 일하는 분이라 총괄만 다시 열어 드릴 수 있습니다."))
    elif _set_active(request, person, active=True):
        messages.success(request, _("%(name)s 님이 다시 로그인할 수 있습니다.") % {"name": person.name})
    return _back(request)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@limits.limited("join")
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Take up an invitation: name and password, and in; with an account, the login and one press. One that is spent
    looks like one that never was."""
    invitation = invitations.open_invitation(token)
    if invitation is None:
        return render(request, "portal/join_closed.html", status=404)
    if (account := invitations.account_of(invitation)) is not None:
        return _join_with(account, invitation, request)
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


def _join_with(account: User, invitation: Invitation, request: HttpRequest) -> HttpResponse:
    """Somebody who has an account works here too from now on, once it is they who are logged in."""
    if request.method == "POST" and request.user == account:
        try:
            place = invitations.bring(account, invitation, request=request)
        except invitations.AlreadyUsed:
            return render(request, "portal/join_closed.html", status=404)
        messages.success(request, _("이제 %(place)s 화면입니다.") % {"place": place})
        return redirect("start")
    return render(request, "portal/join_account.html", {"invitation": invitation, "account": account})


def _page(request: HttpRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    home = _home(request)
    context = {
        "form": form,
        "home": home,
        "places": home.memberships.select_related("user").order_by("-user__is_active", "user__name"),
        "invitations": home.invitations.filter(accepted_at=None).select_related("invited_by"),
    }
    return render(request, "portal/people.html", context, status=status)


def may_invite_more(request: HttpRequest) -> bool:
    """Counts one more invitation that was asked for."""
    return limits.allow("invite", str(asker(request).code))


def send_invitation(request: HttpRequest, home: FuneralHome | None, email: str, role: str) -> HttpResponse:
    """Invite, and say what came of it on the page of people. The caller knows that the asker may."""
    if invitations.invite(home, email, role, by=asker(request), request=request):
        messages.success(request, _("%(email)s 주소로 초대를 보냈습니다. 7일 안에 열면 됩니다.") % {"email": email})
    else:
        messages.error(request, _("초대 메일이 나가지 않았습니다. 잠시 뒤 ‘다시 보내기’를 눌러 주세요."))
    return _back(request)


def _set_active(request: HttpRequest, person: User, *, active: bool) -> bool:
    with transaction.atomic():
        changed = User.objects.filter(pk=person.pk, is_active=not active).update(is_active=active)
        if changed:
            action = "person.resumed" if active else "person.stopped"
            home = _home(request) if asker(request).is_manager else person.home
            audit.record(action, by=asker(request), home=home, subject=person.code, request=request)
    return changed == 1


def _leaves(request: HttpRequest, person: User) -> bool:
    """Whether somebody had another place to work at, and works at this home no longer."""
    place = person.memberships.get(home=_home(request))
    with transaction.atomic():
        left = place.end()
        if left:
            audit.record("place.taken", by=asker(request), home=place.home, subject=person.code, request=request)
    return left


def _home(request: HttpRequest) -> FuneralHome:
    # The database holds that a manager belongs to one.
    return cast(FuneralHome, asker(request).home)


def _person(request: HttpRequest, code: UUID) -> User:
    everybody = User.objects.select_related("home")
    mine = everybody if asker(request).is_admin else everybody.filter(memberships__home=_home(request))
    return get_object_or_404(mine, code=code)


def _invitation(request: HttpRequest, code: UUID) -> Invitation:
    waiting = Invitation.objects.filter(accepted_at=None).select_related("home")
    return get_object_or_404(waiting if asker(request).is_admin else waiting.filter(home=_home(request)), code=code)


def _back(request: HttpRequest) -> HttpResponse:
    return redirect("everyone" if asker(request).is_admin else "people")
