"""How long data are kept and how they end: an order's dates, hold, erasure and certificate; a home's periods."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders import certificate, hangul, history, looking, retention, retention_clock
from orders.models import Erasure, Order
from portal import audit, given
from portal.access import asker, for_roles, recently_authenticated
from portal.models import FuneralHome, User

SHOWN = 100
SHOWN_AHEAD = timedelta(days=31)
LONGEST_REASON = 200


class Periods(forms.ModelForm):  # type: ignore[type-arg]  # Django's own class takes no argument while running
    class Meta:
        model = FuneralHome
        fields = ("keep_source_days", "keep_file_days", "keep_draft_days", "link_days")
        help_texts = {
            "keep_source_days": gettext_lazy("전달과 발인이 모두 지난 뒤부터 셉니다."),
            "keep_file_days": gettext_lazy(
                "전달과 발인이 모두 지난 뒤부터 셉니다. 열린 전달 링크가 있으면 그때까지 둡니다."
            ),
            "keep_draft_days": gettext_lazy("마지막으로 고친 날이나 취소한 날부터 셉니다."),
            "link_days": gettext_lazy("발인부터 셉니다. 이미 보낸 링크의 기한은 그대로입니다."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            cast(forms.IntegerField, field).min_value = 1
            field.validators.append(_between_a_day_and_years)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("keep_file_days", 1) < given.get("keep_source_days", 0):
            self.add_error(
                "keep_file_days", _("완성 파일은 사진과 후보보다 먼저 파기할 수 없습니다. 더 긴 날수를 적어 주세요.")
            )
        return given


def _between_a_day_and_years(days: int) -> None:
    if not 1 <= days <= 3650:
        raise ValidationError(_("1일부터 3650일까지 적을 수 있습니다."))


class Ending(forms.Form):
    """What a manager says who erases at hand."""

    why = forms.ChoiceField(
        label=gettext_lazy("사유"),
        choices=[(each.value, each.label) for each in (Erasure.Why.REQUESTED, Erasure.Why.BY_HAND)],
    )
    reason = forms.CharField(
        label=gettext_lazy("설명"),
        max_length=LONGEST_REASON,
        help_text=gettext_lazy("파기 확인서에 그대로 남습니다. 성함이나 전화번호는 적지 말아 주세요."),
    )


class Holding(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("보존 사유"),
        max_length=LONGEST_REASON,
        help_text=gettext_lazy("예: 수사기관의 자료 보존 요청 2026-123. 성함이나 전화번호는 적지 말아 주세요."),
    )


@for_roles("staff", "manager", "admin")
@require_safe
def keeping(request: HttpRequest, code: UUID) -> HttpResponse:
    """When this order's data go, and what stands against it."""
    return _page(request, _order(request, code))


@for_roles("manager", "admin")
@require_POST
def hold_place(request: HttpRequest, code: UUID) -> HttpResponse:
    order = _order(request, code)
    form = Holding(request.POST)
    if not form.is_valid():
        return _page(request, order, holding=form, status=422)
    reason = hangul.tidy(form.cleaned_data["reason"])
    if retention.place_hold(order, reason=reason, by=asker(request), request=request):
        messages.success(request, _("법적 보존을 걸었습니다. 풀기 전에는 아무것도 파기하지 않습니다."))
    else:
        messages.error(request, _("이미 파기한 의뢰입니다."))
    return redirect("orders:keeping", code=code)


@for_roles("manager", "admin")
@require_POST
def hold_lift(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """What is due goes within the hour after it, so it is asked who does it."""
    return _lift(request, _order(request, code))


@recently_authenticated
def _lift(request: HttpRequest, order: Order) -> HttpResponse:
    if retention.lift_hold(order, by=asker(request), request=request):
        messages.success(request, _("법적 보존을 풀었습니다. 기한이 지난 자료는 한 시간 안에 파기합니다."))
    return redirect("orders:keeping", code=order.code)


@for_roles("manager")
@require_POST
def erase(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """Erase everything now. The page has asked twice; the password is asked for an order of one's own alone."""
    return _erase(request, _order(request, code))


@recently_authenticated
def _erase(request: HttpRequest, order: Order) -> HttpResponse:
    form = Ending(request.POST)
    if not form.is_valid():
        return _page(request, order, ending=form, status=422)
    try:
        retention.begin_erasure(
            order,
            why=form.cleaned_data["why"],
            reason=hangul.tidy(form.cleaned_data["reason"]),
            by=asker(request),
            request=request,
        )
    except retention.OnHold as held:
        messages.error(request, held.sentence)
    else:
        messages.success(request, _("파기를 시작했습니다. 잠시 뒤 파기 확인서에서 결과를 볼 수 있습니다."))
    return redirect("orders:keeping", code=order.code)


@for_roles("staff", "manager", "admin")
@require_safe
def destruction_certificate(request: HttpRequest, code: UUID) -> HttpResponse:
    """파기 확인서, to be printed on A4."""
    erasure = get_object_or_404(
        Erasure.objects.select_related("home", "order__source_removal"), order=_order(request, code)
    )
    return render(request, "orders/certificate.html", {"erasure": erasure, "said": certificate.of(erasure)})


@for_roles("manager", "admin")
@require_http_methods(["GET", "HEAD", "POST"])
def periods(request: HttpRequest) -> HttpResponseBase:
    """A home's periods, and what goes next: the dry run as a page. For an admin, holds and what is not finished."""
    home = asker(request).home
    if home and request.method == "POST":
        return _save_periods(request, home)
    if code := given.code(request.GET.get("code", "")):
        return redirect("orders:keeping", code=code)
    return _periods_page(request, Periods(instance=home) if home else None)


@recently_authenticated
def _save_periods(request: HttpRequest, home: FuneralHome) -> HttpResponse:
    """`agreed`: how many orders somebody was told would be due at once; where there are more it is asked again."""
    form = Periods(request.POST, instance=home)
    if not form.is_valid():
        return _periods_page(request, form, status=422)
    with transaction.atomic():
        due_before = retention_clock.due_of(home)
        form.save()
        newly_due = len(retention_clock.due_of(home) - due_before)
        if newly_due <= (given.whole(request.POST.get("agreed", ""), digits=6) or 0):
            said = {name: form.cleaned_data[name] for name in form.changed_data}
            audit.record(
                "home.periods_changed", by=asker(request), home=home, subject=home.code, request=request, **said
            )
            messages.success(request, _("보관 기간을 저장했습니다."))
            return redirect("periods")
        transaction.set_rollback(True)
    return _periods_page(request, form, status=422, newly_due=newly_due)


def _periods_page(request: HttpRequest, form: Periods | None, *, status: int = 200, newly_due: int = 0) -> HttpResponse:
    user = asker(request)
    if user.home:
        user.home.refresh_from_db()
    erasures = Erasure.objects.select_related("order", "home")
    erasures = erasures.filter(home=user.home) if user.home else erasures.filter(finished_at=None)
    coming = _coming(user.home) if user.home else []
    held = retention_clock.held(user.home)[:SHOWN]
    if user.home:
        looking.note_list("periods.read", [clock.order for clock in (*coming, *held)], request)
    context = {
        "form": form,
        "newly_due": newly_due,
        "now": timezone.now(),
        "coming": coming,
        "held": held,
        "erasures": erasures[:SHOWN],
        "here": "settings" if user.home else "periods",
    }
    return render(request, "orders/periods.html", context, status=status)


def _coming(home: FuneralHome) -> list[retention_clock.Clock]:
    return retention_clock.coming(home, until=timezone.now() + SHOWN_AHEAD, at_most=SHOWN)


def _order(request: HttpRequest, code: UUID) -> Order:
    """An admin finds any by its code, and sees no name on these pages."""
    user = asker(request)
    seen = Order.objects.all() if user.role == User.Role.ADMIN else Order.objects.for_user(user)
    return get_object_or_404(seen.select_related("home"), code=code)


def _page(request: HttpRequest, order: Order, *, status: int = 200, **forms_: Any) -> HttpResponse:
    user = asker(request)
    if user.works_at_home and not order.erased_at:
        looking.note("order.read", order, request)
    context = {
        "order": order,
        "name": order.person if user.works_at_home else "",
        "clock": retention_clock.of(order),
        "hold": order.holds.standing().select_related("placed_by").first(),
        "erasure": Erasure.objects.filter(order=order).first(),
        "history": [] if not order.erased_at else history.of(order),
        "may_hold": user.role in (User.Role.MANAGER, User.Role.ADMIN),
        "may_erase": user.is_manager,
        "holding": Holding(),
        "ending": Ending(),
        "here": "desk" if user.works_at_home else "periods",
    }
    return render(request, "orders/keeping.html", context | forms_, status=status)
