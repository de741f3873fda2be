"""The fleet's states in an operator's words."""

import re

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gpujobs import doctor
from gpujobs.models import Attempt, Errand, GpuHost, Instance
from portal import fault_words
from portal.templatetags.portal_format import exact

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
WORKFLOWS: dict[str, str | Promise] = {
    "portrait": _("영정사진"),
    "life_scene": _("인생 더하기"),
    "living_video": _("메모리얼 비디오"),
    "print_master": _("인화용 확대"),
    "video_extend": _("영상 늘리기"),
}
# What keeps an instance from making something, beside the doctor's findings.
LACKS = FINDINGS | {
    Instance.State.OUT: _("장애로 빠져 있습니다"),
    Instance.State.DRAINING: _("비우는 중입니다"),
    "unexamined": _("아직 살펴보지 않았습니다"),
}
ERRANDS: dict[str, str | Promise] = {
    Errand.Kind.EXAMINE: _("만들 수 있는 것 살펴보기"),
    Errand.Kind.SCAN: _("남은 파일 찾기"),
    Errand.Kind.RESTART: _("다시 켜기"),
}
# The words in which gpujobs.scheduling records what moved a job forward or back.
_WARM, _HOME = re.compile(r"\bwarm for "), re.compile(r"home already on (\d+) GPUs, (\d+) min later")
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


@register.filter
def workflow_in_words(name: str) -> str | Promise:
    return WORKFLOWS.get(name, name)


@register.filter
def lack_in_words(kind: str) -> str | Promise:
    return LACKS[kind]


@register.filter
def fault_in_words(code: str) -> str | Promise:
    return fault_words.in_words(code)


@register.filter
def errand_in_words(kind: str) -> str | Promise:
    return ERRANDS[kind]


@register.filter
def came_of(errand: Errand) -> str | Promise:
    """What an errand that ended came to."""
    if errand.fault:
        return fault_words.in_words(errand.fault)
    if errand.kind == Errand.Kind.SCAN:
        if errand.found:
            return gettext("%(n)d개를 찾아 지웠습니다.") % {"n": errand.found}
        return gettext("남은 것이 없습니다.")
    if errand.kind == Errand.Kind.RESTART:
        return gettext("다시 켰습니다. 작은 시험을 통과하면 일을 받습니다.")
    return gettext("모두 살펴봤습니다.")


@register.filter
def why_in_words(attempt: Attempt) -> str:
    """Why just this job was given to just this instance; the log and the terminal have the same in English."""
    reasons = [gettext("모델이 올라가 있어서")] if _WARM.search(attempt.why) else []
    reasons.append(gettext("%(at)s까지 필요") % {"at": exact(attempt.job.due_at)})
    if home := _HOME.search(attempt.why):
        said = gettext("같은 장례식장의 일이 이미 %(n)s개 돌고 있어 %(minutes)s분 뒤로")
        reasons.append(said % {"n": home[1], "minutes": home[2]})
    return " · ".join(reasons)
