"""The last day as bars: SVG made here, sized by attributes alone, so that the strict CSP needs no exception."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from gpujobs.history import HOURS, Hour
from portal.templatetags.portal_format import seconds

WIDTH, HEIGHT = 720, 150
TOP, FLOOR = 16, 126
STEP = WIDTH / HOURS
GAP = 4


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Whole numbers and one decimal, in the chart's own units; ``said`` is the whole hour in words."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True, kw_only=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """``summary``: what the picture says, for who does not see it. ``most``: how high the highest bar is."""

    title: str
    summary: str
    most: str
    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    legend: Sequence[tuple[str, str]]


def of_day(hours: Sequence[Hour]) -> list[Chart]:
    return [_throughput(hours), _waits(hours)]


def _throughput(hours: Sequence[Hour]) -> Chart:
    made, failed = sum(hour.succeeded for hour in hours), sum(hour.failed for hour in hours)

    def said(hour: Hour) -> str:
        return _("%(at)s · 성공 %(made)d, 실패 %(failed)d") % {
            "at": _clock(hour.begins_at),
            "made": hour.succeeded,
            "failed": hour.failed,
        }

    return Chart(
        title=_("한 시간에 끝낸 일"),
        summary=_("지난 24시간에 %(made)d건을 만들었고 %(failed)d건이 실패했습니다.")
        % {"made": made, "failed": failed},
        most=str(max(hour.succeeded + hour.failed for hour in hours)),
        bars=_stacked(hours, lambda hour: (("done", hour.succeeded), ("bad", hour.failed)), said),
        ticks=_ticks(hours),
        legend=[("done", _("성공")), ("bad", _("실패"))],
    )


def _waits(hours: Sequence[Hour]) -> Chart:
    longest = max((hour.longest or 0.0 for hour in hours), default=0.0)

    def said(hour: Hour) -> str:
        if hour.usual is None or hour.longest is None:
            return _("%(at)s · 시작한 일 없음") % {"at": _clock(hour.begins_at)}
        return _("%(at)s · 절반은 %(usual)s, 거의 모두 %(longest)s 안에 시작") % {
            "at": _clock(hour.begins_at),
            "usual": seconds(hour.usual * 1000),
            "longest": seconds(hour.longest * 1000),
        }

    def parts(hour: Hour) -> tuple[tuple[str, float], ...]:
        usual = hour.usual or 0.0
        return (("done", usual), ("wait", (hour.longest or 0.0) - usual))

    return Chart(
        title=_("시작할 때까지 기다린 시간"),
        summary=_("지난 24시간에 가장 오래 기다린 때는 %(longest)s였습니다.") % {"longest": seconds(longest * 1000)},
        most=seconds(longest * 1000),
        bars=_stacked(hours, parts, said),
        ticks=_ticks(hours),
        legend=[("done", _("절반이 기다린 시간")), ("wait", _("거의 모두(95%)가 기다린 시간"))],
    )


def _stacked(
    hours: Sequence[Hour], parts: Callable[[Hour], Sequence[tuple[str, float]]], said: Callable[[Hour], str]
) -> list[Bar]:
    most = max(sum(value for _, value in parts(hour)) for hour in hours) or 1.0
    bars = []
    for number, hour in enumerate(hours):
        y = float(FLOOR)
        for kind, value in parts(hour):
            height = (FLOOR - TOP) * value / most
            y -= height
            if value:
                x, width = number * STEP + GAP / 2, STEP - GAP
                bars.append(Bar(kind=kind, x=x, y=round(y, 1), width=width, height=round(height, 1), said=said(hour)))
    return bars


def _ticks(hours: Sequence[Hour]) -> list[Tick]:
    return [
        Tick(x=number * STEP + GAP / 2, label=_clock(hour.begins_at))
        for number, hour in enumerate(hours)
        if timezone.localtime(hour.begins_at).hour % 6 == 0
    ]


def _clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M}"
