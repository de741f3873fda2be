"""axe-core finds no serious violation on any page, light and dark, on a phone and on a desk.

Every page of the table of permissions, by both methods, as the first role that is shown it has it; and those that only
come of what happened before. axe-core is npm's, as axe-playwright-python carries it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from axe_playwright_python.sync_playwright import Axe
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from django.views import defaults
from playwright.sync_api import Browser, Page

from orders import consent_texts
from orders.models import DownloadLink
from portal import limits
from portal.models import Invitation
from tests.browser import DESK, PHONE
from tests.family.making import make_family_link, make_link
from tests.orders.people import PASSWORD, make_objection, make_order
from tests.portal.test_permissions import ROLES, TABLE, browser_of
from tests.walls.showing import Shown, is_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

SERIOUS = ("serious", "critical")
OPTIONS = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# All that the other theme can change, and what a larger window can: it shows what a phone folds away.
COLOURS = OPTIONS | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
NAMES = ["link-name", "button-name", "label", "select-name", "image-alt", "summary-name"]
SHAPE = ["color-contrast", "target-size", "scrollable-region-focusable", *NAMES]
LAYOUT = OPTIONS | {"runOnly": {"type": "rule", "values": SHAPE}}
FIRST = ("manager", "reviewer", "operator", "admin", *ROLES)

# What a page is of, and how it was answered.
Answered = tuple[str, HttpResponseBase]


def violations(page: Page, options: dict[str, object] = OPTIONS) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("(options) => axe.run(document, options)", options)["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:160]} {each['nodes'][0]['failureSummary'][:200]}"
        for each in found
        if each["impact"] in SERIOUS
    ]


@pytest.fixture
def shown(browser: Browser) -> Iterator[Shown]:
    window = Shown(browser)
    yield window
    window.close()


def look_at(shown: Shown, pages: Iterable[Answered], *, desk: bool = False) -> tuple[dict[str, list[str]], set[str]]:
    """What is wrong with which, and the templates that were seen. A family's page is the same column at a desk."""
    found, seen = {}, set()
    for name, answer in pages:
        assert is_page(answer), name
        templates = {template.name for template in getattr(answer, "templates", ()) if template.name}
        seen |= templates
        shown.show(answer)
        for size, full in ((PHONE, OPTIONS), (DESK, LAYOUT))[: 2 if desk and "base.html" in templates else 1]:
            shown.page.set_viewport_size(size)
            for theme, options in (("light", full), ("dark", COLOURS)):
                shown.page.emulate_media(color_scheme=theme)
                if wrong := violations(shown.page, options):
                    found[f"{name} {size['width']} {theme}"] = wrong
    return found, seen


def first_shown(answers: dict[str, object], statuses: tuple[int, ...]) -> str:
    return next((role for role in FIRST if answers[role] in statuses), "")


def pages_of(role: str, world: SimpleNamespace) -> Iterator[Answered]:
    """Those that this role is the first to be shown."""
    client = browser_of(getattr(world, role))
    for name, row in TABLE.items():
        answers = row.answers if row.method == "get" else row.other.answers if row.other else {}
        if answers and first_shown(answers, (200,)) == role:
            answer = client.get(row.url(name, world))
            if is_page(answer):
                yield name, answer


def answers_to_forms(role: str, world: SimpleNamespace) -> Iterator[Answered]:
    """The same for what a form is answered with, where that is a page; whatever it changed is taken back."""
    client = browser_of(getattr(world, role))
    for name, row in TABLE.items():
        answers = row.answers if row.method == "post" else row.other.answers if row.other else {}
        if answers and first_shown(answers, (200, 422)) == role:
            with transaction.atomic():
                answer = client.post(row.url(name, world), row.data(world) if row.method == "post" else {})
                transaction.set_rollback(True)
            if is_page(answer):
                yield f"{name} by POST", answer


@pytest.mark.parametrize("role", ["nobody", "manager", "reviewer", "operator", "admin"])
def test_no_page_has_a_serious_violation(shown, world, role):
    found, seen = look_at(shown, pages_of(role, world), desk=True)
    assert found == {}
    assert seen


@pytest.mark.parametrize("role", ["nobody", "manager", "operator", "admin"])
def test_no_answer_to_a_form_has_one(shown, world, role):
    found, seen = look_at(shown, answers_to_forms(role, world))
    assert found == {}
    assert ("orders/link_issued.html" in seen) == (role == "manager")


def of_families(world: SimpleNamespace) -> Iterator[Answered]:
    nobody = Client()
    yield "closed", nobody.get("/f/none/photos/")
    _link, used_up = make_link(world.order, world.staff, downloads=1, max_downloads=1)
    yield "used up", nobody.get(f"/g/{used_up}/all.zip")
    yield "all used up", nobody.get(f"/g/{used_up}/")
    locked = f"/g/{world.locked_token}/"
    yield "a code is asked for", nobody.get(locked)
    yield "a wrong code", nobody.post(f"{locked}code/", {"code": "1357"})
    DownloadLink.objects.filter(pin_hash__gt="").update(wrong_tries=8)
    yield "locked", nobody.get(locked)
    _link, full = make_family_link(world.draft, world.staff, uses=20)
    yield "all photos sent", nobody.get(f"/f/{full}/photos/")
    asked = make_order(world.staff, photos=1)
    _link, token = make_family_link(asked, world.staff, "consent", max_uses=1)
    consent = f"/f/{token}/consent/"
    given = {"signer_name": "이민정", "relationship": "딸", "scope": ["likeness"], "typed": "1"}
    nobody.post(consent, given | {"text": consent_texts.current(world.home, asked.made_for).sha256})
    yield "consent answered", nobody.get(consent)
    told = {"name": "김민수", "relationship": "동생", "reason": "누님 뜻과 다릅니다."}
    yield "an objection told", nobody.post(f"{consent}objection/", told, follow=True)
    yield "no name typed", nobody.post(f"{consent}withdraw/")
    yield "taken back", nobody.post(f"{consent}withdraw/", {"name": "이민정"}, follow=True)
    make_objection(world.order)
    yield "paused", nobody.get(f"/g/{world.token}/")
    yield "a choice paused", nobody.get(f"/f/{world.choice_token}/choice/")


def test_what_families_see_of_what_happened_before_has_none(shown, world):
    found, seen = look_at(shown, of_families(world))
    assert found == {}
    named = (
        "closed",
        "used_up",
        "code",
        "consent_answered",
        "objection_told",
        "withdrawn",
        "paused",
        "upload",
        "choice",
    )
    assert {f"family/{name}.html" for name in named} <= seen


def of_logins(world: SimpleNamespace) -> Iterator[Answered]:
    nobody, staff = Client(), world.staff
    login = {"login": staff.email, "password": PASSWORD}
    yield "a wrong password", nobody.post("/accounts/login/", login | {"password": "wrong"})
    yield "an invitation that ended", nobody.get("/join/none/")
    _invitation, token = Invitation.issue(
        home=world.home, email=world.stranger.email, role="staff", invited_by=world.manager
    )
    for name, user in (("another's", None), ("one's own", world.stranger)):
        browser = browser_of(user)
        yield f"an invitation to {name} account", browser.get(f"/join/{token}/")
    mine = Client()
    mine.post("/accounts/login/", login)
    mine.post("/accounts/reauthenticate/", {"password": PASSWORD})
    yield "an app to add", mine.get("/accounts/2fa/totp/activate/")
    yield "a wrong code for it", mine.post("/accounts/2fa/totp/activate/", {"code": "12"})
    yield "a passkey to add", mine.get("/accounts/2fa/webauthn/add/")
    TOTP.activate(staff, generate_totp_secret())
    RecoveryCodes.activate(staff)
    for page in ("", "totp/deactivate/", "recovery-codes/", "recovery-codes/generate/", "reauthenticate/"):
        yield f"2fa/{page}", mine.get(f"/accounts/2fa/{page}")
    half_way = Client()
    half_way.post("/accounts/login/", login)
    yield "a code asked for", half_way.get("/accounts/2fa/authenticate/")
    yield "a wrong code", half_way.post("/accounts/2fa/authenticate/", {"code": "12"})


def test_logins_and_second_factors_have_none(shown, world):
    found, seen = look_at(shown, of_logins(world))
    assert found == {}
    factors = ("totp/activate_form", "totp/deactivate_form", "recovery_codes/index", "recovery_codes/generate")
    assert {f"mfa/{name}.html" for name in ("authenticate", "reauthenticate", "index", *factors)} <= seen
    assert {"portal/join_closed.html", "portal/join_account.html"} <= seen


def of_work(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answered]:
    manager, operator = browser_of(world.manager), browser_of(world.operator)
    now = consent_texts.current(world.home, "deceased")
    words = consent_texts.ConsentTextForm.of(now, now).initial | {"begun_with": now.sha256, "showcase": ""}
    yield "new words seen first", manager.post("/consent-texts/deceased/new/", words | {"step": "see"})
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    monkeypatch.setattr("portal.fleet_pages.scan_host_key", lambda *args, **kwargs: key)
    monkeypatch.setattr("django.conf.settings.GPU_KEYS", ["/keys/one"])
    host = {"name": "l9", "address": "192.0.2.9", "port": 22, "username": "ai", "key_path": "/keys/one"}
    yield "a host's fingerprint", operator.post("/operator/hosts/add/", host)


def test_steps_on_the_way_have_none(shown, world, monkeypatch):
    found, seen = look_at(shown, of_work(world, monkeypatch))
    assert found == {}
    assert {"orders/consent_text_preview.html", "portal/host_confirm.html"} <= seen


def of_errors(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answered]:
    browser, strict = browser_of(world.staff), Client(enforce_csrf_checks=True, raise_request_exception=False)
    request = RequestFactory().get("/")
    yield "400", defaults.bad_request(request, ValueError())
    yield "403", defaults.permission_denied(request, PermissionDenied())
    yield "403 forged", strict.post("/accounts/login/")
    yield "404", browser.get("/no/such/place/")
    yield "429", limits.too_many(request, "join")
    monkeypatch.setattr("portal.health.django_rq.get_connection", lambda name: 1 / 0)
    yield "500", strict.get("/health/")


def test_errors_have_none(shown, world, monkeypatch):
    pages = list(of_errors(world, monkeypatch))
    assert [answer.status_code for _name, answer in pages] == [400, 403, 403, 404, 429, 500]
    found, _seen = look_at(shown, pages)
    assert found == {}


def test_what_is_wrong_is_found_even_where_the_dark_alone_shows_it(shown):
    pale = "@media (prefers-color-scheme: dark) { body { background: #444; color: #555 } }"
    head = f"<title>x</title><style>{pale}</style>"
    page = f'<!doctype html><html lang="ko"><head>{head}</head><body><p>읽을 수 없는 글</p><input></body></html>'
    found, _seen = look_at(shown, [("bad", HttpResponse(page))])
    assert [(name, [each.partition(":")[0] for each in wrong]) for name, wrong in found.items()] == [
        ("bad 390 light", ["label"]),
        ("bad 390 dark", ["color-contrast"]),
    ]


def test_axe_is_the_file_that_npm_has():
    """The SHA-256 of axe.min.js in npm's axe-core 4.12.1, which the package from PyPI ends with one line break more."""
    script = Axe().axe_script.rstrip("\n").encode()
    assert script.startswith(b"/*! axe v4.12.1\n")
    assert hashlib.sha256(script).hexdigest() == "66a8aaa95a8b044a7fd74a5435873bf04ff65a1ca75567c921b7509742085a14"
