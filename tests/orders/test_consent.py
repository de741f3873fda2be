"""Consent at the desk: whose, in which words, how and from where; kept for good and taken back at any time."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from orders.models import Consent, ConsentText, Order
from portal.models import AuditEvent, User
from tests.factories import PASSWORD, drawn_person, make_order, make_submitted_order

pytestmark = pytest.mark.django_db


def record(browser: Client, order: Order, **answer: Any) -> Any:
    text = ConsentText.objects.filter(made_for=order.made_for).latest("version")
    given = {
        "text": text.sha256,
        "signer_name": "김도현",
        "relationship": "아들",
        "method": "typed",
        "scope": ["likeness"],
    }
    return browser.post(f"/orders/{order.code}/consent/", given | answer, headers={"User-Agent": "tablet"})


def test_an_answer_is_kept_with_who_how_when_and_from_where(desk: Client, alice: User) -> None:
    order = make_order(alice)
    answer = record(desk, order, known_wishes="한복을 좋아하셨다", scope=["likeness", "showcase", "nonsense"])
    assert answer.url == f"/orders/{order.code}/#consent"
    consent = Order.objects.get(pk=order.pk).standing_consent
    assert consent is not None
    assert consent.scope == ["likeness", "showcase"]
    assert (consent.signer_name, consent.relationship, consent.method) == ("김도현", "아들", "typed")
    assert (consent.address, consent.user_agent, consent.recorded_by) == ("127.0.0.1", "tablet", alice)
    assert consent.text_sha256 == consent.text.sha256 == consent.text.digest()
    assert AuditEvent.objects.get(action="consent.recorded").details["scope"] == ["likeness", "showcase"]


def test_nothing_is_ticked_beforehand_and_the_words_name_the_whole_chain(desk: Client, alice: User) -> None:
    page = desk.get(f"/orders/{make_order(alice).code}/").content.decode()
    form = page[page.index('class="consent"') :]
    assert "checked" not in form[: form.index("</form>")]
    assert "장례식장(의뢰를 받는 곳) → ConnectDream(사진을 만드는 포털) → GPU 클라우드" in page


@pytest.mark.parametrize("made_for", Order.For.values)
def test_each_path_has_three_boxes_of_its_own(made_for: str) -> None:
    text = ConsentText.objects.get(made_for=made_for, version=1)
    assert [box["key"] for box in text.boxes] == ["likeness", "others", "showcase"]
    assert text.required_keys == {"likeness"}
    assert text.sha256 == text.digest()
    assert all(box[part] for box in text.boxes for part in ("title", "purpose", "items", "period", "refusal"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"signer_name": " "}, "동의하시는 분의 성함을 적어 주세요."),
        ({"signer_name": "가" * 61}, "성함이 너무 깁니다."),
        ({"relationship": ""}, "고인과의 관계를 적어 주세요."),
        ({"scope": ["showcase"]}, "동의하지 않으시면 사진을 만들 수 없습니다."),
        ({"method": ""}, "동의를 받은 방법을 골라 주세요."),
        ({"method": "by phone"}, "동의를 받은 방법을 골라 주세요."),
        ({"method": "signed"}, "칸 안에 서명해 주세요."),
        ({"method": "signed", "signature": "scribble"}, "서명을 읽지 못했습니다."),
        ({"method": "paper"}, "서명하신 동의서를 찍거나 스캔해 올려 주세요."),
        ({"text": "0" * 64}, "동의 문구가 그사이 바뀌었습니다."),
    ],
)
def test_an_answer_that_cannot_stand_comes_back_in_words(
    desk: Client, alice: User, answer: dict[str, Any], words: str
) -> None:
    order = make_order(alice)
    refused = record(desk, order, known_wishes="한복", **answer)
    assert refused.status_code == 422
    assert words in refused.content.decode()
    assert "한복" in refused.content.decode()
    assert not Consent.objects.exists()


def test_a_photo_of_the_signed_paper_is_kept_bare_and_given_back_as_a_file(desk: Client, alice: User) -> None:
    order = make_order(alice)
    scan = SimpleUploadedFile("동의서.png", drawn_person(1, (300, 400)), "image/png")
    record(desk, order, method="paper", scan=scan)
    consent = order.consents.get()
    assert consent.evidence.startswith(f"orders/{order.code}/consents/{consent.code}/")
    paper = desk.get(f"/orders/{order.code}/consent/{consent.code}/paper/")
    assert paper["Content-Disposition"].startswith("attachment")
    assert b"".join(paper.streaming_content).startswith(b"\xff\xd8")


def test_a_pdf_is_kept_as_it_came_and_anything_else_is_refused(desk: Client, alice: User) -> None:
    order = make_order(alice)
    record(desk, order, method="paper", scan=SimpleUploadedFile("a.pdf", b"%PDF-1.7 ...", "application/pdf"))
    consent = order.consents.get()
    assert consent.evidence.endswith(".pdf")
    refused = record(desk, order, method="paper", scan=SimpleUploadedFile("a.pdf", b"<html>", "application/pdf"))
    assert refused.status_code == 422
    assert order.consents.get() == consent


def test_a_second_answer_takes_the_place_of_the_first(desk: Client, alice: User) -> None:
    order = make_order(alice)
    record(desk, order)
    record(desk, order, signer_name="김영희", relationship="딸")
    assert Order.objects.get(pk=order.pk).standing_consent.signer_name == "김영희"
    assert order.consents.count() == 2
    assert order.consents.get(signer_name="김도현").superseded_at


def test_taking_it_back_stops_what_runs_and_asks_first_who_does_it(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    asked = desk.post(f"/orders/{order.code}/consent/withdraw/", {"reason": "가족의 뜻"})
    assert asked.url.startswith("/accounts/reauthenticate/")
    assert Order.objects.get(pk=order.pk).standing_consent
    desk.post("/accounts/reauthenticate/", {"password": PASSWORD})
    desk.post(f"/orders/{order.code}/consent/withdraw/", {"reason": "가족의 뜻"})
    order = Order.objects.get(pk=order.pk)
    assert order.standing_consent is None
    assert order.items.get().state == "returned"
    assert order.erased_at


def test_published_words_do_not_change() -> None:
    text = ConsentText.objects.get(made_for="deceased")
    text.preamble = "다른 말"
    with pytest.raises(ValueError, match="add a new version"):
        text.save()
    for statement in ("UPDATE orders_consenttext SET preamble = ''", "DELETE FROM orders_consenttext"):
        with pytest.raises(ProgrammingError, match="published"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_cancelled_order_takes_no_answer(desk: Client, alice: User) -> None:
    order = make_order(alice, cancelled_at=timezone.now())
    assert record(desk, order).status_code in (404, 422)
    assert not order.consents.exists()


def test_strangers_neither_answer_nor_withdraw_nor_read(alice: User, desk: Client, strangers: list[Client]) -> None:
    order = make_order(alice)
    record(desk, order, method="paper", scan=SimpleUploadedFile("a.pdf", b"%PDF-1.7", "application/pdf"))
    consent = order.consents.get()
    for stranger in strangers:
        assert record(stranger, order).status_code == 404
        assert stranger.post(f"/orders/{order.code}/consent/withdraw/").status_code == 404
        assert stranger.get(f"/orders/{order.code}/consent/{consent.code}/paper/").status_code == 404
    assert Order.objects.get(pk=order.pk).standing_consent == consent
