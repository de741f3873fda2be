"""The words of consent, for who answers for them: a manager writes the home's own, an admin the portal's."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from orders import consent_texts
from orders.models import ConsentText, Order
from portal.access import asker, for_roles
from portal.models import FuneralHome

WHOSE = {"own": True, "portal": False}


@for_roles("manager", "admin")
@require_safe
def texts(request: HttpRequest) -> HttpResponse:
    """What is asked with now in both paths, and every version there ever was."""
    home = asker(request).home
    shown = []
    for made_for, title in consent_texts.paths():
        own = list(ConsentText.objects.of(home, made_for).select_related("created_by")) if home else []
        portals = list(ConsentText.objects.of(None, made_for).select_related("created_by"))
        shown.append({"made_for": made_for, "title": title, "own": own, "portals": portals, "now": (own or portals)[0]})
    return render(request, "orders/consent_texts.html", {"paths": shown, "home": home, "here": "settings"})


@for_roles("manager", "admin")
@require_safe
def text(request: HttpRequest, whose: str, made_for: str, version: int) -> HttpResponse:
    """One version as it was published."""
    home = _owner(request, whose)
    found = get_object_or_404(ConsentText.objects.of(home, _path(made_for)), version=version)
    return render(request, "orders/consent_text.html", {"text": found, "home": home, "here": "settings"})


@for_roles("manager", "admin")
@require_http_methods(["GET", "HEAD", "POST"])
def text_new(request: HttpRequest, made_for: str) -> HttpResponse:
    """Write, see it as families will, publish: `step` says which. Nothing is kept before it is published."""
    home, now = asker(request).home, consent_texts.current(asker(request).home, _path(made_for))
    portals = consent_texts.current(None, made_for)
    if request.method != "POST":
        begin = portals if "portal" in request.GET else now
        return _writing(request, made_for, consent_texts.ConsentTextForm.of(begin, portals), now.sha256)
    form = consent_texts.ConsentTextForm(request.POST)
    begun_with = request.POST.get("begun_with", "")
    if not form.is_valid():
        return _writing(request, made_for, form, begun_with, status=422)
    written = form.text(home, made_for)
    step = request.POST.get("step")
    if step == "edit":
        return _writing(request, made_for, form, begun_with)
    if step != "publish":
        context = {"text": written, "form": form, "begun_with": begun_with, "made_for": made_for, "here": "settings"}
        return render(request, "orders/consent_text_preview.html", context)
    try:
        consent_texts.publish(written, begun_with=begun_with, by=asker(request), request=request)
    except consent_texts.Stale:
        form.add_error(None, _("그사이 다른 분이 새 문구를 냈습니다. 그 문구를 읽어 보신 뒤 다시 고쳐 주세요."))
        return _writing(request, made_for, form, consent_texts.current(home, made_for).sha256, status=409)
    messages.success(request, _("새 문구를 냈습니다. 지금부터 이 문구로 여쭙니다. 이미 받은 동의는 그대로입니다."))
    return redirect("orders:consent_texts")


def _writing(request: HttpRequest, made_for: str, form: Any, begun_with: str, *, status: int = 200) -> HttpResponse:
    title = dict(consent_texts.paths())[made_for]
    context = {"form": form, "made_for": made_for, "title": title, "begun_with": begun_with, "here": "settings"}
    return render(request, "orders/consent_text_new.html", context, status=status)


def _path(made_for: str) -> str:
    if made_for not in Order.For.values:
        raise Http404
    return made_for


def _owner(request: HttpRequest, whose: str) -> FuneralHome | None:
    """Their own home's words, or the portal's, which everybody here may read."""
    home = asker(request).home
    if whose not in WHOSE or (WHOSE[whose] and home is None):
        raise Http404
    return home if WHOSE[whose] else None
