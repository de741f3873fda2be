"""The words of consent: written by who answers for them, seen first as families will, and never changed once out."""

from typing import Any

import pytest
from django.test import Client

from orders import consent_texts, consenting
from orders.models import ConsentText, Order
from portal.models import AuditEvent, FuneralHome, User
from tests.factories import make_order, make_staff
from tests.orders.people import make_home, make_user

pytestmark = pytest.mark.django_db

NEW = "/consent-texts/deceased/new/"


@pytest.fixture
def manager(home: FuneralHome) -> User:
    return make_user("manager", home, User.Role.MANAGER)


@pytest.fixture
def admin() -> User:
    return make_user("admin", None, User.Role.ADMIN)


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def words(home: FuneralHome | None = None, **changes: str) -> dict[str, Any]:
    """The form as it comes, filled in with what is asked now, and what somebody changed in it."""
    now = consent_texts.current(home, "deceased")
    given = consent_texts.ConsentTextForm.of(now, now).initial
    given["showcase"] = "on" if given["showcase"] else ""
    return given | {"begun_with": now.sha256, "step": "publish"} | changes


def published(browser: Client, **given: Any) -> Any:
    return browser.post(NEW, words(**given))


def test_every_home_asks_with_the_portals_words_until_it_has_its_own(home: FuneralHome, manager: User) -> None:
    mine, other = make_order(manager), make_order(make_staff(make_home("다른장례식장")))
    portals = consenting.text_for(mine)
    assert portals == consenting.text_for(other)
    published(browser_of(manager), likeness_title="저희 장례식장에서 여쭙는 말")
    assert consenting.text_for(mine).boxes[0]["title"] == "저희 장례식장에서 여쭙는 말"
    assert (consenting.text_for(mine).home, consenting.text_for(mine).version) == (home, 1)
    assert consenting.text_for(other) == portals


def test_an_admin_writes_the_portals(admin: User, manager: User) -> None:
    published(browser_of(admin), others_title="함께 나온 분께도 여쭈었습니다")
    text = consenting.text_for(make_order(manager))
    assert (text.home, text.version, text.created_by) == (None, 2, admin)
    assert text.boxes[1]["title"] == "함께 나온 분께도 여쭈었습니다"


def test_it_is_seen_as_families_will_before_anything_is_published(manager: User) -> None:
    page = published(browser_of(manager), step="preview", likeness_title="저희가 여쭙는 말").content.decode()
    assert "저희가 여쭙는 말" in page
    assert page.count('type="checkbox" name="scope"') == 3
    assert ConsentText.objects.filter(home__isnull=False).count() == 0
    again = published(browser_of(manager), step="edit", likeness_title="저희가 여쭙는 말").content.decode()
    assert "저희가 여쭙는 말</textarea>" in again


def test_old_versions_stay_and_are_read(home: FuneralHome, manager: User) -> None:
    browser = browser_of(manager)
    for title in ("첫째 말", "둘째 말"):
        browser.post(NEW, words(home, likeness_title=title))
    page = browser.get("/consent-texts/").content.decode()
    assert all(words in page for words in ("우리 문구 1판", "우리 문구 2판", "포털 문구 1판"))
    assert "첫째 말" in browser.get("/consent-texts/own/deceased/1/").content.decode()
    assert "둘째 말" in browser.get("/consent-texts/own/deceased/2/").content.decode()
    assert browser.get("/consent-texts/own/deceased/3/").status_code == 404


def test_publishing_is_written_down_with_its_hash(home: FuneralHome, manager: User) -> None:
    published(browser_of(manager), likeness_title="저희가 여쭙는 말")
    entry = AuditEvent.objects.get(action="consent_text.published")
    text = ConsentText.objects.get(home=home)
    assert (entry.actor, entry.home, entry.details["text"]) == (manager, home, text.digest())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"preamble": "장례식장에서 여쭙니다. 언제든 철회하실 수 있습니다."}, "ConnectDream, GPU"),
        ({"preamble": " "}, "머리말을 적어 주세요."),
        ({"likeness_refusal": ""}, "비워 둘 수 없습니다."),
        ({"others_period": "\n"}, "비워 둘 수 없습니다."),
        ({"likeness_title": "가" * 121}, "120자까지 적을 수 있습니다."),
    ],
)
def test_words_that_leave_out_what_the_law_asks_are_refused(manager: User, changes: dict[str, str], said: str) -> None:
    refused = published(browser_of(manager), **changes)
    assert refused.status_code == 422
    assert said in refused.content.decode()
    assert not ConsentText.objects.filter(home__isnull=False).exists()


def test_the_likeness_is_always_asked_and_the_showcase_may_be_left_out(home: FuneralHome, manager: User) -> None:
    published(browser_of(manager), showcase="", showcase_title="")
    text = ConsentText.objects.get(home=home)
    assert [(box["key"], box["required"]) for box in text.boxes] == [("likeness", True), ("others", False)]


def test_of_two_who_write_at_once_the_second_reads_the_first(home: FuneralHome, manager: User) -> None:
    late = words(home, likeness_title="늦은 말")
    published(browser_of(manager), likeness_title="먼저 낸 말")
    refused = browser_of(manager).post(NEW, late)
    assert refused.status_code == 409
    assert "다른 분이 새 문구를 냈습니다" in refused.content.decode()
    assert ConsentText.objects.filter(home=home).count() == 1


def test_the_same_words_twice_are_one_version(home: FuneralHome, manager: User) -> None:
    given = words(home, likeness_title="저희가 여쭙는 말")
    for _ in range(2):
        browser_of(manager).post(NEW, given)
    assert ConsentText.objects.filter(home=home).count() == 1


def test_the_number_of_queries_does_not_grow_with_the_versions(
    home: FuneralHome, manager: User, django_assert_num_queries: Any
) -> None:
    browser = browser_of(manager)
    browser.get("/consent-texts/")
    with django_assert_num_queries(12, exact=False) as few:
        browser.get("/consent-texts/")
    few_queries = len(few)
    for title in ("첫째 말", "둘째 말", "셋째 말"):
        browser.post(NEW, words(home, likeness_title=title))
    with django_assert_num_queries(few_queries):
        browser.get("/consent-texts/")


def test_a_home_reads_no_other_homes_words(manager: User) -> None:
    published(browser_of(manager), likeness_title="저희가 여쭙는 말")
    stranger = browser_of(make_user("other", make_home("다른장례식장"), User.Role.MANAGER))
    assert stranger.get("/consent-texts/own/deceased/1/").status_code == 404
    assert "우리 문구" not in stranger.get("/consent-texts/").content.decode()


def test_who_answered_while_the_words_changed_is_asked_again(desk: Client, alice: User, manager: User) -> None:
    order = make_order(alice)
    before = consenting.text_for(order).sha256
    published(browser_of(manager), likeness_title="저희가 여쭙는 말")
    given = {"text": before, "signer_name": "이민정", "relationship": "딸", "method": "typed", "scope": ["likeness"]}
    refused = desk.post(f"/orders/{order.code}/consent/", given)
    assert "동의 문구가 그사이 바뀌었습니다." in refused.content.decode()
    assert not Order.objects.get(pk=order.pk).consents.exists()
