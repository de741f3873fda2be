"""Started as in production, the program finds nothing wrong with itself; and docs/settings.md knows every variable."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.checks import run_checks

PRODUCTION = {
    "SECRET_KEY": "Tq8mZ-2vXr0pLs7nB4kW9dYfJ6hC1gAe5uRi3oNwMzQxVbKt0123456789",
    "SITE_URL": "https://portal.example.com",
    "ALLOWED_HOSTS": "portal.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://portal.example.com",
    "TRUSTED_PROXY_COUNT": "1",
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "SMS_SERVICE": "http",
    "SMS_URL": "https://sms.example.kr/send",
    "SMS_TOKEN": "a token",
    "SMS_SENDER": "0212345678",
    "HTTPS": "yes",
    "SECOND_FACTOR_REQUIRED": "yes",
    "DEBUG": "no",
}

READERS = "text|flag|whole|decimal|words|networks|one_of|database|redis_url"


def manage(*arguments, **changes):
    env = os.environ | PRODUCTION | changes
    command = [sys.executable, "-W", "ignore", "manage.py", *arguments]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False)


def test_the_deployment_check_is_clean():
    said = manage("check", "--deploy", "--fail-level", "WARNING")
    assert (said.returncode, said.stdout.strip()) == (0, "System check identified no issues (0 silenced)."), said.stderr


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"SECRET_KEY": "too short"}, "portal.E002"),
        ({"SITE_URL": "http://portal.example.com"}, "portal.E003"),
        ({"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}, "portal.W001"),
        ({"SMS_SERVICE": "console"}, "portal.W002"),
        ({"SMS_URL": "http://sms.example.kr/send"}, "portal.E006"),
        ({"HTTPS": "no"}, "security.W004"),
        ({"SECOND_FACTOR_REQUIRED": "no"}, "portal.W010"),
        ({"DEBUG": "yes"}, "security.W018"),
    ],
)
def test_the_deployment_check_finds(change, found):
    said = manage("check", "--deploy", "--fail-level", "WARNING", **change)
    assert said.returncode == 1
    assert found in said.stderr


def test_a_storage_that_cannot_be_written_to_is_found_before_every_start(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("portal.checks.os.access", lambda path, mode: False)  # root may write anywhere
    settings.STORAGE_ROOT = tmp_path / "not" / "there"
    assert [problem.id for problem in run_checks(tags=["files"])] == ["portal.E001"]


def asked_of_tls():
    told = manage(
        "shell",
        "--verbosity=0",
        "-c",
        "from django.conf import settings as s\n"
        "print(s.SECURE_HSTS_SECONDS, s.SECURE_SSL_REDIRECT, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.DEBUG)\n"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.LANGUAGE_COOKIE_NAME)",
    )
    return told.stdout.split()


def test_tls_is_demanded_for_a_year_and_cookies_need_it():
    assert asked_of_tls() == [
        *("31536000", "True", "True", "True", "False"),
        *("__Host-sessionid", "__Host-csrftoken", "__Host-django_language"),
    ]


def test_every_variable_that_is_read_is_in_the_docs_and_no_other():
    read = set()
    for folder in ("portal", "orders", "gpujobs"):
        for file in (settings.BASE_DIR / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            read |= set(re.findall(rf'\benv\.(?:{READERS})\(\s*"(\w+)"', text))
            read |= {f"{prefix}NAME" for prefix in re.findall(r'\benv\.group\("(\w+)"', text)}
    read -= {"X_FILE"}
    table = (settings.BASE_DIR / "docs" / "settings.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == read
