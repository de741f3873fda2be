"""The digits beside a gallery's link: asked once a session, counted for good, and never more tries than there are."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client
from django.utils import timezone

from orders import delivery, family_links, pins, production, tasks, telling
from orders.models import Deliverable, DownloadLink
from orders.models.delivery import MOST_TRIES
from portal import rates
from portal.models import AuditEvent, Notice
from tests.family.making import approved_order, make_family_link, make_link
from tests.orders.people import make_home, make_objection, make_user

PIN = "2580"


@pytest.fixture
def shut(order, alice):
    """An order's link with digits, its address and the family's browser."""
    link, token = make_link(order, alice, pin_hash=make_password(PIN))
    return link, f"/g/{token}", Client()


@pytest.fixture
def desk(alice):
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def _unhurried(monkeypatch):
    """Without the rates, so that the count on the row is what is seen."""
    for name in ("code_of_link", "code_from_address"):
        monkeypatch.setitem(rates.PORTAL, name, rates.Rate(10_000, 900, "key"))


def enter(browser, url, pin):
    return browser.post(f"{url}/code/", {"code": pin})


def test_nothing_and_nobody_is_seen_before_the_digits(shut):
    _link, url, browser = shut
    page = browser.get(url)
    words = page.content.decode()
    assert page.status_code == 200
    assert "받으신 번호를 넣어 주세요" in words
    assert "김영자" not in words
    for file in Deliverable.objects.all():
        for path in (f"/{file.code}/", f"/{file.code}/picture/", f"/{file.code}/video/"):
            answer = browser.get(url + path)
            assert (answer.status_code, answer["Location"]) == (302, url)
    for path in ("/all.zip", "/withdraw/", "/objection/"):
        answer = browser.get(url + path)
        assert (answer.status_code, answer["Location"]) == (302, url)


def test_the_right_digits_open_it_for_this_session_alone(shut):
    link, url, browser = shut
    answer = enter(browser, url, PIN)
    assert (answer.status_code, answer["Location"]) == (302, url)
    assert answer.cookies["sessionid"]["httponly"]
    assert "기억하며" in browser.get(url).content.decode()
    assert browser.get(f"{url}/all.zip").status_code == 200
    assert "받으신 번호를" in Client().get(url).content.decode()
    link.refresh_from_db()
    assert link.wrong_tries == 0
    assert AuditEvent.objects.filter(action="link.unlocked").count() == 1


def test_other_digits_ask_those_who_were_in_again(shut):
    link, url, browser = shut
    enter(browser, url, PIN)
    DownloadLink.objects.filter(pk=link.pk).update(pin_hash=make_password("1357"))
    assert "받으신 번호를" in browser.get(url).content.decode()


def test_the_session_that_was_open_before_is_not_the_one_let_in(shut):
    _link, url, browser = shut
    session = browser.session
    session["begun"] = "by somebody else"
    session.save()
    before = browser.session.session_key
    enter(browser, url, PIN)
    assert browser.session.session_key != before


@pytest.mark.usefixtures("_unhurried")
def test_wrong_digits_are_counted_for_good_and_lock_it(shut):
    link, url, browser = shut
    for number in range(1, MOST_TRIES):
        answer = enter(browser, url, "0000")
        assert answer.status_code == 422
        assert "번호가 다릅니다" in answer.content.decode()
        if number == 3:
            # Right ones in between do not wipe the slate for whoever guesses.
            assert enter(Client(), url, PIN).status_code == 302
    link.refresh_from_db()
    assert link.wrong_tries == MOST_TRIES - 1
    assert enter(browser, url, "0000").status_code == 403
    locked = enter(Client(), url, PIN)
    assert locked.status_code == 403
    assert "여러 번 잘못 넣어 닫혔습니다" in locked.content.decode()
    assert "여러 번 잘못 넣어 닫혔습니다" in Client().get(url).content.decode()
    assert AuditEvent.objects.filter(action="link.wrong_code").count() == MOST_TRIES
    assert "0000" not in str(list(AuditEvent.objects.values_list("details", flat=True)))


def test_quick_guesses_are_made_to_wait_before_they_lock_it(shut):
    link, url, browser = shut
    answers = [enter(browser, url, f"{number:04}").status_code for number in range(6)]
    assert answers == [422] * 5 + [429]
    waiting = enter(browser, url, PIN)
    assert waiting.status_code == 429
    assert "15분 뒤에" in waiting.content.decode()
    link.refresh_from_db()
    assert link.wrong_tries == 5


def test_one_address_that_goes_from_link_to_link_is_stopped(order, alice):
    urls = [f"/g/{make_link(order, alice, pin_hash=make_password(PIN))[1]}" for _ in range(6)]
    answers = [enter(Client(), url, "0000").status_code for url in urls for _ in range(4)]
    assert answers == [422] * 20 + [429] * 4


def test_a_link_without_digits_takes_none(order, alice):
    _link, token = make_link(order, alice)
    assert enter(Client(), f"/g/{token}", PIN).status_code == 404
    assert enter(Client(), "/g/never-was", PIN).status_code == 404


def test_a_closed_link_takes_no_digits(shut):
    link, url, browser = shut
    enter(browser, url, PIN)
    DownloadLink.objects.filter(pk=link.pk).update(revoked_at=timezone.now())
    assert browser.get(url).status_code == 404
    assert enter(browser, url, PIN).status_code == 404


@pytest.mark.parametrize("pin", ["2580", "901224", "13579"])
def test_four_to_six_digits_are_fit(pin):
    assert pins.is_fit(pin)


@pytest.mark.parametrize("pin", ["", "123", "2580258", "12a4", "0000", "1234", "987654", "４５６１"])
def test_digits_that_everybody_guesses_first_are_refused(pin):
    assert not pins.is_fit(pin)


def test_staff_set_the_digits_and_whom_it_is_for_and_see_them_once(desk, order):
    page = desk.post(f"/orders/{order.code}/links/", {"recipient": "큰딸", "pin": "2580"})
    assert "번호는 2580입니다" in page.content.decode()
    link = DownloadLink.objects.get()
    assert link.recipient == "큰딸"
    assert "2580" not in link.pin_hash
    shown = desk.get(f"/orders/{order.code}/").content.decode()
    assert "큰딸" in shown
    assert "번호 있음" in shown
    assert "2580" not in shown
    desk.post(f"/orders/{order.code}/links/", {"pin": "1234"})
    assert DownloadLink.objects.count() == 1


def test_what_is_printed_names_nobody(desk, order):
    page = desk.post(f"/orders/{order.code}/links/").content.decode()
    paper = page.partition('class="on-paper"')[2]
    assert "휴대전화 카메라로" in paper
    link = DownloadLink.objects.get()
    assert f"{link.last_day.month}월 {link.last_day.day}일까지 열립니다" in paper
    assert "김영자" not in paper


# Opening again, and telling in time.


@pytest.mark.usefixtures("_unhurried")
def test_staff_open_a_locked_link_again(desk, shut):
    link, url, browser = shut
    for _ in range(MOST_TRIES):
        enter(browser, url, "0000")
    assert "번호를 여러 번 틀려 잠김" in desk.get(f"/orders/{link.order.code}/").content.decode()
    desk.post(f"/orders/{link.order.code}/links/{link.code}/reopen/")
    assert enter(browser, url, PIN).status_code == 302
    assert AuditEvent.objects.filter(action="link.reopened").count() == 1


def test_staff_open_an_ended_or_used_up_link_again_under_its_address(desk, order, alice):
    link, token = make_link(order, alice, expires_at=timezone.now() - timedelta(days=1), downloads=5, max_downloads=5)
    assert Client().get(f"/g/{token}").status_code == 404
    desk.post(f"/orders/{order.code}/links/{link.code}/reopen/")
    assert Client().get(f"/g/{token}/all.zip").status_code == 200
    link.refresh_from_db()
    assert link.last_day == timezone.localdate() + timedelta(days=30)


def test_a_link_that_was_closed_is_not_opened_again(desk, order, alice):
    link, token = make_link(order, alice, revoked_at=timezone.now(), expires_at=timezone.now())
    desk.post(f"/orders/{order.code}/links/{link.code}/reopen/")
    assert Client().get(f"/g/{token}").status_code == 404
    assert not AuditEvent.objects.filter(action="link.reopened").exists()


def test_without_consent_nothing_is_opened_again(desk, order, alice):
    link, token = make_link(order, alice, expires_at=timezone.now())
    order.consents.update(withdrawn_at=timezone.now())
    desk.post(f"/orders/{order.code}/links/{link.code}/reopen/")
    assert Client().get(f"/g/{token}").status_code == 404


def test_the_family_is_told_once_some_days_before_the_end(order, alice):
    type(order).objects.update(mourner_phone="010-1234-5678")
    order.refresh_from_db()
    first, _token = delivery.issue_link(order, by=alice)
    second, _token = delivery.issue_link(order, by=alice)
    local = timezone.localtime(first.remind_at)
    assert local.hour == 10
    assert (first.last_day - local.date()).days == 3
    tasks.sweep()
    assert not Notice.objects.exists()
    DownloadLink.objects.update(remind_at=timezone.now())
    for _ in range(2):
        tasks.sweep()
    assert Notice.objects.count() == 1
    second.refresh_from_db()
    assert second.reminded_at


def test_a_reminder_waits_for_an_objection_to_be_settled(order, alice):
    type(order).objects.update(mourner_phone="010-1234-5678")
    link, _token = delivery.issue_link(order, by=alice)
    DownloadLink.objects.update(remind_at=timezone.now())
    objection = make_objection(order)
    tasks.sweep()
    assert not delivery.remind(link)
    assert not Notice.objects.exists()
    objection.delete()
    tasks.sweep()
    assert Notice.objects.filter(kind="gallery_ending").count() == 1


def test_the_reminder_is_in_the_language_the_family_reads(order, alice):
    type(order).objects.update(mourner_phone="010-1234-5678")
    _link, token = delivery.issue_link(order, by=alice)
    Client().get(f"/g/{token}", headers={"Accept-Language": "en"})
    DownloadLink.objects.update(remind_at=timezone.now())
    tasks.sweep()
    notice = Notice.objects.get()
    assert notice.language == "en"
    assert "the late 김영자" in notice.text.lower()
    assert "No more messages: http" in notice.text


def test_a_text_about_a_link_that_was_closed_is_not_sent(order, alice):
    type(order).objects.update(mourner_phone="010-1234-5678")
    order.refresh_from_db()
    first, second = (delivery.issue_link(order, by=alice)[0] for _ in range(2))
    upload, _token = make_family_link(order, alice)
    for link, kind in ((first, telling.GALLERY), (second, telling.GALLERY), (upload, telling.UPLOAD)):
        telling.tell_family(order, kind, link=link, url="/", until=link.expires_at)
    delivery.revoke_link(first, by=alice)
    family_links.revoke(upload, by=alice, request=None)
    assert Notice.objects.get(state="waiting").part == second.code
    production.cancel(order, by=alice, request=None)
    assert not Notice.objects.filter(state="waiting").exists()


def test_the_end_of_a_link_moves_with_the_procession(desk, order, alice):
    link, _token = delivery.issue_link(order, by=alice)
    reopened, _token = delivery.issue_link(order, by=alice)
    DownloadLink.objects.filter(pk=reopened.pk).update(expires_at=link.expires_at + timedelta(days=9))

    def mend(said):
        page = {"page": str(order.code), "name": order.name, "procession_at": said}
        assert desk.post(f"/orders/{order.code}/save/", page).status_code == 302
        link.refresh_from_db()
        return link.last_day

    assert mend("") == timezone.localdate() + timedelta(days=30)
    for days in (5, 3):
        day = timezone.localdate() + timedelta(days=days)
        assert mend(f"{day:%Y-%m-%d} 07:00") == day + timedelta(days=30)
    assert link.remind_at == delivery._remind_at(timezone.now(), link.expires_at)
    reopened.refresh_from_db()
    assert reopened.last_day == timezone.localdate() + timedelta(days=39), "its end was set otherwise"
    assert AuditEvent.objects.filter(action="link.moved", details__link=str(link.code)).count() == 2


def test_what_ends_soon_anyway_has_no_reminder(order, alice):
    type(order.home).objects.update(link_days=2)
    order.home.refresh_from_db()
    link, _token = delivery.issue_link(order, by=alice)
    assert link.remind_at is None


@pytest.mark.django_db(transaction=True)
def test_however_many_guess_at_once_no_more_digits_are_compared_than_tries_are_left(monkeypatch):
    for name in ("code_of_link", "code_from_address"):
        monkeypatch.setitem(rates.PORTAL, name, rates.Rate(10_000, 900, "key"))
    compared = []
    monkeypatch.setattr(pins, "check_password", lambda pin, stored: bool(compared.append(pin)))
    alice = make_user("alice", make_home())
    link, token = make_link(approved_order(alice), alice, pin_hash=make_password(PIN), wrong_tries=MOST_TRIES - 2)
    together = Barrier(6)

    def guess(number):
        browser = Client()
        together.wait(10)
        try:
            return enter(browser, f"/g/{token}", f"{number:04}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        told = sorted(pool.map(guess, range(6)))
    assert len(compared) == 2
    assert set(told) <= {403, 422}
    link.refresh_from_db()
    assert link.wrong_tries == MOST_TRIES
