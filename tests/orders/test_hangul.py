import re
import unicodedata

import pytest

from orders import hangul


@pytest.mark.parametrize(
    ("name", "expected"),
    [("김철수", "ㄱㅊㅅ"), ("남궁 옥분", "ㄴㄱㅇㅂ"), ("Kim 영", "kimㅇ"), ("까뮈", "ㄲㅁ"), ("", "")],
)
def test_a_name_is_known_by_its_initials(name: str, expected: str) -> None:
    assert hangul.initials(name) == expected


def test_a_decomposed_name_has_the_same_initials() -> None:
    assert hangul.initials(unicodedata.normalize("NFD", "김철수")) == "ㄱㅊㅅ"


def test_consonants_that_a_keyboard_joined_are_taken_apart() -> None:
    assert hangul.spread("ㄳ") == "ㄱㅅ"


@pytest.mark.parametrize(("typed", "found"), [("김ㅊㅅ", True), ("ㄱ철ㅅ", True), ("박ㅊㅅ", False), ("김ㅊㄱ", False)])
def test_a_name_is_found_by_syllables_and_consonants_mixed(typed: str, found: bool) -> None:
    assert bool(re.search(hangul.pattern(typed), "김철수")) is found


def test_control_characters_and_blanks_are_tidied_away() -> None:
    assert hangul.tidy(" 김\u0000영\u200b자 \n 님 ") == "김 영 자 님"
