"""The pages of people, homes, devices and second factors, looked at on a phone and at a desk; a login that ran out."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, expect

from portal import handover, invitations
from portal.models import Company, FuneralHome, Membership, User
from tests.browser import SCREENSHOTS, SIZES, settled
from tests.orders.people import PASSWORD, make_home, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOK = (Path(__file__).parent / "looking.js").read_text()
ADMINS = ["/admin/homes/", "/admin/homes/{home}/", "/admin/people/", "/admin/people/{alice}/"]
OWN = ["/accounts/logins/", "/accounts/2fa/", "/accounts/2fa/webauthn/", "/accounts/password/change/", "/people/"]


@pytest.fixture
def contexts(browser: Browser, live_server) -> Iterator[dict[str, BrowserContext]]:
    opened = {
        f"{size}-{theme}": browser.new_context(
            viewport=SIZES[size],
            color_scheme=theme,
            locale="ko-KR",
            base_url=live_server.url,
            is_mobile=size == "phone",
            has_touch=size == "phone",
        )
        for size in ("phone", "desk")
        for theme in ("light", "dark")
    }
    yield opened
    for context in opened.values():
        context.close()


def cookies_of(browser: Client, *names: str) -> list[dict[str, str]]:
    return [{"name": name, "value": browser.cookies[name].value, "domain": "localhost", "path": "/"} for name in names]


def look(contexts: dict[str, BrowserContext], browser: Client, pages: list[str], *names: str) -> None:
    wrong = {}
    for which, context in contexts.items():
        context.clear_cookies()
        context.add_cookies(cookies_of(browser, *names))
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda line, r=refused: r.append(line.text) if "Content Security" in line.text else None)
        for number, address in enumerate(pages):
            page.goto(address)
            settled(page)
            name = address.split("?")[0].strip("/").replace("/", "-")[:30]
            page.screenshot(path=SCREENSHOTS / f"account-{name}-{number}-{which}.png", full_page=True)
            if found := page.evaluate(LOOK):
                wrong[address, which] = found
        assert refused == []
        page.close()
    assert wrong == {}


@pytest.fixture
def people() -> dict[str, User]:
    company = Company.objects.create(name="한빛상조")
    home = make_home()
    FuneralHome.objects.update(company=company, phone="02-0000-0000")
    annex = make_home("한빛장례식장 별관")
    made = {"alice": make_user("alice", home), "manager": make_user("manager", home, User.Role.MANAGER)}
    Membership.objects.create(user=made["manager"], home=annex, role="manager")
    made["admin"] = make_user("admin", None, User.Role.ADMIN)
    for person, name in (("alice", "김담당"), ("manager", "박관리"), ("admin", "한총괄")):
        User.objects.filter(pk=made[person].pk).update(name=name)
    invitations.invite(home, "someone.with.a.long.name@hanbit-funeral.example.com", "staff", by=made["manager"])
    return made


def logged_in(user: User) -> Client:
    browser = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36"})
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return browser


def test_an_admins_pages_fit_can_be_read_and_can_be_pressed(contexts, people) -> None:
    codes = {"home": FuneralHome.objects.get(name="한빛장례식장").code, "alice": people["manager"].code}
    pages = [page.format(**codes) for page in ADMINS]
    look(contexts, logged_in(people["admin"]), pages, settings.SESSION_COOKIE_NAME)


def test_a_persons_own_pages_do_too(contexts, people) -> None:
    look(contexts, logged_in(people["manager"]), OWN, settings.SESSION_COOKIE_NAME)


def test_the_login_of_a_desk_with_names_does_too(contexts, people) -> None:
    desk = logged_in(people["alice"])
    desk.post("/accounts/handover/", {"next": "/orders/"})
    desk.post("/accounts/login/", {"login": people["manager"].email, "password": PASSWORD})
    desk.post("/accounts/handover/", {"next": "/orders/"})
    pages = ["/accounts/login/?next=/orders/", f"/accounts/login/?who={people['alice'].code}&next=/orders/"]
    look(contexts, desk, pages, handover.COOKIE)


def test_a_page_left_open_goes_to_the_login_by_itself_and_comes_back(contexts, people) -> None:
    alice = logged_in(people["alice"])
    context = contexts["desk-light"]
    context.add_cookies(cookies_of(alice, settings.SESSION_COOKIE_NAME, handover.COOKIE))
    page = context.new_page()
    page.goto("/orders/?filter=draft")
    session = alice.session
    session["active_at"] = 0
    session.save()
    page.evaluate("htmx.ajax('GET', '/orders/rows/', '#list')")
    page.wait_for_url(re.compile("/accounts/login/"))
    expect(page.get_by_text("오래 쓰지 않아 로그인을 끝냈습니다")).to_be_visible()
    page.get_by_role("link", name="김담당").click()
    page.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="로그인", exact=True).click()
    expect(page).to_have_url("/orders/?filter=draft")
