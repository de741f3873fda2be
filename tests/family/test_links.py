"""Staff hand out a link and take it back."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from orders import delivery
from orders.models import DownloadLink, Item, Order
from portal.models import AuditEvent, Notice, hash_token
from tests.family.making import make_link
from tests.orders.people import make_order

SEOUL = ZoneInfo("Asia/Seoul")


@pytest.fixture
def desk(alice):
    client = Client()
    client.force_login(alice)
    return client


def issue(desk, order, **extra):
    return desk.post(f"/orders/{order.code}/links/", **extra)


def address_in(page):
    return re.search(r'value="(http[^"]+/g/[^"]+)"', page.content.decode())[1]


def test_a_link_is_shown_once_with_its_qr_and_opens_the_familys_page(desk, order):
    page = issue(desk, order)
    assert page.status_code == 200
    assert page["Cache-Control"] == "no-store"
    assert "data:image/svg+xml" in page.content.decode()
    address = address_in(page)
    assert address.startswith("http://testserver/g/")
    assert Client().get(address.removeprefix("http://testserver")).status_code == 200
    token = address.rpartition("/")[2]
    assert DownloadLink.objects.get().token_hash == hash_token(token)
    assert token not in desk.get(f"/orders/{order.code}/").content.decode()
    assert token not in str(list(AuditEvent.objects.values_list("details", flat=True)))


def test_the_link_stands_on_the_configured_site_whatever_host_the_request_claims(desk, order, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://portal.example.com"
    page = issue(desk, order, headers={"Host": "evil.example.net"})
    assert address_in(page).startswith("https://portal.example.com/g/")
    assert "evil" not in page.content.decode()


@pytest.mark.parametrize(
    ("now", "procession", "last_day"),
    [
        ("2026-11-22 04:10", None, "2026-12-22"),
        ("2026-11-22 23:50", "2026-11-24 08:00", "2026-12-24"),
        ("2026-11-22 04:10", "2026-11-20 08:00", "2026-12-22"),
    ],
)
def test_a_link_is_open_for_the_homes_days_after_the_funeral_to_the_end_of_the_day(
    order, alice, monkeypatch, now, procession, last_day
):
    def moment(text):
        return datetime.fromisoformat(text).replace(tzinfo=SEOUL)

    monkeypatch.setattr("django.utils.timezone.now", lambda: moment(now))
    Order.objects.update(procession_at=moment(procession) if procession else None)
    link, _token = delivery.issue_link(order, by=alice)
    assert str(link.last_day) == last_day
    assert timezone.localtime(link.expires_at).hour == 0


def no_file(order):
    Item.objects.update(state=Item.State.TO_REVIEW)


def no_consent(order):
    order.consents.update(withdrawn_at=timezone.now())


def cancelled(order):
    Order.objects.update(cancelled_at=timezone.now())


@pytest.mark.parametrize("without", [no_file, no_consent, cancelled])
def test_without_a_file_a_consent_or_an_order_there_is_no_link(desk, order, without):
    without(order)
    answer = issue(desk, order)
    assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.code}/")
    assert not DownloadLink.objects.exists()
    assert "새 링크 만들기" not in desk.get(f"/orders/{order.code}/").content.decode()


def test_the_first_link_says_that_the_order_is_delivered(desk, order):
    issue(desk, order)
    order.refresh_from_db()
    first = order.delivered_at
    assert first
    issue(desk, order)
    order.refresh_from_db()
    assert order.delivered_at == first
    assert AuditEvent.objects.filter(action="link.issued", subject=order.code).count() == 2


def test_a_link_is_closed_for_good_and_written_down_once(desk, order, alice):
    link, token = make_link(order, alice)
    for _ in range(2):
        assert desk.post(f"/orders/{order.code}/links/{link.code}/revoke/").status_code == 302
    assert Client().get(f"/g/{token}").status_code == 404
    assert AuditEvent.objects.filter(action="link.revoked").count() == 1


def test_a_link_of_another_order_is_not_closed_through_this_one(desk, order, alice):
    link, _token = make_link(make_order(alice), alice)
    assert desk.post(f"/orders/{order.code}/links/{link.code}/revoke/").status_code == 404
    link.refresh_from_db()
    assert link.is_open


def test_staff_see_how_often_a_link_was_opened_and_until_when_it_is(desk, order, alice):
    make_link(order, alice, visits=3, downloads=2)
    make_link(order, alice, revoked_at=timezone.now())
    make_link(order, alice, expires_at=timezone.now() - timedelta(days=1))
    page = desk.get(f"/orders/{order.code}/").content.decode()
    assert "3번 열림, 2번 받음" in page
    assert "닫힘" in page
    assert "기간 지남" in page


def tell(desk, order, token):
    return desk.post(f"/orders/{order.code}/links/tell/", {"token": token}, follow=True).content.decode()


def test_the_issued_page_texts_the_link_to_the_chief_mourner(desk, order):
    Order.objects.filter(pk=order.pk).update(mourner_phone="010-1234-5678")
    page = issue(desk, order)
    assert "010-…-5678 번호로 문자 보내기" in page.content.decode()
    token = address_in(page).rpartition("/")[2]
    assert "010-…-5678 번호로 보내고 있습니다." in tell(desk, order, token)
    notice = Notice.objects.get(subject=order.code)
    assert (notice.kind, notice.address) == ("gallery_link", "01012345678")
    assert address_in(page) in notice.text.splitlines()
    assert AuditEvent.objects.filter(action="link.texted", subject=order.code).count() == 1


def test_without_a_mobile_number_staff_are_told_so(desk, order):
    Order.objects.filter(pk=order.pk).update(mourner_phone="02-123-4567")
    page = issue(desk, order)
    assert "문자 보내기" not in page.content.decode()
    assert "상주의 휴대전화 번호가 없습니다" in tell(desk, order, address_in(page).rpartition("/")[2])


def test_only_an_open_link_of_this_order_is_texted(desk, order, alice):
    Order.objects.filter(pk=order.pk).update(mourner_phone="010-1234-5678")
    link, token = make_link(order, alice)
    other = make_order(alice)
    assert desk.post(f"/orders/{other.code}/links/tell/", {"token": token}).status_code == 404
    assert desk.post(f"/orders/{order.code}/links/tell/", {"token": "guess"}).status_code == 404
    delivery.revoke_link(link, by=alice)
    assert desk.post(f"/orders/{order.code}/links/tell/", {"token": token}).status_code == 404
    assert not Notice.objects.exists()


def test_no_more_than_thirty_texts_an_hour_are_sent_by_one_person(desk, order, alice):
    Order.objects.filter(pk=order.pk).update(mourner_phone="010-1234-5678")
    _link, token = make_link(order, alice)
    for _number in range(30):
        tell(desk, order, token)
    assert "문자를 너무 많이 보내셨습니다" in tell(desk, order, token)
    assert Notice.objects.count() == 30
