"""The frames stand: for a person, for a family, for nobody at all."""

import re
from pathlib import Path

import pytest
from django.conf import settings as project
from django.template.loader import render_to_string
from django.test import Client

from portal.models import User

pytestmark = pytest.mark.django_db

TEMPLATES = Path(project.BASE_DIR) / "templates"
INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)(?![^>]*application/json)", re.IGNORECASE
)
ELSEWHERE = re.compile(r"""(?:src|href|url\()\s*=?\s*["'(]?\s*(?:https?:)?//(?!www\.w3\.org)""", re.IGNORECASE)


@pytest.fixture
def reviewer() -> User:
    return User.objects.create_user(
        "reviewer@example.com", "long enough a word", name="정하늘", role=User.Role.REVIEWER
    )


def test_no_template_carries_inline_script_or_style_or_loads_from_another_host():
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        assert not INLINE.search(text), template
        assert not ELSEWHERE.search(text), template


def test_no_style_sheet_or_script_loads_from_another_host():
    for file in [
        *Path("static/css").glob("*.css"),
        *Path("static/fonts").glob("*.css"),
        *Path("static/js").glob("*.js"),
    ]:
        assert "//" not in re.sub(r"^\s*//.*|\s// .*", "", file.read_text(), flags=re.MULTILINE).replace(
            "http://www.w3.org", ""
        ), file


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "429", "500"])
def test_an_error_page_needs_no_context_and_says_what_to_do(name):
    page = render_to_string(f"{name}.html")
    assert 'class="btn main"' in page
    assert re.search(r"<h1>.+습니다</h1>|<h1>.+주세요</h1>|<h1>.+해 주세요</h1>", page)


def test_an_unknown_address_gets_the_kind_page(client: Client):
    answer = client.get("/no/such/place/", headers={"accept-language": "ko"})
    assert answer.status_code == 404
    assert "찾으시는 화면이 없습니다" in answer.content.decode()


@pytest.mark.parametrize(
    "address", ["login", "password/reset", "password/reset/done", "password/reset/key/1-bad", "inactive"]
)
def test_the_entrance_is_korean_and_in_our_frame(client: Client, address: str):
    page = client.get(f"/accounts/{address}/", headers={"accept-language": "ko"}, follow=True).content.decode()
    assert 'class="entrance"' in page
    assert not INLINE.search(page)
    assert not re.search(r">\s*(Sign|Password|Email|Menu|Change|Reset)\b", page)


def test_a_wrong_password_is_tied_to_its_form_and_said_in_words(client: Client):
    page = client.post(
        "/accounts/login/", {"login": "a@example.com", "password": "x"}, headers={"accept-language": "ko"}
    )
    assert 'role="alert"' in page.content.decode()
    assert "비밀번호가 맞지 않습니다" in page.content.decode()


@pytest.mark.parametrize(
    "address",
    ["password/change", "logout", "2fa", "2fa/totp/activate", "2fa/recovery-codes/generate", "reauthenticate"],
)
def test_a_persons_own_pages_are_in_our_frame(client: Client, reviewer: User, address: str):
    client.force_login(reviewer)
    page = client.get(f"/accounts/{address}/", headers={"accept-language": "ko"}, follow=True).content.decode()
    assert 'id="main"' in page
    assert not INLINE.search(page)
    assert not re.search(r">\s*(Sign|Password|Email|Menu|Change|Reset|Activate)\b", page)


def test_the_language_is_switched_and_kept(client: Client):
    answer = client.post("/language/", {"language": "en", "next": "/accounts/login/"})
    assert answer["Location"] == "/accounts/login/"
    assert '<html lang="en">' in client.get("/accounts/login/", headers={"accept-language": "ko"}).content.decode()


def test_the_policy_forbids_what_is_not_ours(client: Client):
    policy = client.get("/accounts/login/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
