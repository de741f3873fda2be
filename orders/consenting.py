"""What a family agrees to and takes back, at the desk or by a link: which words, who, how, when and from where."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import drafting, files, hangul, intake, production, retention, signatures, telling
from orders.models import Consent, ConsentText, FamilyLink, Order
from portal import audit
from portal.access import client_address
from portal.given import words
from portal.models import User

LONGEST_WISHES = 1000
LARGEST_PDF = 20 * 1024 * 1024
OVER = gettext_lazy("취소되었거나 보관이 끝난 의뢰에는 동의를 기록할 수 없습니다.")


class NotRecorded(Exception):
    """Sentences by field; nothing was kept."""

    def __init__(self, errors: Mapping[str, str | Promise]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


class AlreadyAnswered(Exception):
    """Somebody else answered by the same link first; nothing was kept."""


def text_for(order: Order) -> ConsentText:
    """The newest words of the order's path that its home asks with."""
    return ConsentText.objects.asked_by(order.home, order.made_for)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was filled in. ``text_sha256`` is of the words that were shown."""

    text_sha256: str
    signer_name: str = ""
    relationship: str = ""
    known_wishes: str = ""
    method: str = ""
    # A drawn signature, as a canvas gives it: data:image/png;base64,…
    signature: str = ""
    scope: list[str] = field(default_factory=list)
    scan: "UploadedFile[Any] | None" = None
    # Why a scan that was sent is not here.
    scan_dropped: Sequence[intake.Refusal] = ()

    @classmethod
    def of(cls, request: HttpRequest, *, scan_dropped: Sequence[intake.Refusal] = ()) -> "Answer":
        given = request.POST
        return cls(
            text_sha256=given.get("text", ""),
            signer_name=hangul.tidy(given.get("signer_name", "")),
            relationship=hangul.tidy(given.get("relationship", "")),
            known_wishes=words(given.get("known_wishes", "")),
            method=given.get("method", ""),
            signature=given.get("signature", ""),
            scope=given.getlist("scope"),
            scan=request.FILES.get("scan"),
            scan_dropped=scan_dropped,
        )

    @classmethod
    def of_family(cls, request: HttpRequest) -> "Answer":
        """As the family's own page sends it: a drawn signature, or the typed name in its place; never a scan."""
        signature = request.POST.get("signature", "")
        typed = Consent.Method.TYPED.value if request.POST.get("typed") else ""
        method = Consent.Method.SIGNED.value if signature else typed
        return replace(cls.of(request), signature=signature, method=method, scan=None)

    def to(self, text: ConsentText) -> "Answer":
        """What of it may stand filled in beside these words: of an answer to others no tick and no signature."""
        return self if self.text_sha256 == text.sha256 else replace(self, scope=[], method="", signature="")


def record(order: Order, answer: Answer, *, by: User | FamilyLink, request: HttpRequest) -> Consent:
    """Keep one answer as the order's standing consent; an earlier one gives way to it.

    ``by``: who recorded it at the desk, or the link by which the family gave it themselves, which is then used up.
    Raises NotRecorded, AlreadyAnswered, or Http404 for whoever may not see the order. What a scan or a signature shows
    is kept before the row.
    """
    text = text_for(order)
    if errors := _errors(order, text, answer, by=by):
        raise NotRecorded(errors)
    code = uuid4()
    evidence = _keep_evidence(f"{order.folder}/consents/{code}", answer)
    try:
        with transaction.atomic():
            order = drafting.held(by, order.code) if isinstance(by, User) else production.locked(order)
            if order.is_over:
                raise NotRecorded({"all": OVER})
            if isinstance(by, FamilyLink) and not by.count_use():
                raise AlreadyAnswered
            order.consents.standing().update(superseded_at=timezone.now())
            consent = Consent.objects.create(
                code=code,
                order=order,
                text=text,
                text_sha256=text.sha256,
                scope=[box["key"] for box in text.boxes if box["key"] in answer.scope],
                signer_name=answer.signer_name,
                relationship=answer.relationship,
                known_wishes=answer.known_wishes,
                method=answer.method,
                evidence=evidence[0],
                evidence_sha256=evidence[1],
                address=client_address(request),
                user_agent=request.headers.get("User-Agent", "")[:255],
                recorded_by=by if isinstance(by, User) else None,
                family_link=by if isinstance(by, FamilyLink) else None,
            )
            # It may cover less than the one before.
            production.keep_to_consent(order)
            audit.record(
                "consent.recorded",
                by=by if isinstance(by, User) else "family",
                home=order.home,
                subject=order.code,
                request=request,
                consent=str(consent.code),
                scope=consent.scope,
                method=consent.method,
                text=text.sha256,
            )
    except BaseException:
        files.remove(evidence[0])
        raise
    return consent


class WithdrawalForm(forms.Form):
    """What a family takes back by itself cannot be undone, so a name is typed that a stray tap does not know."""

    name = forms.CharField(
        label=gettext_lazy("고인이나 동의하신 분의 성함"),
        max_length=60,
        help_text=gettext_lazy("되돌릴 수 없는 일이라 한 번 더 여쭙니다."),
        error_messages={"required": gettext_lazy("성함을 적어 주세요.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, order: Order) -> None:
        super().__init__(data)
        self.order = order
        if order.made_for == Order.For.LIVING:
            self.fields["name"].label = _("본인이나 동의하신 분의 성함")

    def clean_name(self) -> str:
        known = {self.order.name, *self.order.consents.standing().values_list("signer_name", flat=True)}
        name: str = self.cleaned_data["name"]
        if _without_spaces(name) not in {_without_spaces(each) for each in known if each}:
            raise ValidationError(_("적으신 성함이 다릅니다. 띄어 쓰지 않으셔도 되니 다시 적어 주세요."))
        return name


def _without_spaces(name: str) -> str:
    return "".join(hangul.tidy(name).split()).casefold()


def withdraw(order: Order, *, by: User | str, request: HttpRequest | None, reason: str = "") -> bool:
    """Take the consent back. False if none stood.

    In one transaction everything stops, every link is closed and the erasure begins. Under a legal hold all of it but
    the erasure, which follows when the hold is lifted.
    """
    with transaction.atomic():
        if not production.withdraw(order, by=by, reason=reason, request=request):
            return False
        if not isinstance(by, User):
            telling.tell_staff(order, telling.WITHDRAWAL)
        with suppress(retention.OnHold):
            retention.begin_erasure(order, why="withdrawn", by=by, request=request, reason=reason)
    return True


def _errors(order: Order, text: ConsentText, answer: Answer, *, by: User | FamilyLink) -> dict[str, str | Promise]:
    errors: dict[str, str | Promise] = {}
    if order.is_over:
        errors["all"] = OVER
    elif answer.text_sha256 != text.sha256:
        errors["all"] = _("동의 문구가 그사이 바뀌었습니다. 새 문구를 다시 읽고 확인해 주세요.")
    if not answer.signer_name:
        errors["signer_name"] = _("동의하시는 분의 성함을 적어 주세요.")
    elif len(answer.signer_name) > _longest("signer_name"):
        errors["signer_name"] = _("성함이 너무 깁니다.")
    if not answer.relationship:
        errors["relationship"] = _("고인과의 관계를 적어 주세요.")
    elif len(answer.relationship) > _longest("relationship"):
        errors["relationship"] = _("관계를 더 짧게 적어 주세요.")
    if len(answer.known_wishes) > LONGEST_WISHES:
        errors["known_wishes"] = _("%(most)d자까지 적을 수 있습니다.") % {"most": LONGEST_WISHES}
    if not text.required_keys <= set(answer.scope):
        errors["scope"] = _("AI로 얼굴을 만드는 일에 동의하지 않으시면 사진을 만들 수 없습니다.")
    if isinstance(by, User) and answer.method not in Consent.Method:
        errors["method"] = _("동의를 받은 방법을 골라 주세요.")
    elif isinstance(by, FamilyLink) and answer.method not in (Consent.Method.SIGNED, Consent.Method.TYPED):
        errors["method"] = _("서명하시거나, 성함으로 서명을 대신한다고 표시해 주세요.")
    elif answer.method == Consent.Method.SIGNED and not answer.signature:
        errors["method"] = _("칸 안에 서명해 주세요.")
    if answer.scan_dropped:
        errors["scan"] = intake.PhotoRefused(answer.scan_dropped[0]).sentence
    elif answer.method == Consent.Method.PAPER and not answer.scan:
        errors["scan"] = _("서명하신 동의서를 찍거나 스캔해 올려 주세요.")
    return errors


def _longest(name: str) -> int:
    return Consent._meta.get_field(name).max_length or 0  # type: ignore[union-attr]  # of plain fields only


def _keep_evidence(folder: str, answer: Answer) -> tuple[str, str]:
    """The stored name and hex SHA-256 of what shows the consent; of a typed name there is none. Raises NotRecorded."""
    if answer.method == Consent.Method.PAPER and answer.scan:
        return _keep_scan(folder, answer.scan)
    if answer.method != Consent.Method.SIGNED:
        return "", ""
    try:
        data = signatures.drawn(answer.signature)
    except signatures.NotASignature as not_one:
        raise NotRecorded({"method": not_one.sentence}) from not_one
    name = f"{folder}/signature.png"
    files.write(name, data)
    return name, hashlib.sha256(data).hexdigest()


def _keep_scan(folder: str, scan: "UploadedFile[Any]") -> tuple[str, str]:
    """The stored name and hex SHA-256 of a signed paper: a PDF as it came, a picture as a bare master."""
    stream = cast(BinaryIO, scan)
    if stream.read(5) == b"%PDF-":
        if (scan.size or 0) > LARGEST_PDF:
            raise NotRecorded({"scan": _("PDF 파일은 20 MB까지 올릴 수 있습니다.")})
        stream.seek(0)
        data = stream.read()
        name = f"{folder}/paper.pdf"
        files.write(name, data)
        return name, hashlib.sha256(data).hexdigest()
    stream.seek(0)
    try:
        received = intake.receive(stream, folder=folder)
    except intake.PhotoRefused as refused:
        raise NotRecorded({"scan": refused.sentence}) from refused
    files.remove(*received.previews.values())
    return received.master, received.sha256
