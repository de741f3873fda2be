"""The forms of people: inviting a colleague and taking up an invitation."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from portal.models import Company, FuneralHome, Invitation, User


class InviteForm(forms.ModelForm):
    class Meta:
        model = Invitation
        fields = ["email", "role"]
        labels = {"email": _("이메일"), "role": _("하는 일")}
        help_texts = {"role": _("관리자는 의뢰를 다루는 것에 더해 직원을 초대하고 멈출 수 있습니다.")}
        widgets = {
            "email": forms.EmailInput(attrs={"autocomplete": "off", "placeholder": "name@example.com"}),
            "role": forms.RadioSelect(attrs={"class": "segmented"}),
        }

    def __init__(self, *args: Any, home: FuneralHome, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.home = home
        # Without the empty choice that a select would need.
        self.fields["role"].choices = [(role.value, role.label) for role in User.HOME_ROLES]
        self.fields["role"].initial = User.Role.STAFF

    def clean_email(self) -> str:
        """Whoever has an account elsewhere is invited like whoever has none: a home learns nothing of the others."""
        email: str = self.cleaned_data["email"].lower()
        if self.home.memberships.filter(user__email__iexact=email).exists():
            raise forms.ValidationError(_("이미 이곳에서 일하는 분입니다."))
        return email


class RoleAndHomeForm(forms.Form):
    """Any role, and for the people of a home which one."""

    role = forms.ChoiceField(label=_("하는 일"), choices=User.Role.choices, initial=User.Role.STAFF)
    home = forms.ModelChoiceField(
        FuneralHome.objects.filter(is_active=True),
        label=_("장례식장"),
        required=False,
        to_field_name="code",
        empty_label=_("없음 (검수·운영·총괄)"),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("role") in User.HOME_ROLES and not given.get("home"):
            self.add_error("home", _("담당자와 관리자는 일할 장례식장을 골라 주세요."))
        if "role" in given and given["role"] not in User.HOME_ROLES and given.get("home"):
            self.add_error("home", _("검수, 운영, 총괄은 어느 장례식장에도 속하지 않습니다. ‘없음’을 골라 주세요."))
        return given


class InviteAnyoneForm(RoleAndHomeForm):
    """An admin's."""

    email = forms.EmailField(
        label=_("이메일"), widget=forms.EmailInput(attrs={"autocomplete": "off", "placeholder": "name@example.com"})
    )
    field_order = ["email", "role", "home"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = User.Role.MANAGER

    def clean_email(self) -> str:
        """An admin, who sees everybody, gives them another place on their own page."""
        email: str = self.cleaned_data["email"].lower()
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("이 주소를 쓰는 계정이 이미 있습니다."))
        return email


class HomeForm(forms.ModelForm):
    class Meta:
        model = FuneralHome
        fields = ["name", "company", "phone"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "phone": forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel", "placeholder": "02-0000-0000"}),
        }
        error_messages = {"name": {"unique": _("같은 이름의 장례식장이 이미 있습니다.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["company"].empty_label = _("없음")


class CompanyForm(forms.ModelForm):
    prefix = "company"

    class Meta:
        model = Company
        fields = ["name"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off"})}
        error_messages = {"name": {"unique": _("같은 이름의 상조회사가 이미 있습니다.")}}


class PlaceForm(RoleAndHomeForm):
    """Another place for somebody who has a login already."""

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        place = {"home": given["home"]} if given.get("home") else {"home": None, "role": given.get("role")}
        if self.person.memberships.filter(**place).exists():
            raise forms.ValidationError(_("이미 그곳에서 일합니다. 역할을 바꾸시려면 먼저 빼고 다시 더해 주세요."))
        return given


class JoinForm(forms.Form):
    name = forms.CharField(
        label=_("이름"), max_length=40, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True})
    )
    password = forms.CharField(
        label=_("비밀번호"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("열 자가 넘는 문장이 외우기 쉽고 안전합니다. 다른 곳에서 쓰는 비밀번호는 피해 주세요."),
    )
    again = forms.CharField(
        label=_("비밀번호 한 번 더"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        newcomer = User(email=self.invitation.email, name=self.cleaned_data.get("name", ""))
        validate_password(password, newcomer)
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "password" in cleaned and cleaned.get("again") != cleaned["password"]:
            self.add_error("again", _("두 비밀번호가 서로 다릅니다."))
        return cleaned
