"""The forms of people: inviting a colleague and taking up an invitation."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from portal.models import Invitation, User


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Without the empty choice that a select would need.
        self.fields["role"].choices = Invitation._meta.get_field("role").choices
        self.fields["role"].initial = User.Role.STAFF

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("이 주소를 쓰는 계정이 이미 있습니다."))
        return email


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
