"""Any relative may object. From then on nothing is approved or handed out, until staff have settled it and said how."""

from uuid import UUID

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders import drafting, hangul, production, telling
from orders.models import Objection, Order
from portal import audit
from portal.access import client_address
from portal.models import User


class _Tidy(forms.CharField):
    def to_python(self, value: object) -> str:
        return hangul.tidy(super().to_python(value) or "")


class ObjectionForm(forms.Form):
    """Who objects to what; the same for a relative on the phone and for staff who were told."""

    name = _Tidy(
        label=_("성함"),
        max_length=60,
        error_messages={"required": _("성함을 적어 주세요."), "max_length": _("성함이 너무 깁니다.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    relationship = _Tidy(
        label=_("관계"),
        max_length=30,
        help_text=_("예: 딸, 형제, 본인"),
        error_messages={"required": _("관계를 적어 주세요."), "max_length": _("관계를 더 짧게 적어 주세요.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    contact = _Tidy(
        label=_("연락처"),
        max_length=60,
        required=False,
        help_text=_("답을 듣고 싶으시면 적어 주세요. 비워 두셔도 됩니다."),
        error_messages={"max_length": _("연락처를 더 짧게 적어 주세요.")},
        widget=forms.TextInput(attrs={"autocomplete": "tel"}),
    )
    reason = forms.CharField(
        label=_("말씀하실 내용"),
        max_length=Objection.LONGEST_REASON,
        help_text=_("짧게 적으셔도 됩니다."),
        error_messages={
            "required": _("말씀하실 내용을 적어 주세요."),
            "max_length": _("%(limit_value)d자까지 적을 수 있습니다."),
        },
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ResolutionForm(forms.Form):
    """How staff settled it."""

    resolution = forms.CharField(
        label=_("어떻게 정했는지"),
        max_length=Objection.LONGEST_REASON,
        help_text=_("누구와 이야기해 어떻게 하기로 했는지 적어 주세요. 기록에 남습니다."),
        error_messages={
            "required": _("어떻게 정했는지 적어 주세요."),
            "max_length": _("%(limit_value)d자까지 적을 수 있습니다."),
        },
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def record(order: Order, form: ObjectionForm, *, by: User | None, request: HttpRequest) -> Objection:
    """Keep a relative's word, from a form that is valid; without ``by`` the relative said it on the family's page.

    Raises Http404 for an order that was erased meanwhile.
    """
    with transaction.atomic():
        order = drafting.held(by, order.code) if by else production.locked(order)
        if order.erased_at:
            # A name written now would be found by no erasure any more.
            raise Http404
        is_first = not order.objections.standing().exists()
        objection = Objection.objects.create(
            order=order,
            address=client_address(request),
            user_agent=request.headers.get("User-Agent", "")[:255],
            recorded_by=by,
            **form.cleaned_data,
        )
        audit.record(
            "objection.recorded",
            by=by or "family",
            home=order.home,
            subject=order.code,
            request=request,
            objection=str(objection.code),
        )
        # Once: everything waits already, and the order's page shows each.
        if is_first:
            telling.tell_staff(order, telling.OBJECTION, but=by)
    return objection


def settle(order: Order, code: UUID, resolution: str, *, by: User, request: HttpRequest) -> bool:
    """Write down how it was settled; false if somebody else has done so. Raises Http404."""
    with transaction.atomic():
        order = drafting.held(by, order.code)
        objection = get_object_or_404(order.objections, code=code)
        standing = order.objections.standing().filter(pk=objection.pk)
        if not standing.update(resolved_at=timezone.now(), resolved_by=by, resolution=resolution):
            return False
        audit.record(
            "objection.settled",
            by=by,
            home=order.home,
            subject=order.code,
            request=request,
            objection=str(objection.code),
        )
    return True
