"""Times, waits and words as a page says them; file sizes are Django's ``filesizeformat``."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from portal.particles import with_particle

register = template.Library()

SOON = timedelta(hours=1)
# Up to here the minutes count as well: "1시간 30분 뒤"; later "7시간 뒤".
MINUTES_COUNT_UP_TO = timedelta(hours=6)
DAY = timedelta(days=1)


@register.filter
def until(moment: datetime | None) -> str:
    """How far away a moment is: "12분 뒤", "1시간 30분 뒤", "3일 뒤", or how long past: "12분 지남"."""
    if moment is None:
        return ""
    left = moment - timezone.now()
    if left >= DAY:
        days = (timezone.localdate(moment) - timezone.localdate()).days
        return ngettext("{n}일 뒤", "{n}일 뒤", days).format(n=days)
    if left <= -DAY:
        days = (timezone.localdate() - timezone.localdate(moment)).days
        return ngettext("{n}일 지남", "{n}일 지남", days).format(n=days)
    minutes = int(abs(left).total_seconds() // 60)
    if minutes == 0:
        return _("지금")
    return _span(minutes, late=left < timedelta(0))


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago something happened: "방금", "6분 전", "2시간 전"; from a day on the exact time."""
    if moment is None:
        return ""
    past = timezone.now() - moment
    if past < timedelta(minutes=1):
        return _("방금")
    if past < timedelta(hours=1):
        return _("{n}분 전").format(n=int(past.total_seconds() // 60))
    if past < DAY:
        return _("{n}시간 전").format(n=int(past.total_seconds() // 3600))
    return exact(moment)


@register.filter
def exact(moment: datetime | None) -> str:
    """The time, and the day where it is not today: "14:30", "내일 10:00", "11월 25일 10:00", "2027년 1월 2일 10:00"."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    days = (local.date() - timezone.localdate()).days
    clock = f"{local:%H:%M}"
    if days == 0:
        return clock
    near = {-1: _("어제"), 1: _("내일")}.get(days)
    if near is None:
        same_year = local.year == timezone.localdate().year
        pattern = pgettext("date format", "n월 j일") if same_year else pgettext("date format", "Y년 n월 j일")
        near = format_date(local, pattern)
    return f"{near} {clock}"


@register.filter
def pressing(moment: datetime | None) -> str:
    """ "late" when a moment is past, "soon" within the hour, else nothing: a class of `.due`."""
    if moment is None:
        return ""
    left = moment - timezone.now()
    if left <= timedelta(minutes=-1):
        return "late"
    return "soon" if left <= SOON else ""


@register.filter
def remaining(left: float | None) -> str:
    """An honest guess from seconds, coarser the longer it is: "곧 끝납니다", "약 40초 남음", "약 3분 남음"."""
    if left is None:
        return ""
    if left < 10:
        return _("곧 끝납니다")
    if left < 55:
        return _("약 {n}초 남음").format(n=round(left / 10) * 10)
    if left < 90 * 60:
        return _("약 {n}분 남음").format(n=max(1, round(left / 60)))
    return _("약 {n}시간 남음").format(n=round(left / 3600))


@register.filter
def seconds(milliseconds: float | None) -> str:
    """A length of film or of work, given in milliseconds: "10초", "1분 20초"."""
    if milliseconds is None:
        return ""
    minutes, rest = divmod(round(milliseconds / 1000), 60)
    if not minutes:
        return _("{n}초").format(n=rest)
    return _("{n}분 {m}초").format(n=minutes, m=rest) if rest else _("{n}분").format(n=minutes)


@register.filter
def josa(word: object, pair: str) -> str:
    """The word with its particle, ``{{ name|josa:"을/를" }}``; in another language just the word."""
    if (get_language() or "ko").startswith("ko"):
        return with_particle(str(word), pair)
    return str(word)


def _span(minutes: int, *, late: bool) -> str:
    hours, rest = divmod(minutes, 60)
    if not hours:
        return (_("{n}분 지남") if late else _("{n}분 뒤")).format(n=rest)
    if rest and timedelta(minutes=minutes) < MINUTES_COUNT_UP_TO:
        return (_("{n}시간 {m}분 지남") if late else _("{n}시간 {m}분 뒤")).format(n=hours, m=rest)
    return (_("{n}시간 지남") if late else _("{n}시간 뒤")).format(n=hours)
