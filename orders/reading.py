"""Reading dates, times and phone numbers as Koreans write them, and saying them back.

What is not understood is said, never guessed.
"""

import re
import unicodedata
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

OLDEST_YEAR = 1880


class Unreadable(ValueError):
    """``sentence`` says what cannot be read and how it may be written."""

    def __init__(self, sentence: Promise) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


_DATE_HELP = _("날짜를 읽지 못했습니다. 1948-03-05 또는 480305처럼 적어 주세요.")
_MOMENT_HELP = _("시각을 읽지 못했습니다. 오늘 14:30, 내일 오전 9시, 11월 25일 10:00처럼 적어 주세요.")
_PHONE_HELP = _("전화번호를 읽지 못했습니다. 010-1234-5678처럼 적어 주세요.")
_NO_SUCH_DAY = _("달력에 없는 날짜입니다.")
_LUNAR = _("음력은 읽지 못합니다. 양력 날짜로 적어 주세요.")
_YEAR_OPEN = _("몇 년도인지 분명하지 않습니다. 연도를 네 자리로 적어 주세요. (예: 1925-03-05)")
_HALF_OPEN = _("오전인지 오후인지 적어 주세요. (예: 오후 2시, 14:00)")

_DAY_WORDS = {"그저께": -2, "어제": -1, "오늘": 0, "금일": 0, "내일": 1, "명일": 1, "모레": 2, "글피": 3}
# What the English pages give as examples.
_DAY_WORDS |= {"yesterday": -1, "today": 0, "tomorrow": 1}
_WEEKDAY = re.compile(r"\(?[월화수목금토일](요일|\))")

_YEAR_MONTH_DAY = re.compile(r"(\d{4}|\d{2})\s*(?:년|[-./])\s*(\d{1,2})\s*(?:월|[-./])\s*(\d{1,2})\s*[일.]?")
_PACKED_DATE = re.compile(r"(\d{4}|\d{2})(\d{2})(\d{2})")
_MONTH_DAY = re.compile(r"(\d{1,2})\s*(?:월|[-./])\s*(\d{1,2})\s*[일.]?")
_TIME = re.compile(
    r"(?P<half>오전|오후|새벽|아침|낮|저녁|밤|am|pm)?\s*"
    r"(?:(?P<hour>\d{1,2})\s*(?:(?P<colon>:)\s*(?P<minute>\d{2})(?::\d{2})?|시\s*(?:(?P<words>\d{1,2})\s*분|(?P<thirty>반))?)"
    r"|(?P<packed>\d{3,4}))"
)
_FROM_NOW = re.compile(r"(?:(\d{1,2})\s*시간)?\s*(?:(\d{1,3})\s*분|(반))?\s*(?:뒤|후|있다가|이내|안에)(?:에)?")
_AFTER_NOON = {"오후", "낮", "저녁", "밤", "pm"}


def plain(text: str) -> str:
    """Full-width digits and punctuation as plain ones."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def read_birth(text: str) -> date:
    """1948-03-05, 1948.3.5, 480305, 19480305, 1948년 3월 5일. Raises Unreadable."""
    return _read_date(text, today=timezone.localdate(), of_late=False)


def read_death(text: str) -> date:
    """As a date of birth, and also 오늘, 어제, 11월 22일: people are brought within days. Raises Unreadable."""
    return _read_date(text, today=timezone.localdate(), of_late=True)


def _read_date(text: str, *, today: date, of_late: bool) -> date:
    words = plain(text)
    if "음력" in words or "음)" in words:
        raise Unreadable(_LUNAR)
    words = _WEEKDAY.sub("", words.replace("양력", "").replace("(양)", "")).strip()
    if of_late and _DAY_WORDS.get(words, 1) <= 0:
        return today + timedelta(days=_DAY_WORDS[words])
    found = _YEAR_MONTH_DAY.fullmatch(words) or _PACKED_DATE.fullmatch(words)
    if found:
        year, month, day = found.groups()
        return _past(_day(_full_year(year, today, of_late=of_late), int(month), int(day)), today)
    if of_late and (found := _MONTH_DAY.fullmatch(words)):
        month, day = map(int, found.groups())
        this_year = _day(today.year, month, day)
        return this_year if this_year <= today else _day(today.year - 1, month, day)
    raise Unreadable(_DATE_HELP)


def _full_year(digits: str, today: date, *, of_late: bool) -> int:
    if len(digits) == 4:
        return int(digits)
    ends = int(digits)
    if of_late:
        return 2000 + ends if 2000 + ends <= today.year else 1900 + ends
    # 25 may be 1925 or 2025, and both are brought to a funeral home.
    if 2000 + ends <= today.year:
        raise Unreadable(_YEAR_OPEN)
    return 1900 + ends


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Unreadable(_NO_SUCH_DAY) from error


def _past(day: date, today: date) -> date:
    if day > today:
        raise Unreadable(_("아직 오지 않은 날짜입니다."))
    if day.year < OLDEST_YEAR:
        raise Unreadable(_("연도를 다시 확인해 주세요."))
    return day


def read_moment(text: str, now: datetime | None = None) -> datetime:
    """``오늘 14:30``, ``내일 오전 9시``, ``11/25 10:00``, ``1430``, ``2시간 뒤`` as an aware time in Korea.

    Without a day it is the next time the clock shows that. A bare ``2시`` is asked back. Raises Unreadable.
    """
    now = timezone.localtime(now)
    words = _WEEKDAY.sub("", plain(text)).strip().removesuffix("까지").strip()
    if (found := _FROM_NOW.fullmatch(words)) and any(found.groups()):
        hours, minutes, half = found.groups()
        later = now + timedelta(hours=int(hours or 0), minutes=30 if half else int(minutes or 0))
        return later.replace(second=0, microsecond=0)
    day, rest = _leading_day(words, now.date())
    clock = _read_time(rest)
    if day is None:
        moment = _at(now.date(), clock)
        return moment if moment >= now else _at(now.date() + timedelta(days=1), clock)
    return _at(day, clock)


def _at(day: date, clock: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, clock))


def _leading_day(words: str, today: date) -> tuple[date | None, str]:
    """The day a text begins with, if it does, and the rest."""
    for word, days in _DAY_WORDS.items():
        if words.startswith(word):
            return today + timedelta(days=days), words[len(word) :].strip()
    if found := re.match(r"(\d{4})-(\d{2})-(\d{2})t", words):
        return _day(*map(int, found.groups())), words[found.end() :]
    if (found := _YEAR_MONTH_DAY.match(words)) and len(found[1]) == 4:
        return _day(*map(int, found.groups())), words[found.end() :].strip()
    if found := _MONTH_DAY.match(words):
        month, day = map(int, found.groups())
        return _nearest(month, day, today), words[found.end() :].strip()
    if found := re.match(r"(\d{1,2})\s*일(?!요)", words):
        return _next_day_numbered(int(found[1]), today), words[found.end() :].strip()
    return None, words


def _nearest(month: int, day: int, today: date) -> date:
    """The day of that name closest to today: in December, January is next year's."""
    days = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            days.append(date(year, month, day))
        except ValueError:
            continue
    if not days:
        raise Unreadable(_NO_SUCH_DAY)
    return min(days, key=lambda each: abs(each - today))


def _next_day_numbered(number: int, today: date) -> date:
    for ahead in range(62):
        if (day := today + timedelta(days=ahead)).day == number:
            return day
    raise Unreadable(_NO_SUCH_DAY)


def _read_time(words: str) -> time:
    if words.endswith("정오"):
        return time(12)
    found = _TIME.fullmatch(words.removesuffix("정각").strip())
    if not found:
        raise Unreadable(_MOMENT_HELP)
    packed = found["packed"]
    hour = int(packed[:-2] if packed else found["hour"])
    minute = int(packed[-2:] if packed else found["minute"] or found["words"] or (30 if found["thirty"] else 0))
    exact = (packed and len(packed) == 4) or (found["colon"] and len(found["hour"]) == 2)
    try:
        return time(_hour_of_day(hour, found["half"], exact=bool(exact)), minute)
    except ValueError as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(_MOMENT_HELP) from error


def _hour_of_day(hour: int, half: str | None, *, exact: bool) -> int:
    if half is None:
        if 1 <= hour <= 11 and not exact:
            raise Unreadable(_HALF_OPEN)
        return hour
    if hour > 12:
        return hour
    if half == "밤":  # 밤 12시 and 밤 1시 belong to the day that begins: asked back rather than guessed
        if not 6 <= hour <= 11:
            raise Unreadable(_HALF_OPEN)
        return hour + 12
    return hour % 12 + (12 if half in _AFTER_NOON else 0)


def read_phone(text: str) -> str:
    """A Korean number, with or without hyphens, as 010-1234-5678. Raises Unreadable."""
    words = plain(text)
    if re.search(r"[^\d\s().+\-]", words):
        raise Unreadable(_PHONE_HELP)
    digits = re.sub(r"\D", "", words)
    if digits.startswith("82"):
        digits = "0" + digits.removeprefix("82").removeprefix("0")
    for shape in _PHONE_SHAPES:
        if found := shape.fullmatch(digits):
            return "-".join(found.groups())
    raise Unreadable(_PHONE_HELP)


# Mobile; Seoul; other regions and internet phones; personal numbers; a company's one number.
_PHONE_SHAPES = tuple(
    map(
        re.compile,
        (
            r"(010)(\d{4})(\d{4})",
            r"(01[16789])(\d{3,4})(\d{4})",
            r"(02)(\d{3,4})(\d{4})",
            r"(0(?:[3-6]\d|70|80))(\d{3,4})(\d{4})",
            r"(050\d)(\d{3,4})(\d{4})",
            r"(1[568]\d{2})(\d{4})",
        ),
    )
)


def in_words(value: date) -> str:
    """A day as "1948년 3월 5일", a moment as "11월 23일 월요일 09:00"."""
    if not isinstance(value, datetime):
        return date_format(value, pgettext("date format", "Y년 n월 j일"))
    local = timezone.localtime(value)
    this_year = local.year == timezone.localdate().year
    pattern = pgettext("date format", "n월 j일 l") if this_year else pgettext("date format", "Y년 n월 j일 l")
    return f"{date_format(local, pattern)} {local:%H:%M}"
