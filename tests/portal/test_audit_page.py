"""The audit's page: every action in words, who may see which entries, searching, pages by key, taking it away."""

import ast
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone
from redis import ConnectionError as RedisAway

from portal import audit
from portal.audit_search import PER_PAGE
from portal.audit_words import ACTIONS, words_of
from portal.models import AuditEvent, User
from tests.factories import make_photo
from tests.orders.people import PASSWORD, make_home, make_order, make_user
from tests.portal.test_permissions import browser_of

DOTTED = re.compile(r"[a-z_]+\.[a-z_]+")
# Dotted words of other kinds in modules that write to the audit.
OTHERS = {
    "gunicorn.access",
    "gunicorn.error",
    "gpujobs.jobs",
    "gpujobs.attempts",
    "gpujobs.outputs",
    "host.add",
    "orders.urls",
    "portal.account_urls",
}


def recorded_anywhere() -> set[str]:
    """Every dotted word that stands in a module which knows the audit."""
    found = set()
    for folder in ("portal", "orders"):
        for path in Path(settings.BASE_DIR, folder).rglob("*.py"):
            source = path.read_text()
            if "audit" not in source or "migrations" in path.parts or path.name == "audit_words.py":
                continue
            words = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
            found |= {word for word in words if isinstance(word, str) and DOTTED.fullmatch(word)}
    return found - OTHERS


def test_each_action_recorded_anywhere_has_words():
    assert recorded_anywhere() - set(ACTIONS) == set(), "give each its words in portal/audit_words.py"


def test_what_is_put_together_has_words_too():
    acts = ["instance.drain", "instance.resume", "instance.restart", "host.examine", "host.scan"]
    assert not [action for action in acts if words_of(action) == action]


def write(action: str = "order.read", **facts: object) -> AuditEvent:
    with transaction.atomic():
        return audit.record(action, **facts)


@pytest.fixture
def boss(home) -> User:
    return make_user("boss", home, User.Role.MANAGER)


@pytest.fixture
def book(boss) -> Client:
    return browser_of(boss)


@pytest.fixture
def chief(db) -> Client:
    return browser_of(make_user("chief", None, User.Role.ADMIN))


def test_a_manager_sees_the_homes_entries_and_an_admin_all(book, chief, alice, home):
    other = make_user("other", make_home("다른장례식장"))
    write("order.submitted", by=alice, home=home, subject=alice.code, reason="가족의 부탁")
    write("order.cancelled", by=other, home=other.home)
    write("link.visited", by="family", home=home)
    mine, all_of_it = (browser.get("/audit/").content.decode() for browser in (book, chief))
    for words in ("의뢰를 보냄", "가족의 부탁", "alice", "전달 링크를 엶"):
        assert words in mine
        assert words in all_of_it
    assert "다른장례식장" not in mine
    assert "다른장례식장" in all_of_it
    assert ">other<" not in mine


def found(browser: Client, **asked: object) -> list[str]:
    page = browser.get("/audit/", asked)
    assert page.status_code == 200
    return [entry.event.action for entry in page.context["entries"] if entry.event.action != "audit.read"]


def test_a_day_is_searched_as_korea_has_it(book, home):
    """At half past midnight in Seoul it is still the day before in UTC, in which the times are kept."""
    for at in ("2025-12-31T23:59:59", "2026-01-01T00:00:00", "2026-01-01T00:30:00", "2026-01-01T23:59:59"):
        AuditEvent.objects.create(at=datetime.fromisoformat(f"{at}+09:00"), action="order.read", home=home)
    assert len(found(book, since="2025-12-31", until="2025-12-31")) == 1
    assert len(found(book, since="2026-01-01", until="2026-01-01")) == 3
    assert len(found(book, since="2026-01-02")) == 0


def test_it_is_searched_by_person_order_action_and_day(book, alice, boss, home):
    order = make_order(alice)
    write("order.submitted", by=alice, home=home, subject=order.code)
    write("people.left", by=boss, home=home)
    write("link.visited", by="family", home=home, subject=order.code)
    assert found(book, person="alice") == ["order.submitted"]
    assert found(book, person="alice@example.com") == ["order.submitted"]
    assert found(book, person="가족") == ["link.visited"]
    assert found(book, subject=str(order.code)) == ["link.visited", "order.submitted"]
    assert found(book, action="order.submitted") == ["order.submitted"]
    today = timezone.localdate()
    assert len(found(book, since=today.isoformat(), until=today.isoformat())) == 3
    assert found(book, since=(today + timedelta(days=1)).isoformat()) == []
    assert len(found(book, subject="nonsense", since="nonsense", before="x")) == 3


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_at_the_end_of_all_days_is_no_error(book, day):
    assert book.get("/audit/", {"since": day, "until": day}).status_code == 200


def test_a_person_is_found_by_the_name_of_then(book, alice, home):
    write(by=alice, home=home)
    alice.name = "다른 이름"
    alice.save()
    assert found(book, person="alice") == ["order.read"]
    assert found(book, person="다른 이름") == ["order.read"]


def test_pages_go_by_key_and_cost_the_same_however_far(book, alice, home, django_assert_max_num_queries):
    for number in range(PER_PAGE * 2 + 3):
        write(by=alice, home=home, n=number)
    seen: list[int] = []
    more = ""
    book.get("/audit/")
    while more is not None:
        with django_assert_max_num_queries(9):
            page = book.get("/audit/", {"before": more, "action": "order.read"})
        seen += [entry.event.details["n"] for entry in page.context["entries"]]
        more = page.context["more"]
    assert seen == list(reversed(range(PER_PAGE * 2 + 3)))


def exporting(user: User) -> Client:
    browser = browser_of(user)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


def test_it_is_taken_away_with_a_reason_and_that_is_an_entry(boss, alice, home):
    write("order.submitted", by=alice, home=home, subject=alice.code, reason="=1+1")
    write("order.cancelled", by=alice, home=home)
    browser = exporting(boss)
    answer = browser.post("/audit/export/", {"reason": "감독 기관 점검", "action": "order.submitted"})
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    lines = text.splitlines()
    assert len(lines) == 2
    assert "의뢰를 보냄" in lines[1]
    assert "'=1+1" in lines[1], "no formula for a spreadsheet"
    entry = AuditEvent.objects.get(action="audit.exported")
    assert (entry.reason, entry.details) == ("감독 기관 점검", {"entries": 1, "asked": {"action": "order.submitted"}})


def test_without_a_reason_or_a_password_nothing_is_taken(boss):
    assert exporting(boss).post("/audit/export/", {"reason": " "}).status_code == 422
    assert "reauthenticate" in browser_of(boss).post("/audit/export/", {"reason": "점검"}).url
    assert not AuditEvent.objects.filter(action="audit.exported").exists()


def test_looking_is_an_entry_once_in_ten_minutes_for_each_person_and_order(alice, boss, home):
    first, second = make_order(alice), make_order(alice)
    desk = browser_of(alice)
    for _time in range(3):
        for order in (first, second):
            desk.get(f"/orders/{order.code}/")
    browser_of(boss).get(f"/orders/{first.code}/")
    read = AuditEvent.objects.filter(action="order.read").order_by("id")
    assert [(entry.actor, entry.subject) for entry in read] == [
        (alice, first.code),
        (alice, second.code),
        (boss, first.code),
    ]
    cache.delete(audit.read_key(alice, "order.read", first.code))
    desk.get(f"/orders/{first.code}/")
    assert read.all().count() == 4


def test_without_its_memory_every_look_is_an_entry(alice, monkeypatch):
    def away(*args: object, **kwargs: object) -> bool:
        raise RedisAway

    monkeypatch.setattr(cache, "add", away)
    desk, order = browser_of(alice), make_order(alice)
    for _time in range(2):
        desk.get(f"/orders/{order.code}/")
    assert AuditEvent.objects.filter(action="order.read").count() == 2


def test_pictures_and_searches_are_looked_at_too(alice):
    order = make_order(alice)
    photo = make_photo(order)
    desk = browser_of(alice)
    for size in (320, 1280):
        assert desk.get(f"/photos/{photo.code}/{size}/").status_code == 200
    entry = AuditEvent.objects.get(action="photo.read")
    assert (entry.subject, entry.home) == (order.code, alice.home)
    for _time in range(2):
        desk.get("/orders/", {"q": order.name})
    entry = AuditEvent.objects.get(action="desk.searched")
    assert entry.details == {"count": 1, "orders": [str(order.code)]}
    assert order.name not in str(list(AuditEvent.objects.values()))


def test_the_orders_own_log_is_not_full_of_looks(alice):
    order = make_order(alice)
    desk = browser_of(alice)
    desk.get(f"/orders/{order.code}/")
    page = desk.get(f"/orders/{order.code}/").content.decode()
    assert "의뢰를 봄" not in page
