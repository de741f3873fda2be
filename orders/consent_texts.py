"""Writing a new version of the words that families are asked with, and publishing it. Old versions stay as they are.

The boxes are those that the portal acts on: each stands by itself, and only the showcase may be left out.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import hangul
from orders.models import Consent, ConsentText, Order
from portal import audit
from portal.models import FuneralHome, User

LONGEST_PREAMBLE = 3000
LONGEST_TITLE, LONGEST_PART = 120, 600
PARTS = {
    "title": gettext_lazy("묻는 말"),
    "purpose": gettext_lazy("목적"),
    "items": gettext_lazy("항목"),
    "period": gettext_lazy("기간"),
    "refusal": gettext_lazy("거부하실 권리와 거부하시면 어떻게 되는지"),
}
BOXES = {
    Consent.LIKENESS: gettext_lazy("AI로 모습을 만드는 일 (필수)"),
    Consent.OTHERS: gettext_lazy("사진에 함께 나온 다른 분 (선택)"),
    Consent.SHOWCASE: gettext_lazy("견본으로 보여 주는 일 (선택)"),
}
# Whom the photos are entrusted to, in the order of the chain, and that an answer may be taken back.
MUST_NAME = ("장례식장", "ConnectDream", "GPU", "철회")


class Stale(Exception):
    """Somebody else published a version after this one was begun; nothing was published."""


class ConsentTextForm(forms.Form):
    """All the words of one path."""

    preamble = forms.CharField(
        label=gettext_lazy("머리말"),
        max_length=LONGEST_PREAMBLE,
        help_text=gettext_lazy(
            "한 줄이 한 문단입니다. 사진과 정보를 누구에게 맡기는지(장례식장 → ConnectDream → GPU 클라우드)와 "
            "언제든 철회할 수 있다는 말이 있어야 합니다."
        ),
        error_messages={
            "required": gettext_lazy("머리말을 적어 주세요."),
            "max_length": gettext_lazy("%(limit_value)d자까지 적을 수 있습니다."),
        },
        widget=forms.Textarea(attrs={"rows": 8, "lang": "ko"}),
    )
    showcase = forms.BooleanField(label=gettext_lazy("견본으로 보여 주는 일도 따로 여쭙니다"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key in BOXES:
            for part, label in PARTS.items():
                self.fields[f"{key}_{part}"] = _words(label, LONGEST_TITLE if part == "title" else LONGEST_PART)

    @classmethod
    def of(cls, text: ConsentText, fallback: ConsentText) -> "ConsentTextForm":
        """Filled in with a version; a box that it does not ask has the words of ``fallback``."""
        words = _initial(fallback) | _initial(text)
        words["showcase"] = any(box["key"] == Consent.SHOWCASE for box in text.boxes)
        return cls(initial=words)

    def clean_preamble(self) -> str:
        lines = [hangul.tidy(line) for line in self.cleaned_data["preamble"].splitlines()]
        preamble = "\n".join(line for line in lines if line)
        if missing := [word for word in MUST_NAME if word not in preamble]:
            raise ValidationError(_("머리말에 다음 말이 빠졌습니다: %(words)s"), params={"words": ", ".join(missing)})
        return preamble

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        for name in self._asked(given):
            if not given.get(name) and name not in self.errors:
                self.add_error(name, _("비워 둘 수 없습니다."))
        return given

    def sections(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """[(key, heading, its fields)] of the boxes."""
        return [(key, str(heading), [self[f"{key}_{part}"] for part in PARTS]) for key, heading in BOXES.items()]

    def text(self, home: FuneralHome | None, made_for: str) -> ConsentText:
        """The version that these words would be, not published yet; of a form that is valid."""
        given = self.cleaned_data
        boxes = [
            {"key": key, "required": key == Consent.LIKENESS} | {part: given[f"{key}_{part}"] for part in PARTS}
            for key in self._keys(given)
        ]
        text = ConsentText(home=home, made_for=made_for, preamble=given["preamble"], boxes=boxes)
        text.sha256 = text.digest()
        return text

    def _keys(self, given: dict[str, Any]) -> list[str]:
        return [key for key in BOXES if key != Consent.SHOWCASE or given.get("showcase")]

    def _asked(self, given: dict[str, Any]) -> list[str]:
        return [f"{key}_{part}" for key in self._keys(given) for part in PARTS]


class _Line(forms.CharField):
    def to_python(self, value: object) -> str:
        return hangul.tidy(super().to_python(value) or "")


def _words(label: Any, longest: int) -> forms.Field:
    return _Line(
        label=label,
        max_length=longest,
        required=False,
        error_messages={"max_length": gettext_lazy("%(limit_value)d자까지 적을 수 있습니다.")},
        widget=forms.Textarea(attrs={"rows": 2, "lang": "ko"}),
    )


def _initial(text: ConsentText) -> dict[str, Any]:
    words: dict[str, Any] = {"preamble": text.preamble}
    for box in text.boxes:
        words |= {f"{box['key']}_{part}": box[part] for part in PARTS}
    return words


def current(home: FuneralHome | None, made_for: str) -> ConsentText:
    """The words that are asked with now, by the home or by every home that has none of its own."""
    if home is not None:
        return ConsentText.objects.asked_by(home, made_for)
    return ConsentText.objects.of(None, made_for)[0]


def publish(text: ConsentText, *, begun_with: str, by: User, request: HttpRequest) -> ConsentText:
    """Make it the words that are asked with from now on. ``begun_with``: the hash of the version it was written from.

    Raises Stale; words that are already asked with are published once.
    """
    home = text.home
    try:
        with transaction.atomic():
            now = current(home, text.made_for)
            if now.sha256 == text.sha256:
                return now
            if now.sha256 != begun_with:
                raise Stale
            newest = ConsentText.objects.of(home, text.made_for).first()
            text.version = newest.version + 1 if newest else 1
            text.created_by = by
            text.save()
            audit.record(
                "consent_text.published",
                by=by,
                home=home,
                request=request,
                made_for=text.made_for,
                version=text.version,
                text=text.sha256,
            )
    except IntegrityError as error:
        raise Stale from error
    return text


def paths() -> list[tuple[str, str]]:
    """[(made_for, whose words they are called)]."""
    return [(Order.For.DECEASED.value, _("고인을 위한 의뢰")), (Order.For.LIVING.value, _("생전 준비"))]
