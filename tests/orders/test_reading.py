"""Dates, times and phone numbers as they are typed at a desk at night."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orders.reading import Unreadable, read_birth, read_death, read_moment, read_phone

SEOUL = ZoneInfo("Asia/Seoul")
TYPED = st.sampled_from("0123456789 .-/:년월일시분오전후내일음력뒤반밤\u0000é²٣") | st.characters()
# A Sunday night.
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=SEOUL)


@pytest.mark.parametrize("clock", ["00:00", "00:30", "08:59"])
@pytest.mark.parametrize(("text", "day"), [("오늘", 1), ("어제", -1), ("2026-01-01", 1), ("1월 1일", 1)])
def test_a_day_begins_at_midnight_in_korea_while_the_servers_is_still_yesterday(
    monkeypatch: pytest.MonkeyPatch, clock: str, text: str, day: int
) -> None:
    night = datetime.fromisoformat(f"2026-01-01T{clock}:00+09:00")
    assert night.astimezone(UTC).year == 2025
    monkeypatch.setattr(timezone, "now", lambda: night.astimezone(UTC))
    assert read_death(text) == (date(2026, 1, 1) if day > 0 else date(2025, 12, 31))
    with pytest.raises(Unreadable):
        read_death("2026-01-02")
    assert read_moment("오늘 09:00") == datetime(2026, 1, 1, 9, tzinfo=SEOUL)


@pytest.mark.parametrize(
    "text",
    [
        "1948-03-05",
        "1948.3.5",
        "1948. 3. 5.",
        "1948/03/05",
        "480305",
        "19480305",
        "1948년 3월 5일",
        "48.3.5",
        "１９４８.３.５",
        "1948년3월5일 (양)",
        "1948-03-05(금)",
    ],
)
def test_a_date_of_birth_is_read_however_it_is_written(text: str) -> None:
    assert read_birth(text) == date(1948, 3, 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1948-13-05", "달력에 없는"),
        ("1948-02-30", "달력에 없는"),
        ("2999-01-01", "아직 오지 않은"),
        ("1248-01-01", "연도를 다시"),
        ("봄에 태어나심", "읽지 못했습니다"),
        ("음력 1948.3.5", "음력"),
        ("250305", "네 자리"),
        ("1948", "읽지 못했습니다"),
        ("3/5", "읽지 못했습니다"),
        ("오늘", "읽지 못했습니다"),
    ],
)
def test_a_date_of_birth_that_is_not_clear_is_asked_back(text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_birth(text)


def test_a_day_of_death_may_be_said_in_words() -> None:
    today = timezone.localdate()
    assert read_death("오늘") == today
    assert read_death("어제") == today - timedelta(days=1)
    assert read_death(f"{today.month}월 {today.day}일") == today
    assert read_death(f"{today:%y.%m.%d}") == today


def test_a_day_of_death_without_a_year_is_never_in_the_future() -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    assert read_death(f"{tomorrow.month}/{tomorrow.day}") < tomorrow


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("오늘 23:45", (22, 23, 45)),
        ("내일 오전 9시", (23, 9, 0)),
        ("내일 오후 2시 반", (23, 14, 30)),
        ("모레 14시", (24, 14, 0)),
        ("11월 25일 10:00", (25, 10, 0)),
        ("11/25 10:00", (25, 10, 0)),
        ("25일 오전 10시", (25, 10, 0)),
        ("11월 25일(수) 오전 10시 30분", (25, 10, 30)),
        ("2026-11-25 10:00", (25, 10, 0)),
        ("2026-11-25T10:00", (25, 10, 0)),
        ("2026년 11월 25일 수요일 10:00", (25, 10, 0)),
        ("23:45", (22, 23, 45)),
        ("09:00", (23, 9, 0)),
        ("1430", (23, 14, 30)),
        ("14시 30분까지", (23, 14, 30)),
        ("저녁 7시", (23, 19, 0)),
        ("정오", (23, 12, 0)),
        ("낮 12시", (23, 12, 0)),
        ("오전 12시 30분", (23, 0, 30)),
        ("12시", (23, 12, 0)),
        ("2시간 뒤", (23, 1, 30)),
        ("1시간 반 후", (23, 1, 0)),
        ("20분 뒤", (22, 23, 50)),
    ],
)
def test_a_time_is_read_as_the_next_one_meant(text: str, expected: tuple[int, int, int]) -> None:
    day, hour, minute = expected
    assert read_moment(text, NOW) == datetime(2026, 11, day, hour, minute, tzinfo=SEOUL)


def test_in_december_january_is_next_years() -> None:
    assert read_moment("1월 2일 10:00", datetime(2026, 12, 31, 12, tzinfo=SEOUL)).year == 2027


@pytest.mark.parametrize("text", ["2시", "내일 2:30", "930", "밤 12시"])
def test_a_time_that_may_be_morning_or_afternoon_is_asked_back(text: str) -> None:
    with pytest.raises(Unreadable, match="오전인지 오후인지"):
        read_moment(text, NOW)


@pytest.mark.parametrize(
    "text", ["곧", "오늘", "25:00", "14:75", "오후 25시", "13월 40일 10:00", "내일 아침쯤", "", "시간 뒤"]
)
def test_a_time_that_cannot_be_read_is_asked_back(text: str) -> None:
    with pytest.raises(Unreadable):
        read_moment(text, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01012345678", "010-1234-5678"),
        ("010-1234-5678", "010-1234-5678"),
        ("010 1234 5678", "010-1234-5678"),
        ("010.1234.5678", "010-1234-5678"),
        ("+82 10-1234-5678", "010-1234-5678"),
        ("(02) 123-4567", "02-123-4567"),
        ("0212345678", "02-1234-5678"),
        ("0311234567", "031-123-4567"),
        ("0161234567", "016-123-4567"),
        ("1588-1234", "1588-1234"),
        ("050712345678", "0507-1234-5678"),
        ("０１０１２３４５６７８", "010-1234-5678"),
    ],
)
def test_a_phone_number_gets_its_hyphens(text: str, expected: str) -> None:
    assert read_phone(text) == expected


@pytest.mark.parametrize("text", ["010-1234", "1234", "010-1234-56789", "큰아들 번호", "010-1234-5678 / 010-1111-2222"])
def test_a_number_that_is_none_is_asked_back(text: str) -> None:
    with pytest.raises(Unreadable, match="전화번호"):
        read_phone(text)


@pytest.mark.parametrize("read", [read_birth, read_death, read_moment, read_phone])
@given(text=st.text(alphabet=TYPED, max_size=20))
def test_whatever_is_typed_is_read_or_asked_back(read: Callable[[str], Any], text: str) -> None:
    try:
        read(text)
    except Unreadable as unread:
        sentence = str(unread.sentence)
    else:
        return
    assert sentence.endswith((".", ")"))


@given(st.integers(min_value=0, max_value=2 * 365 * 24 * 60))
def test_a_moment_as_the_portal_writes_it_is_read_back(minutes: int) -> None:
    moment = NOW + timedelta(minutes=minutes)
    assert read_moment(f"{moment:%Y-%m-%d %H:%M}", NOW) == moment
