"""The pages: an order's dates, hold and erasure; the certificate; a home's periods; an admin who sees no names."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from gpujobs.models import Attempt, GpuHost
from orders import certificate, erasing, retention
from orders.models import Erasure, LegalHold, Order
from portal import sessions
from portal.models import AuditEvent, User
from tests.factories import PASSWORD, make_home, make_order, make_reviewable_item, make_reviewer, make_staff
from tests.portal.test_permissions import browser_of


@pytest.fixture
def manager(db) -> User:
    return make_staff(make_home(), role=User.Role.MANAGER, name="박관리")


@pytest.fixture
def office(manager) -> Client:
    """A manager's browser, whose password was confirmed a moment ago."""
    client = Client()
    client.post("/accounts/login/", {"login": manager.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


@pytest.fixture
def order(manager) -> Order:
    order = make_reviewable_item(manager).order
    Attempt.objects.update(cleaned_at=timezone.now())
    GpuHost.objects.update(state=GpuHost.State.RETIRED)
    return order


def ask(reason: str = "유가족의 요청") -> dict[str, str]:
    return {"why": "requested", "reason": reason}


def test_the_orders_page_says_when_its_data_go(order, office):
    page = office.get(f"/orders/{order.code}/").content.decode()
    assert "모든 자료" in page
    assert f"/orders/{order.code}/keeping/" in page


def test_a_manager_erases_at_hand_and_reads_the_certificate(order, office, manager):
    answer = office.post(f"/orders/{order.code}/erase/", ask(), follow=True)
    assert "파기를 시작했습니다" in answer.content.decode()
    erasing.work(Erasure.objects.get().pk)
    assert office.get(f"/orders/{order.code}/").url == f"/orders/{order.code}/keeping/"
    page = office.get(f"/orders/{order.code}/certificate/").content.decode()
    erasure = Erasure.objects.get()
    for words in (str(erasure.code), str(order.code), "유가족의 요청", "박관리", "사진 원본과 작업본", "만든 후보"):
        assert words in page
    assert all(each["sha256"] in page for each in erasure.files)
    assert "운영에서 뺀 장비" in page
    entry = AuditEvent.objects.get(action="order.erasure_begun")
    assert (entry.reason, entry.actor) == ("유가족의 요청", manager)


def test_without_a_password_a_moment_ago_it_is_asked_first(order, manager):
    browser = browser_of(manager)
    answer = browser.post(f"/orders/{order.code}/erase/", ask())
    assert answer.url.startswith("/accounts/reauthenticate/")
    assert not Erasure.objects.exists()
    answer = browser.post(answer.url, {"password": PASSWORD}, follow=True)
    assert Erasure.objects.get().reason == "유가족의 요청", "what was sent is done as it was sent"


def test_it_wants_a_reason(order, office):
    answer = office.post(f"/orders/{order.code}/erase/", ask(reason=" "))
    assert answer.status_code == 422
    assert not Erasure.objects.exists()


def test_a_hold_is_shown_and_forbids_it(order, office):
    office.post(f"/orders/{order.code}/hold/", {"reason": "자료 보존 요청 2026-123"})
    page = office.get(f"/orders/{order.code}/keeping/").content.decode()
    assert "자료 보존 요청 2026-123" in page
    assert "지금 파기하기" not in page
    answer = office.post(f"/orders/{order.code}/erase/", ask(), follow=True)
    assert "법적 보존이 걸려 있어" in answer.content.decode()
    assert not Erasure.objects.exists()
    assert "풀 때까지 파기하지 않습니다" in office.get(f"/orders/{order.code}/").content.decode()
    office.post(f"/orders/{order.code}/hold/lift/")
    assert LegalHold.objects.get().lifted_at


def test_an_admin_holds_any_order_by_its_code_and_reads_no_name(order, office):
    admin = browser_of(User.objects.create_user("chief@example.com", PASSWORD, name="총괄", role=User.Role.ADMIN))
    found = admin.get("/keeping/", {"code": str(order.code)})
    assert found.url == f"/orders/{order.code}/keeping/"
    admin.post(found.url.replace("keeping", "hold"), {"reason": "수사기관"})
    pages = [admin.get(found.url), admin.get("/keeping/")]
    assert all(str(order.code) in page.content.decode() for page in pages)
    assert not any(order.name in page.content.decode() for page in pages)
    assert "수사기관" in pages[0].content.decode()


def test_the_periods_page_is_the_dry_run(order, office, manager, django_assert_max_num_queries):
    Order.objects.filter(pk=order.pk).update(delivered_at=timezone.now() - timedelta(days=25))
    for _number in range(3):
        make_order(manager, name="박순자")
    retention.begin_erasure(make_order(manager), why="requested", by=manager)
    with django_assert_max_num_queries(20):
        page = office.get("/keeping/").content.decode()
    assert "김영자" in page
    assert "박순자" in page
    assert "보관이 끝난 의뢰" not in page
    assert "아직 끝나지 않음" in page
    assert Erasure.objects.count() == 1


def test_a_manager_sets_the_homes_periods(office, manager):
    good = {"keep_source_days": "7", "keep_file_days": "60", "keep_draft_days": "14", "link_days": "45"}
    office.post("/keeping/", good)
    manager.home.refresh_from_db()
    assert (manager.home.keep_source_days, manager.home.keep_file_days, manager.home.keep_draft_days) == (7, 60, 14)
    assert manager.home.link_days == 45
    assert AuditEvent.objects.get(action="home.periods_changed").details["keep_source_days"] == 7
    for wrong in ({"keep_file_days": "3"}, {"keep_draft_days": "0"}, {"keep_source_days": "9999"}):
        assert office.post("/keeping/", good | wrong).status_code == 422
    manager.home.refresh_from_db()
    assert manager.home.keep_file_days == 60


def test_periods_are_set_and_a_hold_is_lifted_by_whoever_shows_a_password(order, manager):
    retention.place_hold(order, reason="소송", by=manager)
    browser = browser_of(manager)
    days = {"keep_source_days": "1", "keep_file_days": "1", "keep_draft_days": "1", "link_days": "1"}
    for address, said in (("/keeping/", days), (f"/orders/{order.code}/hold/lift/", {})):
        assert browser.post(address, said).url.startswith("/accounts/reauthenticate/")
    manager.home.refresh_from_db()
    assert manager.home.keep_file_days == 90
    assert order.is_on_hold


def test_shorter_periods_say_first_what_they_would_erase(order, office, manager):
    then = timezone.now() - timedelta(days=20)
    Order.objects.update(delivered_at=then, submitted_at=then, needed_at=then, procession_at=None)
    days = {"keep_source_days": "10", "keep_file_days": "10", "keep_draft_days": "10", "link_days": "30"}
    asked = office.post("/keeping/", days)
    assert asked.status_code == 422
    assert "의뢰 1건의 자료가 한 시간 안에 파기됩니다" in asked.content.decode()
    manager.home.refresh_from_db()
    assert manager.home.keep_file_days == 90
    assert not AuditEvent.objects.filter(action="home.periods_changed").exists()
    assert office.post("/keeping/", days | {"agreed": "1"}).status_code == 302
    manager.home.refresh_from_db()
    assert manager.home.keep_file_days == 10
    assert retention.sweep()["erased"] == 1


def test_erasing_at_hand_asks_for_the_name_to_be_typed(order, office):
    page = office.get(f"/orders/{order.code}/keeping/").content.decode()
    assert f'data-confirm-type="{order.name}"' in page


def test_another_homes_order_is_not_there(office):
    other = make_order()
    for page in ("keeping", "certificate"):
        assert office.get(f"/orders/{other.code}/{page}/").status_code == 404
    for act in ("hold", "hold/lift", "erase"):
        assert office.post(f"/orders/{other.code}/{act}/", ask()).status_code == 404


def test_what_was_sent_while_the_password_was_asked_for_does_not_outlive_its_session(order, manager):
    browser = browser_of(manager)
    browser.post(f"/orders/{order.code}/erase/", ask(reason="말로 적은 까닭"))
    Session.objects.update(expire_date=timezone.now())
    sessions.forget_expired()
    assert not Session.objects.exists()


def test_the_certificate_has_words_for_every_kind_of_file():
    assert set(erasing.KINDS.values()) <= set(certificate.KINDS)


def test_what_is_being_erased_is_gone_at_once_however_long_the_worker_takes(order, office):
    consent = order.consents.get()
    reviewer = browser_of(make_reviewer())
    page = f"/orders/{order.code}/"
    parts = [f"{page}side/", f"{page}live/", f"{page}photos/", f"{page}consent/{consent.code}/"]
    item = f"/review/{order.items.get().code}/"
    assert {office.get(part).status_code for part in parts} == {200}
    assert reviewer.get(item).status_code == 200
    retention.begin_erasure(order, why="requested", by="system")
    assert {office.get(part).status_code for part in parts} == {404}
    assert reviewer.get(item).status_code == 404
    assert office.get(page).url == f"{page}keeping/"
