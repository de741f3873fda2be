"""The two languages are whole: nothing is left to translate, and no page speaks both at once."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polib
import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.utils import timezone, translation

from portal.models import Invitation, User
from portal.notices.words import written
from tests.orders.people import PASSWORD
from tests.portal.test_permissions import ROLES, TABLE, browser_of

ENGLISH = settings.BASE_DIR / "locale/en/LC_MESSAGES/django.po"
KOREAN = settings.BASE_DIR / "locale/ko/LC_MESSAGES/django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")
HANGUL = re.compile("[가-힣]+")
WORD = re.compile("[A-Za-z]{2,}")


def keys(po: polib.POFile) -> set[tuple[str | None, str, str]]:
    return {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in po}


def strings(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@pytest.mark.parametrize("path", [ENGLISH, KOREAN], ids=["English", "Korean"])
def test_nothing_is_fuzzy_or_empty_or_left_over(path: Path) -> None:
    po = polib.pofile(str(path))
    assert not [entry.msgid for entry in po if entry.fuzzy or entry.obsolete]
    assert not [entry.msgid for entry in po if not all(strings(entry))]


@pytest.mark.parametrize("path", [ENGLISH, KOREAN], ids=["English", "Korean"])
def test_placeholders_are_kept(path: Path) -> None:
    for entry in polib.pofile(str(path)):
        for said in strings(entry):
            assert sorted(PLACEHOLDER.findall(said)) == sorted(PLACEHOLDER.findall(entry.msgid)), entry.msgid


def test_english_is_english() -> None:
    assert not [entry.msgid for entry in polib.pofile(str(ENGLISH)) if HANGUL.search("".join(strings(entry)))]


def test_english_has_what_the_code_says_and_nothing_else(tmp_path: Path) -> None:
    """Gathered anew from a copy of the sources, as `make messages` does."""
    for folder in ("gpujobs", "orders", "portal", "templates"):
        shutil.copytree(settings.BASE_DIR / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(settings.BASE_DIR / "manage.py", tmp_path)
    (tmp_path / "locale").mkdir()
    gather = [sys.executable, "manage.py", "makemessages", "--locale", "en", "--no-location", "--no-wrap"]
    subprocess.run(gather, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    gathered = polib.pofile(str(tmp_path / "locale/en/LC_MESSAGES/django.po"))
    assert keys(polib.pofile(str(ENGLISH))) == keys(gathered)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "stranger"])
def test_each_page_of_a_role_speaks_one_language(role: str, world: SimpleNamespace) -> None:
    pages = [row.url(name, world) for name, row in TABLE.items() if row.method == "get" and getattr(row, role) == 200]
    for page in pages:
        one_language_each(lambda browser, page=page: browser.get(page), getattr(world, role))


@pytest.mark.parametrize("name", ["account_login", "account_reset_password"])
def test_a_refused_entrance_form_speaks_one_language(name: str, db: None) -> None:
    wrong = {"login": "nobody@example.com", "password": "wrong", "email": "no address"}
    one_language_each(lambda browser: browser.post(reverse(name), wrong), None)
    one_language_each(lambda browser: browser.post(reverse(name), {}), None)


@override_settings(ACCOUNT_RATE_LIMITS=False)
def test_a_refused_password_speaks_one_language(world: SimpleNamespace) -> None:
    for change in (
        {"oldpassword": "wrong", "password1": "short", "password2": "other"},
        {"oldpassword": PASSWORD, "password1": "password12", "password2": "password12"},
        {},
    ):
        one_language_each(lambda b, c=change: b.post(reverse("account_change_password"), c), world.staff)


def test_a_refused_invitation_speaks_one_language(world: SimpleNamespace) -> None:
    for given in ({"email": world.staff.email, "role": "staff"}, {"email": "no address", "role": "king"}, {}):
        one_language_each(lambda b, g=given: b.post(reverse("invite"), g), world.manager)


def test_a_refused_order_and_consent_speak_one_language(world: SimpleNamespace) -> None:
    code = [world.draft.code]
    unread = {"born_on": "someday", "altar_at": "2시", "mourner_phone": "x", "died_on": "2999-01-01"}
    one_language_each(lambda b: b.post(reverse("orders:order_submit", args=code), unread), world.staff)
    one_language_each(lambda b: b.post(reverse("orders:consent_record", args=code), {}), world.staff)


def test_the_second_factor_speaks_one_language(world: SimpleNamespace) -> None:
    logged_in = Client()
    login = {"login": world.staff.email, "password": PASSWORD}
    logged_in.post(reverse("account_login"), login)
    logged_in.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    one_language_each(lambda b: b.get(reverse("mfa_activate_totp")), logged_in)
    one_language_each(lambda b: b.post(reverse("mfa_activate_totp"), {"code": "x"}), logged_in)
    TOTP.activate(world.staff, generate_totp_secret())
    RecoveryCodes.activate(world.staff)
    for name in ("index", "deactivate_totp", "view_recovery_codes", "generate_recovery_codes"):
        one_language_each(lambda b, n=name: b.get(reverse(f"mfa_{n}")), logged_in)
    half_way = Client()
    half_way.post(reverse("account_login"), login)
    one_language_each(lambda b: b.get(reverse("mfa_authenticate")), half_way)
    one_language_each(lambda b: b.post(reverse("mfa_authenticate"), {"code": "x"}), half_way)
    one_language_each(lambda b: b.get(reverse("mfa_reauthenticate")), logged_in)


@pytest.mark.parametrize("template", [f"{status}.html" for status in (400, 403, 404, 429, 500)] + ["403_csrf.html"])
def test_an_error_page_speaks_one_language(template: str) -> None:
    for language in ("en", "ko"):
        with translation.override(language):
            page = render_to_string(template, request=RequestFactory().get("/"))
        assert not foreign(page, language)


@pytest.mark.parametrize(
    "template", sorted((settings.BASE_DIR / "templates").rglob("email/*.txt")), ids=lambda p: p.name
)
def test_a_mail_speaks_one_language(template: Path) -> None:
    name = str(template.relative_to(settings.BASE_DIR / "templates"))
    context = {"timestamp": timezone.now(), "invitation": Invitation(expires_at=timezone.now(), role="staff")}
    with translation.override("en"):
        assert not HANGUL.search(render_to_string(name, context))
    with translation.override("ko"):
        assert HANGUL.search(render_to_string(name, context))


@pytest.mark.parametrize(
    "template", sorted((settings.BASE_DIR / "templates/notices").glob("*.txt")), ids=lambda p: p.name
)
def test_a_notice_speaks_one_language(template: Path) -> None:
    kind, way = template.stem.split(".")
    context = {"home": SimpleNamespace(name="Home"), "person": "Kim", "until": timezone.now(), "url": "https://a.b"}
    assert not HANGUL.search(written(kind, way, "en", context))
    assert HANGUL.search(written(kind, way, "ko", context))


def one_language_each(ask: Callable[[Client], Any], who: User | Client | None) -> None:
    """In English no Hangul but in names, in Korean no English heading, label or button."""
    browser = who if isinstance(who, Client) else browser_of(who)
    for language in ("en", "ko"):
        browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        with transaction.atomic():
            response = ask(browser)
            transaction.set_rollback(True)
        if response["Content-Type"].startswith("text/html"):
            assert response.status_code in (200, 404, 422)
            assert not foreign(response.content.decode(), language), response.request["PATH_INFO"]


# What people and homes are called, and what they typed: shown as it is in either language.
DATA = re.compile(
    "고 김영자 님 (영정사진|메모리얼 비디오)|김영자|[가나]장례식장|특실 2호|아버지.jpg|김도현|김민수|아들|동생"
    "|누님 뜻과 다릅니다.|가족이 함께 정했습니다."
)
# What is called the same in Korean, the people of the tests and the words of a host's commands. Addresses, file names
# and settings are passed over.
SAME = {
    *("sudo", "systemctl", "restart", "user"),
    "AI",
    "GPU",
    "QR",
    "PDF",
    "SSH",
    "IP",
    "ComfyUI",
    "ConnectDream",
    "staff",
    "manager",
    "reviewer",
    "operator",
    "admin",
    "CSV",
    "stranger",
    "KB",
    "MB",
    "mm",
}
SPOKEN = {"alt", "title", "placeholder", "aria-label", "content", "data-confirm", "data-confirm-yes", "data-key-says"}
LABELS = {"title", "h1", "h2", "h3", "button", "a", "label", "legend", "summary", "th", "dt", "option"}
VOID = {"input", "img", "meta", "link", "br", "hr", "source", "image", "rect", "path", "circle", "use"}


def foreign(page: str, language: str) -> list[str]:
    """What of a page is in the other language."""
    reader = Reader(language)
    reader.feed(page)
    if language == "en":
        return [text for text in reader.said if HANGUL.search(DATA.sub("", text))]
    # Addresses, file names, settings, and the codes of orders, whole or shortened.
    labels = [re.sub(r"\S+[@/._]\S+|\b[0-9a-f]{8}(-[0-9a-f-]{27}|…)", "", text) for text in reader.labels]
    return [text for text in labels if set(WORD.findall(text)) - SAME]


class Reader(HTMLParser):
    """All that a page says (`said`) and what its headings, labels and buttons say (`labels`).

    Passed over: what is marked as being in another language, keys, code and scripts.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language
        self.said: list[str] = []
        self.labels: list[str] = []
        self.open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        silent = tag in ("script", "style", "kbd", "code") or given.get("lang", self.language) != self.language
        if tag not in VOID:
            self.open.append((tag, silent))
        spoken = [value for name, value in attrs if name in SPOKEN and value]
        self.said += spoken
        if tag in ("button", "a"):
            self.labels += [value for name, value in attrs if name == "aria-label" and value]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing is inside."""

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and not any(silent for _, silent in self.open):
            self.said.append(text)
            if any(tag in LABELS for tag, _ in self.open):
                self.labels.append(text)
