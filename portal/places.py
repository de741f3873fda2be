"""Where somebody works: going over to another place of one's own, and an admin's page of one person.

There an admin also helps whoever lost their phone: second factors removed, every login ended, written down and mailed.
"""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portal import audit, second_factor, sessions
from portal.access import asker, for_roles, recently_authenticated
from portal.forms import PlaceForm
from portal.models import Membership, User


@require_POST
@login_required
def place_switch(request: HttpRequest, code: UUID) -> HttpResponse:
    user = asker(request)
    place = get_object_or_404(user.memberships.select_related("home"), code=code)
    left = user.home
    with transaction.atomic():
        if user.work_at(place):
            audit.record("place.switched", by=user, home=place.home, subject=user.code, request=request, role=user.role)
            if left:
                audit.record("place.left", by=user, home=left, subject=user.code, request=request)
            messages.success(request, _("이제 %(place)s 화면입니다.") % {"place": place})
    return redirect("start")


@for_roles("admin")
@require_safe
def person(request: HttpRequest, code: UUID) -> HttpResponse:
    shown = _person(code)
    return _page(request, shown, PlaceForm(person=shown))


@for_roles("admin")
@require_POST
def place_add(request: HttpRequest, code: UUID) -> HttpResponse:
    given_to = _person(code)
    form = PlaceForm(request.POST, person=given_to)
    if not form.is_valid():
        return _page(request, given_to, form, status=422)
    with transaction.atomic():
        place = Membership.objects.create(user=given_to, **form.cleaned_data)
        _record(request, "place.given", given_to, place)
        if not given_to.may_log_in:  # their home was stopped
            given_to.work_at(place)
    messages.success(request, _("%(name)s 님이 일하는 곳을 더했습니다.") % {"name": given_to.name})
    return redirect("person", code=code)


@for_roles("admin")
@require_POST
def place_remove(request: HttpRequest, code: UUID, place_code: UUID) -> HttpResponse:
    taken_from = _person(code)
    place = get_object_or_404(taken_from.memberships.select_related("home"), code=place_code)
    with transaction.atomic():
        ended = place.end()
        if ended:
            _record(request, "place.taken", taken_from, place)
    if ended:
        messages.success(request, _("뺐습니다."))
    else:
        messages.error(request, _("한 곳은 남아 있어야 합니다. 더 일하지 않는 분이라면 계정을 멈춰 주세요."))
    return redirect("person", code=code)


@for_roles("admin")
@require_POST
@recently_authenticated
def second_factor_reset(request: HttpRequest, code: UUID) -> HttpResponse:
    """For whoever lost their phone, once the admin knows that it is they; never for oneself."""
    lost = _person(code)
    if lost == asker(request):
        messages.error(request, _("본인의 2단계 인증은 ‘2단계 인증’ 화면에서 바꾸실 수 있습니다."))
        return redirect("person", code=code)
    with transaction.atomic():
        second_factor.remove_all(lost)
        audit.record("second_factor.reset", by=asker(request), home=lost.home, subject=lost.code, request=request)
        sessions.end(lost.open_logins.all(), by=asker(request), request=request)
    second_factor.tell_of_reset(lost)
    messages.success(request, _("%(name)s 님의 2단계 인증을 지우고 모든 기기에서 내보냈습니다.") % {"name": lost.name})
    return redirect("person", code=code)


def _page(request: HttpRequest, shown: User, form: PlaceForm, *, status: int = 200) -> HttpResponse:
    places = shown.memberships.select_related("home")
    return render(request, "portal/person.html", {"person": shown, "places": places, "form": form}, status=status)


def _record(request: HttpRequest, action: str, person: User, place: Membership) -> None:
    audit.record(action, by=asker(request), home=place.home, subject=person.code, request=request, role=place.role)


def _person(code: UUID) -> User:
    return get_object_or_404(User.objects.select_related("home"), code=code)
