"""Notices: written with what they are about, sent once, tried again, given up, forgotten."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from orders import telling
from portal.models import AuditEvent, Notice
from portal.notices import sending
from portal.notices.words import written
from portal.schedule import sending as scheduled
from tests.family.making import make_family_link
from tests.notices.gateway import Gateway
from tests.orders.people import make_home, make_order, make_user

NUMBER = "01012345678"
URL = "http://localhost:8000/f/a-secret-token/"


@pytest.fixture
def gateway(settings):
    with Gateway().open() as gateway:
        settings.SMS_SERVICE, settings.SMS_URL = "http", gateway.url
        settings.SMS_TOKEN, settings.SMS_SENDER = "the-token", "0212345678"
        yield gateway


@pytest.fixture
def order(db):
    alice = make_user("alice", make_home())
    return make_order(alice, mourner_phone="010-1234-5678", name="김영자")


def tell(order):
    with transaction.atomic():
        return telling.tell_family(order, telling.UPLOAD, url=URL)


def again(notice):
    Notice.objects.filter(pk=notice.pk).update(try_at=timezone.now())
    sending.send_due()
    notice.refresh_from_db()


def test_a_text_message_reaches_the_service_once_with_its_key(order, gateway):
    notice = tell(order)
    assert sending.send_due() == 1
    assert sending.send_due() == 0
    [body] = gateway.taken
    assert body["to"] == NUMBER
    assert body["from"] == "0212345678"
    assert body["key"] == notice.code.hex == gateway.headers[0]["Idempotency-Key"]
    assert gateway.headers[0]["Authorization"] == "Bearer the-token"
    assert body["text"] == f"[{order.home.name}] 고 김영자 님의 사진을 아래 주소에서 보내 주세요. " + (
        f"휴대전화에 있는 원본을 고르시면 됩니다.\n{URL}\n수신 거부: {sending.stop_address(notice.address_hash)}"
    )
    notice.refresh_from_db()
    assert notice.state == Notice.State.SENT


def test_neither_number_nor_text_can_be_read_in_the_database_and_both_go_at_the_end(order, gateway):
    notice = tell(order)
    row = str(Notice.objects.filter(pk=notice.pk).values().get())
    assert NUMBER not in row
    assert "a-secret-token" not in row
    assert notice.address == NUMBER
    sending.send_due()
    notice.refresh_from_db()
    assert (notice.address_sealed, notice.text_sealed) == ("", "")
    assert notice.address_shown == "010-…-5678"


def test_the_database_refuses_an_ended_notice_that_still_holds_an_address(order):
    notice = tell(order)
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(state=Notice.State.SENT, ended_at=timezone.now())


def test_a_service_that_fails_is_asked_again_later(order, gateway):
    gateway.statuses = [500, 429]
    notice = tell(order)
    sending.send_due()
    notice.refresh_from_db()
    assert (notice.state, notice.trouble, notice.tries) == (Notice.State.WAITING, "HTTP 500", 1)
    assert notice.try_at > timezone.now() + timedelta(seconds=50)
    assert sending.send_due() == 0
    again(notice)
    assert (notice.state, notice.trouble) == (Notice.State.WAITING, "HTTP 429")
    again(notice)
    assert notice.state == Notice.State.SENT
    assert len({body["key"] for body in gateway.asked}) == 1


def test_a_service_that_never_comes_back_is_given_up_and_shown(order, gateway):
    gateway.statuses = [503] * 20
    notice = tell(order)
    for _try in range(len(Notice.WAITS) + 1):
        again(notice)
    assert (notice.state, notice.address_sealed) == (Notice.State.GIVEN_UP, "")
    assert len(gateway.asked) == len(Notice.WAITS) + 1
    again(notice)
    assert len(gateway.asked) == len(Notice.WAITS) + 1


def test_a_number_that_the_service_refuses_is_not_tried_again(order, gateway):
    gateway.statuses = [422]
    notice = tell(order)
    sending.send_due()
    notice.refresh_from_db()
    assert (notice.state, notice.trouble) == (Notice.State.GIVEN_UP, "Undeliverable: HTTP 422")


def test_a_service_that_nobody_answers_for_is_a_reason_to_try_again(order, settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.SMS_SERVICE, settings.SMS_URL = "http", f"http://127.0.0.1:{closed.getsockname()[1]}/"
    notice = tell(order)
    sending.send_due()
    notice.refresh_from_db()
    assert (notice.state, notice.trouble) == (Notice.State.WAITING, "ConnectionError")


def test_a_mail_server_that_is_down_is_a_reason_to_try_again(order, settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed.getsockname()[1]
    with transaction.atomic():
        [notice] = telling.tell_staff(order, telling.OBJECTION)
    sending.send_due()
    notice.refresh_from_db()
    assert (notice.state, notice.trouble) == (Notice.State.WAITING, "ConnectionRefusedError")


def test_the_homes_people_are_told_by_mail_and_can_stop_it(order, settings):
    with transaction.atomic():
        telling.tell_staff(order, telling.OBJECTION)
    sending.send_due()
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    assert message.subject == "[ConnectDream] 고 김영자 님 의뢰에 반대하시는 분이 있습니다"
    assert f"/orders/{order.code}/" in message.body
    assert message.extra_headers["List-Unsubscribe"].startswith(f"<{settings.SITE_URL}/stop/")


def test_a_worker_that_died_while_sending_lets_go_in_time(order, gateway):
    notice = tell(order)
    assert notice.hold()
    assert sending.send_due() == 0
    Notice.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert sending.send_due() == 1
    assert len(gateway.taken) == 1


def test_a_worker_that_wakes_up_late_changes_nothing(order, gateway):
    late = tell(order)
    assert late.hold()
    Notice.objects.update(held_until=None)
    sending.send_due()
    assert not late.end(Notice.State.GIVEN_UP, "late")
    assert Notice.objects.get(pk=late.pk).state == Notice.State.SENT


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_send_it_once(gateway):
    order = make_order(make_user("alice", make_home()), mourner_phone="01012345678", name="김영자")
    Notice.objects.all().delete()
    tell(order)

    def work(_number):
        try:
            return sending.send_due()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        tried = sum(pool.map(work, range(4)))
    assert (tried, len(gateway.taken)) == (1, 1)


def test_what_is_rolled_back_is_never_sent(order, gateway):
    with transaction.atomic():
        telling.tell_family(order, telling.UPLOAD, url=URL)
        transaction.set_rollback(True)
    sending.send_due()
    assert gateway.asked == []


def test_whoever_said_stop_gets_nothing_more(order, gateway, settings, client: Client):
    waiting = tell(order)
    page = sending.stop_address(waiting.address_hash).removeprefix(settings.SITE_URL)
    assert "그만 받으시겠습니까" in client.get(page).content.decode()
    assert "더 이상 보내지 않습니다" in client.post(page).content.decode()
    later = tell(order)
    sending.send_due()
    waiting.refresh_from_db()
    assert [waiting.state, later.state] == [Notice.State.UNWANTED] * 2
    assert gateway.asked == []
    assert AuditEvent.objects.filter(action="notices.stopped").count() == 1


def test_whoever_follows_the_address_in_the_text_gets_nothing_more(order, gateway, settings, client: Client):
    tell(order)
    sending.send_due()
    [body] = gateway.taken
    address = re.search(r"^수신 거부: (\S+)$", body["text"], re.MULTILINE).group(1)
    assert address.startswith(f"{settings.SITE_URL}/stop/")
    assert "더 이상 보내지 않습니다" in client.post(address.removeprefix(settings.SITE_URL)).content.decode()
    assert tell(order).state == Notice.State.UNWANTED


def test_a_text_is_in_the_language_that_the_family_reads(order):
    assert tell(order).language == "ko"
    _link, token = make_family_link(order, order.created_by)
    Client().get(f"/f/{token}/photos/", headers={"Accept-Language": "en"})
    notice = tell(order)
    assert notice.language == "en"
    assert "김영자" in notice.text
    assert "사진" not in notice.text
    Client().get(f"/f/{token}/photos/", headers={"Accept-Language": "ko"})
    assert tell(order).language == "ko"


def test_a_forged_stop_address_is_no_page(client: Client, db):
    assert client.get("/stop/abc:def/").status_code == 404


def test_what_is_taken_back_is_not_sent_and_what_is_forgotten_names_nobody(order, gateway):
    notice = tell(order)
    assert sending.take_back(order.code, kinds=(telling.GALLERY,)) == 0
    assert sending.take_back(order.code) == 1
    sending.send_due()
    assert gateway.asked == []
    sending.forget(order.code)
    notice.refresh_from_db()
    assert (notice.address_shown, notice.address_hash, notice.state) == ("", "", Notice.State.TAKEN_BACK)


@pytest.mark.parametrize("number", ["", "02-123-4567", "상주 아들"])
def test_without_a_mobile_number_nobody_is_told(order, number):
    order.mourner_phone = number
    assert tell(order) is None
    assert not Notice.objects.exists()


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(
    "kind", [telling.UPLOAD, telling.CONSENT, telling.CHOICE, telling.GALLERY, telling.GALLERY_ENDING]
)
def test_every_message_to_a_family_is_short_enough_for_one_long_text(order, kind, language):
    context = {"person": order.person, "url": URL, "until": timezone.now(), "home": order.home}
    said = written(kind, "sms", language, context | {"stop_url": sending.stop_address("0" * 64)})
    # An LMS holds 2,000 bytes in EUC-KR; a family should not have to scroll, either, to what it is about.
    assert len(said.encode("euc-kr")) <= 700
    assert len(said.rpartition("\n")[0].encode("euc-kr")) <= 400
    assert "{" not in said


def test_the_schedule_sends_what_is_due():
    assert scheduled.send_due is sending.send_due


def test_console_prints_instead_of_sending(order, capsys):
    tell(order)
    sending.send_due()
    assert f"SMS to {NUMBER}" in capsys.readouterr().out
    assert connection.in_atomic_block
