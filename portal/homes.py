"""Funeral homes and their companies, for an admin: adding, changing what a home is called, closing and opening it."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import audit
from portal.access import asker, for_roles
from portal.forms import CompanyForm, HomeForm
from portal.models import FuneralHome
from portal.templatetags.portal_format import josa

PER_PAGE = 50


@for_roles("admin")
@require_safe
def homes(request: HttpRequest) -> HttpResponse:
    return _page(request, HomeForm())


@for_roles("admin")
@require_POST
def home_add(request: HttpRequest) -> HttpResponse:
    form = HomeForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    with transaction.atomic():
        home = form.save()
        _record(request, "home.added", home)
    messages.success(request, _("%(home)s 더했습니다. 이제 관리자를 초대해 주세요.") % {"home": _object(home)})
    return redirect("everyone")


@for_roles("admin")
@require_POST
def company_add(request: HttpRequest) -> HttpResponse:
    form = CompanyForm(request.POST)
    if not form.is_valid():
        return _page(request, HomeForm(), company_form=form, status=422)
    with transaction.atomic():
        company = form.save()
        audit.record("company.added", by=asker(request), subject=company.code, request=request)
    messages.success(request, _("%(company)s 더했습니다.") % {"company": josa(company.name, "을/를")})
    return redirect("homes")


@for_roles("admin")
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest, code: UUID) -> HttpResponse:
    changed = _home(code)
    name = changed.name
    form = HomeForm(request.POST or None, instance=changed)
    if form.is_valid():
        with transaction.atomic():
            form.save()
            _record(request, "home.changed", changed, fields=form.changed_data)
        messages.success(request, _("저장했습니다."))
        return redirect("homes")
    status = 422 if form.is_bound else 200
    return render(request, "portal/home.html", {"form": form, "home": changed, "name": name}, status=status)


@for_roles("admin")
@require_POST
def home_stop(request: HttpRequest, code: UUID) -> HttpResponse:
    """Its people are out with their next request; what families were given stays theirs."""
    stopped = _home(code)
    if _set_active(request, stopped, active=False):
        messages.success(
            request, _("%(home)s 멈췄습니다. 그곳 사람들의 화면도 바로 닫힙니다.") % {"home": _object(stopped)}
        )
    return redirect("homes")


@for_roles("admin")
@require_POST
def home_resume(request: HttpRequest, code: UUID) -> HttpResponse:
    resumed = _home(code)
    if _set_active(request, resumed, active=True):
        messages.success(request, _("%(home)s 다시 열었습니다.") % {"home": _object(resumed)})
    return redirect("homes")


def _page(
    request: HttpRequest, form: HomeForm, *, company_form: CompanyForm | None = None, status: int = 200
) -> HttpResponse:
    working = Count("memberships", filter=Q(memberships__user__is_active=True))
    listed = FuneralHome.objects.select_related("company").annotate(people_count=working)
    page = Paginator(listed.order_by("-is_active", "name"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "company_form": company_form or CompanyForm(), "page": page}
    return render(request, "portal/homes.html", context, status=status)


def _set_active(request: HttpRequest, home: FuneralHome, *, active: bool) -> bool:
    with transaction.atomic():
        changed = FuneralHome.objects.filter(pk=home.pk, is_active=not active).update(is_active=active)
        if changed:
            if not active:
                _send_to_their_other_places(home)
            _record(request, "home.resumed" if active else "home.stopped", home)
    return changed == 1


def _send_to_their_other_places(home: FuneralHome) -> None:
    """Whoever has another place goes on working there; the others cannot log in."""
    for person in home.people.all():
        if place := person.other_places.first():
            person.work_at(place)


def _record(request: HttpRequest, action: str, home: FuneralHome, **details: object) -> None:
    audit.record(action, by=asker(request), home=home, subject=home.code, request=request, **details)


def _home(code: UUID) -> FuneralHome:
    return get_object_or_404(FuneralHome, code=code)


def _object(home: FuneralHome) -> str:
    return josa(home.name, "을/를")
