"""The environment is read strictly: a value that is not what it should be stops the program with a sentence."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import env


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("X", raising=False)
    monkeypatch.delenv("X_FILE", raising=False)


def test_a_variable_without_default_must_be_set() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^X is not set"):
        env.text("X")


def test_a_default_stands_in_for_what_is_not_set() -> None:
    assert env.text("X", "else") == "else"


def test_a_set_but_empty_variable_is_empty_not_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "")
    assert env.text("X", "else") == ""


def test_a_secret_is_read_from_its_file_without_the_last_line_break(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(" 비밀 \n")
    monkeypatch.setenv("X_FILE", str(tmp_path / "secret"))
    assert env.text("X") == " 비밀 "


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("X_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match=r"X_FILE=.*none cannot be read"):
        env.text("X")


def test_a_value_and_a_file_at_once_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("X", "one")
    monkeypatch.setenv("X_FILE", str(tmp_path / "two"))
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.text("X")


@pytest.mark.parametrize(("value", "meant"), [("yes", True), ("ON", True), (" 1 ", True), ("no", False), ("0", False)])
def test_a_flag_is_read_in_the_usual_words(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    monkeypatch.setenv("X", value)
    assert env.flag("X", not meant) is meant


@pytest.mark.parametrize("value", ["", "maybe", "2", "네"])
def test_a_flag_in_other_words_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured, match="neither yes nor no"):
        env.flag("X", True)


@pytest.mark.parametrize("value", ["", "-1", "1.5", "many", "--2", "²", "1e3"])
def test_a_whole_number_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured, match="not a whole number of at least 0"):
        env.whole("X", 5)


@pytest.mark.parametrize("value", ["nan", "-0.1", "half", "", "inf"])
def test_a_decimal_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured, match="not a number of at least 0"):
        env.decimal("X", 5.0)


def test_words_are_parted_by_commas_and_lose_empty_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "a, b ,,c")
    assert env.words("X") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://kim:p%40ss@db.example:5433/portal?sslmode=require",
            {"NAME": "portal", "USER": "kim", "PASSWORD": "p@ss", "HOST": "db.example", "PORT": "5433"}
            | {"OPTIONS": {"sslmode": "require"}},
        ),
        (
            "postgres://portal@/portal?host=%2Frun%2Fpg",
            {"NAME": "portal", "USER": "portal", "PASSWORD": "", "HOST": "/run/pg", "PORT": "", "OPTIONS": {}},
        ),
    ],
)
def test_a_database_url_becomes_djangos_dictionary(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: dict[str, Any]
) -> None:
    monkeypatch.setenv("X", url)
    assert env.database("X") == expected | {"ENGINE": "django.db.backends.postgresql"}


@pytest.mark.parametrize(
    "url", ["sqlite:///portal.db", "postgresql://host/", "portal", "", "postgresql://host/portal?sslmode"]
)
def test_a_database_url_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("X", url)
    with pytest.raises(ImproperlyConfigured, match=r"^X "):
        env.database("X")


def test_a_refused_database_url_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "postgresql://kim:geheim@host:none/portal")
    with pytest.raises(ImproperlyConfigured) as refused:
        env.database("X")
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("url", ["redis://localhost/0", "rediss://:secret@cache:6380/1", "unix:///run/valkey?db=2"])
def test_a_redis_url_is_kept_as_it_is(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("X", url)
    assert env.redis_url("X") == url


def test_a_redis_url_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "http://localhost")
    with pytest.raises(ImproperlyConfigured, match="must begin with redis://"):
        env.redis_url("X")


def test_a_group_is_all_that_begins_alike_from_files_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("two\n")
    monkeypatch.setenv("X", "not one of them")
    monkeypatch.setenv("X_ONE", "one")
    monkeypatch.setenv("X_TWO_FILE", str(tmp_path / "secret"))
    assert env.group("X_") == {"ONE": "one", "TWO": "two"}


def test_one_of_several_words_is_the_first_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.one_of("X", ("line", "json")) == "line"
    monkeypatch.setenv("X", "JSON")
    assert env.one_of("X", ("line", "json")) == "json"
    monkeypatch.setenv("X", "xml")
    with pytest.raises(ImproperlyConfigured, match="X='xml' is none of line, json"):
        env.one_of("X", ("line", "json"))
