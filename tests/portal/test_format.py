"""Times, waits and words as a tired person reads them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from portal.particles import with_particle
from portal.templatetags import portal_format as say

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 22, 13, 52, 0, tzinfo=SEOUL)


@pytest.fixture(autouse=True)
def _at_eight_to_two_in_korean(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    with translation.override("ko"):
        yield


@pytest.mark.parametrize(
    ("away", "words", "tone"),
    [
        (timedelta(minutes=38, seconds=5), "38분 뒤", "soon"),
        (timedelta(seconds=59), "지금", "soon"),
        (timedelta(seconds=-59), "지금", "soon"),
        (timedelta(minutes=60), "1시간 뒤", "soon"),
        (timedelta(minutes=61), "1시간 1분 뒤", ""),
        (timedelta(hours=2), "2시간 뒤", ""),
        (timedelta(hours=7, minutes=50), "7시간 뒤", ""),
        (timedelta(hours=23, minutes=59), "23시간 뒤", ""),
        (timedelta(days=1), "1일 뒤", ""),
        (timedelta(days=2, hours=20), "3일 뒤", ""),
        (timedelta(minutes=-12), "12분 지남", "late"),
        (timedelta(minutes=-90), "1시간 30분 지남", "late"),
        (timedelta(days=-3), "3일 지남", "late"),
    ],
)
def test_a_due_time_says_how_far_away_it_is(away, words, tone):
    assert say.until(NOW + away) == words
    assert say.pressing(NOW + away) == tone


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW.replace(hour=14, minute=30), "14:30"),
        (datetime(2026, 11, 23, 10, 0, tzinfo=SEOUL), "내일 10:00"),
        (datetime(2026, 11, 21, 23, 5, tzinfo=SEOUL), "어제 23:05"),
        (datetime(2026, 11, 25, 10, 0, tzinfo=SEOUL), "11월 25일 10:00"),
        (datetime(2027, 1, 2, 10, 0, tzinfo=SEOUL), "2027년 1월 2일 10:00"),
        (datetime(2026, 11, 22, 16, 0, tzinfo=ZoneInfo("UTC")), "내일 01:00"),
    ],
)
def test_an_exact_time_names_the_day_unless_it_is_today(moment, words):
    assert say.exact(moment) == words


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=20), "방금"),
        (timedelta(minutes=6), "6분 전"),
        (timedelta(hours=2, minutes=59), "2시간 전"),
        (timedelta(days=1), "어제 13:52"),
    ],
)
def test_what_happened_says_how_long_ago(past, words):
    assert say.ago(NOW - past) == words


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (3, "곧 끝납니다"),
        (42, "약 40초 남음"),
        (58, "약 1분 남음"),
        (170, "약 3분 남음"),
        (2 * 3600, "약 2시간 남음"),
        (None, ""),
    ],
)
def test_a_guess_is_coarser_the_longer_it_is(left, words):
    assert say.remaining(left) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(10_040, "10초"), (60_000, "1분"), (80_000, "1분 20초"), (None, "")]
)
def test_a_film_says_its_length(milliseconds, words):
    assert say.seconds(milliseconds) == words


@pytest.mark.parametrize("filter_", [say.until, say.ago, say.exact, say.pressing])
def test_no_time_is_no_words(filter_):
    assert filter_(None) == ""


@pytest.mark.parametrize(
    ("word", "pair", "whole"),
    [
        ("고 김영자 님", "을/를", "고 김영자 님을"),
        ("사진", "이/가", "사진이"),
        ("비디오", "은/는", "비디오는"),
        ("서울", "으로/로", "서울로"),
        ("부산", "으로/로", "부산으로"),
        ("제주", "으로/로", "제주로"),
        ("특실 2호", "과/와", "특실 2호와"),
        ("3", "이/가", "3이"),
        ("5", "이/가", "5가"),
        ("1", "으로/로", "1로"),
        ("6", "으로/로", "6으로"),
        ("GPU", "을/를", "GPU를"),
        ("URL", "을/를", "URL을"),
        ("영정사진 (장수사진)", "을/를", "영정사진 (장수사진)을"),
        ("자\u1102\u1175\u11b7", "을/를", "자\u1102\u1175\u11b7을"),
        ("", "을/를", "를"),
        ("…", "이/가", "…가"),
    ],
)
def test_a_particle_fits_the_sound_before_it(word, pair, whole):
    assert with_particle(word, pair) == whole
    assert say.josa(word, pair) == whole


def test_a_particle_is_left_out_of_other_languages():
    with translation.override("en"):
        assert say.josa("김영자", "을/를") == "김영자"
