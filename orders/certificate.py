"""What a destruction certificate says of an erasure, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from orders.models import Erasure
from portal.models import AuditEvent, AuditLink

KINDS = {
    "photo": gettext_lazy("사진 원본과 작업본"),
    "candidate": gettext_lazy("만든 후보"),
    "finished": gettext_lazy("완성 파일"),
    "consent": gettext_lazy("동의 서명과 서류"),
    "made": gettext_lazy("제작 중간 결과"),
    "other": gettext_lazy("그 밖의 파일"),
}
ROWS = {
    "orders.Order": gettext_lazy("의뢰 내용(성함, 날짜, 연락처, 빈소 등)"),
    "orders.Item": gettext_lazy("고른 내용과 남긴 말"),
    "orders.Consent": gettext_lazy("동의하신 분의 성함, 관계, 접속 정보"),
    "orders.Objection": gettext_lazy("이의 내용"),
    "orders.Photo": gettext_lazy("사진 정보"),
    "orders.Showing": gettext_lazy("가족에게 보여 드린 후보의 기록"),
    "orders.FamilyAnswer": gettext_lazy("가족이 고르고 남긴 말"),
    "orders.Arrival": gettext_lazy("이어서 올리던 사진 정보"),
    "orders.Candidate": gettext_lazy("후보 정보"),
    "orders.Approval": gettext_lazy("승인 정보"),
    "orders.Finish": gettext_lazy("마무리 정보"),
    "orders.Deliverable": gettext_lazy("완성 파일 정보"),
    "orders.Download": gettext_lazy("받은 기록과 접속 정보"),
    "orders.DownloadLink": gettext_lazy("가족 전달 링크"),
    "orders.FamilyLink": gettext_lazy("가족에게 보낸 링크"),
    "portal.Notice": gettext_lazy("보낸 문자와 이메일"),
    "gpujobs.attempts": gettext_lazy("제작을 시도한 기록의 내용"),
    "gpujobs.outputs": gettext_lazy("제작 결과 정보"),
    "gpujobs.jobs": gettext_lazy("제작 요청의 내용"),
}
OTHER_ROWS = gettext_lazy("그 밖의 항목")
BY = {"system": gettext_lazy("보관 기간에 따라 자동으로"), "family": gettext_lazy("유가족 또는 본인")}


@dataclass(frozen=True)
class Kind:
    label: str
    count: int
    bytes: int


@dataclass(frozen=True)
class Host:
    name: str
    attempts: int
    words: str
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """``files``: each with its kind in words, hash and size; ``sealed``: the audit's link to the end, if any."""

    asked_by: str
    kinds: list[Kind]
    files: list[dict[str, Any]]
    rows: list[tuple[str, int]]
    hosts: list[Host]
    sealed: AuditLink | None


def of(erasure: Erasure) -> Certificate:
    removal = getattr(erasure.order, "source_removal", None)
    files = [*(removal.files if removal else []), *erasure.files]
    return Certificate(
        asked_by=str(BY.get(erasure.asked_by_name, erasure.asked_by_name)),
        kinds=list(_kinds(files)),
        files=[each | {"label": _kind(each["kind"])} for each in files],
        rows=[(str(ROWS.get(key, OTHER_ROWS)), count) for key, count in erasure.rows.items() if count],
        hosts=[_host(each) for each in erasure.hosts],
        sealed=_sealed(erasure),
    )


def _kind(key: str) -> str:
    return str(KINDS.get(key, KINDS["other"]))


def _kinds(files: list[dict[str, Any]]) -> Iterator[Kind]:
    for key in KINDS:
        if mine := [each for each in files if each["kind"] == key]:
            yield Kind(_kind(key), len(mine), sum(each["bytes"] for each in mine))


def _host(each: dict[str, Any]) -> Host:
    if each["trouble"] and each["for_good"]:
        words = _("운영에서 뺀 장비입니다. 빼기 전에 확인하지 못한 작업이 있습니다.")
    elif each["for_good"]:
        words = _("운영에서 뺀 장비입니다. 남은 것은 그 전에 모두 지웠습니다.")
    elif each["trouble"]:
        words = _("아직 확인하지 못했습니다. 장비에 닿는 대로 다시 확인합니다.")
    elif each["found"]:
        count = each["found"]
        words = ngettext("남아 있던 %(count)d개를 지웠습니다.", "남아 있던 %(count)d개를 지웠습니다.", count) % {
            "count": count
        }
    else:
        words = _("남은 것이 없음을 확인했습니다.")
    return Host(each["host"], each["attempts"], words, parse_datetime(each["at"]))


def _sealed(erasure: Erasure) -> AuditLink | None:
    ended = AuditEvent.objects.filter(subject=erasure.order.code, action="order.erased").first()
    return AuditLink.objects.filter(event=ended.pk).first() if ended else None
