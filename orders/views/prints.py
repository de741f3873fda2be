"""Which prints a home wants: the usual sizes switched on and off, and its own. A manager decides."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from orders import hangul
from orders.finishing import prints
from orders.models import PrintPreset
from portal import audit
from portal.access import asker, for_roles
from portal.models import FuneralHome

MOST_OWN = 12
# Narrower than this is a banner, not a portrait.
LEAST_RATIO = 0.5


class OwnSize(forms.ModelForm):  # type: ignore[type-arg]  # Django's own class takes no argument while running
    """A size of the home's own, in millimetres."""

    class Meta:
        model = PrintPreset
        fields = ("label", "width", "height")
        help_texts = {"label": gettext_lazy("예: 우리 홀 액자"), "width": "", "height": gettext_lazy("50에서 610까지")}

    def clean_label(self) -> str:
        return hangul.tidy(self.cleaned_data["label"])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        width, height = given.get("width"), given.get("height")
        if width and height and not LEAST_RATIO <= width / height <= 1 / LEAST_RATIO:
            raise ValidationError(
                _("가로와 세로의 차이가 너무 큽니다. 긴 쪽이 짧은 쪽의 두 배를 넘지 않게 적어 주세요.")
            )
        return given


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles("manager")
def home_settings(request: HttpRequest) -> HttpResponse:
    """The home's print sizes; what is ticked is made of every portrait that is approved from now on."""
    if request.method != "POST":
        return _page(request, OwnSize())
    home = _home(request)
    presets = prints.presets_of(home)
    # What is not the name of a size would stand in the audit for ever.
    sizes = {preset.key for preset in presets}
    wanted, pdf = (sizes.intersection(request.POST.getlist(name)) for name in ("wanted", "pdf"))
    if not any(preset.key in wanted for preset in presets):
        messages.error(request, _("적어도 한 가지 크기는 골라 주세요."))
        return redirect("home_settings")
    with transaction.atomic():
        for preset in presets:
            PrintPreset.objects.update_or_create(
                home=home,
                key=preset.key,
                defaults={"is_wanted": preset.key in wanted, "with_pdf": preset.key in pdf},
                create_defaults={
                    "label": str(preset.label),
                    "width": preset.width,
                    "height": preset.height,
                    "is_wanted": preset.key in wanted,
                    "with_pdf": preset.key in pdf,
                },
            )
        _record(request, "prints.chosen", wanted=sorted(wanted), pdf=sorted(pdf))
    messages.success(request, _("인쇄 크기를 저장했습니다. 다음에 승인되는 영정사진부터 이대로 만듭니다."))
    return redirect("home_settings")


@require_POST
@for_roles("manager")
def print_size_add(request: HttpRequest) -> HttpResponse:
    form = OwnSize(request.POST)
    home = _home(request)
    if form.is_valid() and home.print_presets.filter(key__startswith="own-").count() >= MOST_OWN:
        form.add_error(None, _("크기는 %(count)d가지까지 더할 수 있습니다.") % {"count": MOST_OWN})
    if not form.is_valid():
        return _page(request, form, status=422)
    with transaction.atomic():
        preset = form.save(commit=False)
        preset.home, preset.key = home, f"own-{get_random_string(8).lower()}"
        preset.save()
        _record(request, "prints.added", key=preset.key, width=str(preset.width), height=str(preset.height))
    messages.success(request, _("‘%(label)s’ 크기를 더했습니다.") % {"label": preset.label})
    return redirect("home_settings")


@require_POST
@for_roles("manager")
def print_size_remove(request: HttpRequest, key: str) -> HttpResponse:
    """Take a size of the home's own away; the usual ones can only be left unticked."""
    with transaction.atomic():
        gone, _rows = PrintPreset.objects.filter(home=_home(request), key=key, key__startswith="own-").delete()
        if gone:
            _record(request, "prints.removed", key=key)
    if gone:
        messages.success(request, _("크기를 뺐습니다."))
    return redirect("home_settings")


@require_POST
@for_roles("manager")
def home_family(request: HttpRequest) -> HttpResponse:
    """Whether this home's families choose among what a reviewer picked."""
    home = _home(request)
    home.family_chooses = request.POST.get("family_chooses") == "yes"
    with transaction.atomic():
        home.save(update_fields=["family_chooses"])
        _record(request, "home.family_chooses", chosen=home.family_chooses)
    messages.success(request, _("저장했습니다."))
    return redirect("home_settings")


def _page(request: HttpRequest, form: OwnSize, *, status: int = 200) -> HttpResponse:
    home = _home(request)
    context = {"home": home, "presets": prints.presets_of(home), "form": form, "here": "settings"}
    return render(request, "orders/home_settings.html", context, status=status)


def _home(request: HttpRequest) -> FuneralHome:
    return cast(FuneralHome, asker(request).home)


def _record(request: HttpRequest, action: str, **details: Any) -> None:
    home = _home(request)
    audit.record(action, by=asker(request), home=home, subject=home.code, request=request, **details)
