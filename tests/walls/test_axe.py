"""axe-core finds no serious violation on any page, light and dark, on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser import DESK, PHONE, log_in
from tests.portal.test_permissions import ROLES, TABLE
from tests.portal.world import make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SERIOUS = ("serious", "critical")
OPTIONS = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# A colour on its way from one theme to the other is neither's.
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"


def pages_of(role: str) -> list[str]:
    """The addresses that this role is the first to be shown."""

    def first(row) -> str:
        return next(
            (each for each in ("manager", "reviewer", "operator", "admin", *ROLES) if getattr(row, each) == 200), ""
        )

    return [name for name, row in TABLE.items() if (row.method == "get" or not row.only) and first(row) == role]


@pytest.fixture
def world():
    return make_world()


def window(browser: Browser, live_server, user, size) -> Page:
    # Past the policy, which rightly refuses the style that holds everything still.
    context = browser.new_context(viewport=size, locale="ko-KR", base_url=live_server.url, bypass_csp=True)
    if user is not None:
        log_in(context, user, live_server.url)
    return context.new_page()


def violations(page: Page) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("(options) => axe.run(document, options)", OPTIONS)["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:160]} {each['nodes'][0]['failureSummary'][:200]}"
        for each in found
        if each["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("role", ["nobody", "manager", "reviewer", "operator", "admin"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_no_page_has_a_serious_violation(browser, live_server, world, role, size):
    page = window(browser, live_server, getattr(world, role), size)
    found, looked_at = {}, 0
    for name in pages_of(role):
        # Pictures and files are none, nor are the parts that a page fetches for itself.
        if "<html" not in page.request.get(TABLE[name].url(name, world)).body()[:400].decode(errors="replace"):
            continue
        page.goto(TABLE[name].url(name, world))
        page.add_style_tag(content=STILL)
        looked_at += 1
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            if wrong := violations(page):
                found[f"{name} {theme}"] = wrong
    page.context.close()
    assert found == {}
    assert looked_at
