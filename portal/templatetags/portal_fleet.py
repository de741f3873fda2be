"""The fleet's states in an operator's words."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gpujobs import doctor
from gpujobs.models import Attempt, GpuHost, Instance

register = template.Library()

WORDS: dict[str, str | Promise] = {
    Attempt.State.CLAIMED: _("맡음"),
    Attempt.State.STAGED: _("사진 올림"),
    Attempt.State.SENT: _("보냄"),
    Attempt.State.RUNNING: _("만드는 중"),
    Attempt.State.EXECUTED: _("거두는 중"),
    Attempt.State.SUCCEEDED: _("성공"),
    Attempt.State.FAILED: _("실패"),
    Attempt.State.LOST: _("놓침"),
    Attempt.State.CANCELLED: _("취소"),
    Instance.State.ACTIVE: _("일함"),
    Instance.State.OUT: _("빠짐"),
    GpuHost.State.DRAINING: _("비우는 중"),
    GpuHost.State.RETIRED: _("목록에서 뺌"),
}
FINDINGS: dict[str, str | Promise] = {
    doctor.Kind.NODE: _("노드가 없습니다"),
    doctor.Kind.VERSION: _("노드의 버전이 다릅니다"),
    doctor.Kind.MODEL: _("모델 파일이 없습니다"),
    doctor.Kind.MEMORY: _("GPU 메모리가 모자랍니다"),
    doctor.Kind.DISK: _("디스크가 모자랍니다"),
    doctor.Kind.REFUSED: _("얼마 전에 일을 받지 못했습니다"),
    doctor.Kind.NOTE: _("참고"),
}
TONES = {
    Attempt.State.SUCCEEDED: "done",
    Attempt.State.FAILED: "bad",
    Attempt.State.LOST: "wait",
    Attempt.State.CANCELLED: "quiet",
    Instance.State.OUT: "bad",
    GpuHost.State.DRAINING: "wait",
}


@register.filter
def in_words(state: str) -> str | Promise:
    return WORDS[state]


@register.filter
def finding_in_words(kind: str) -> str | Promise:
    return FINDINGS[kind]


@register.filter
def mebibytes(count: int) -> str:
    """ "12 GiB", or "800 MiB" where it is little."""
    return f"{count // 1024} GiB" if count >= 10 * 1024 else f"{count} MiB"


@register.filter
def tone(state: str) -> str:
    return TONES.get(state, "")


@register.filter
def took(attempt: Attempt) -> float | None:
    """Milliseconds from the claim to the end."""
    return (attempt.finished_at - attempt.claimed_at).total_seconds() * 1000 if attempt.finished_at else None
