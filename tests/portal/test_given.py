"""What a browser sends is read strictly: what is no number, no code or no text is nothing."""

from uuid import UUID

import pytest

from portal import given

CODE = "6f1d5a52-6f0e-4d0a-9a5e-5f2f3b1c7a10"


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("0042", 42), ("9999", 9999), ("10000", None), ("9" * 5000, None), ("", None), ("-1", None)]
    + [(text, None) for text in ("1.0", " 1", "1_0", "٣", "²", "x")],
)
def test_a_whole_number_is_ascii_digits_alone(text, number):
    assert given.whole(text, digits=4) == number


@pytest.mark.parametrize(("text", "code"), [(CODE, UUID(CODE)), (f" {CODE}\n", UUID(CODE)), ("", None), ("x", None)])
def test_a_code_is_one_or_nothing(text, code):
    assert given.code(text) == code


def test_words_lose_what_the_database_does_not_keep():
    assert given.words(" 손\x00가락 ") == "손가락"
