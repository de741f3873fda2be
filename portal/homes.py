"""Funeral homes, for an admin: adding one, changing what it is called, closing it and opening it again."""

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
from portal.forms import HomeForm
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


def _page(request: HttpRequest, form: HomeForm, *, status: int = 200) -> HttpResponse:
    listed = FuneralHome.objects.annotate(people_count=Count("people", filter=Q(people__is_active=True)))
    page = Paginator(listed.order_by("-is_active", "name"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/homes.html", {"form": form, "page": page}, status=status)


def _set_active(request: HttpRequest, home: FuneralHome, *, active: bool) -> bool:
    with transaction.atomic():
        changed = FuneralHome.objects.filter(pk=home.pk, is_active=not active).update(is_active=active)
        if changed:
            _record(request, "home.resumed" if active else "home.stopped", home)
    return changed == 1


def _record(request: HttpRequest, action: str, home: FuneralHome, **details: object) -> None:
    audit.record(action, by=asker(request), home=home, subject=home.code, request=request, **details)


def _home(code: UUID) -> FuneralHome:
    return get_object_or_404(FuneralHome, code=code)


def _object(home: FuneralHome) -> str:
    return josa(home.name, "을/를")
