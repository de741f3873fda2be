"""The record of a consent on one page: all there is to show that somebody agreed, to be read and printed."""

import pytest
from django.test import Client
from django.utils import timezone

from orders import consenting
from orders.models import Consent, ConsentText, Order
from portal.models import AuditEvent, User
from tests.factories import make_consent, make_order
from tests.family.making import drawn_signature

pytestmark = pytest.mark.django_db


def shown(browser: Client, consent: Consent) -> str:
    page = browser.get(f"/orders/{consent.order.code}/consent/{consent.code}/")
    assert page.status_code == 200
    return page.content.decode()


@pytest.fixture
def signed(desk: Client, alice: User) -> Consent:
    """Signed on the desk's screen."""
    order = make_order(alice)
    given = {
        "text": consenting.text_for(order).sha256,
        "signer_name": "이민정",
        "relationship": "딸",
        "known_wishes": "웃는 얼굴을 좋아하셨다",
        "method": "signed",
        "signature": drawn_signature(),
        "scope": ["likeness"],
    }
    desk.post(f"/orders/{order.code}/consent/", given, headers={"User-Agent": "tablet"})
    return order.consents.get()


def test_it_has_the_words_the_answers_and_the_circumstances(desk: Client, signed: Consent) -> None:
    page = shown(desk, signed)
    for part in (
        *signed.text.paragraphs,
        *(box[part] for box in signed.text.boxes for part in ("title", "purpose", "items", "period", "refusal")),
        *("이민정 님 (딸)", "웃는 얼굴을 좋아하셨다", "화면에 서명", "담당자 alice 앞에서", "127.0.0.1", "tablet"),
        *(str(signed.code), signed.text_sha256, signed.evidence_sha256, "1판"),
        timezone.localtime(signed.signed_at).strftime("%H:%M"),
    ):
        assert part in page.replace("&#x27;", "'").replace("&quot;", '"'), part
    assert page.count("☑") == 1
    assert page.count("☐") == 2


def test_the_signature_stands_on_it_as_a_picture(desk: Client, signed: Consent) -> None:
    address = f"/orders/{signed.order.code}/consent/{signed.code}/paper/"
    assert f'src="{address}"' in shown(desk, signed)
    picture = desk.get(address)
    assert picture["Content-Type"] == "image/png"
    assert b"".join(picture.streaming_content).startswith(b"\x89PNG")


def test_the_words_are_those_of_the_day_whatever_is_asked_now(desk: Client, signed: Consent) -> None:
    text = signed.text
    boxes = [box | {"title": "새로 여쭙는 말"} for box in text.boxes]
    ConsentText.objects.create(made_for=text.made_for, version=2, preamble=text.preamble, boxes=boxes)
    assert "새로 여쭙는 말" not in shown(desk, signed)


def test_it_says_when_it_gave_way_or_was_taken_back(desk: Client, signed: Consent) -> None:
    signed.superseded_at = timezone.now()
    signed.save()
    assert "새 동의로 바뀐 기록입니다." in shown(desk, signed)
    signed.withdrawn_at = timezone.now()
    signed.save()
    assert "철회된 동의입니다." in shown(desk, signed)
    assert f"/consent/{signed.code}/" in desk.get(f"/orders/{signed.order.code}/").content.decode()


def test_once_erased_it_shows_that_somebody_agreed_and_no_longer_who(desk: Client, signed: Consent) -> None:
    Consent.objects.update(signer_name="", relationship="", evidence="", address=None, user_agent="", known_wishes="")
    Order.objects.update(erased_at=timezone.now())
    page = shown(desk, signed)
    assert "파기됨" in page
    assert "이민정" not in page
    assert signed.text_sha256 in page


def test_reading_it_is_written_down(desk: Client, signed: Consent, alice: User) -> None:
    shown(desk, signed)
    entry = AuditEvent.objects.get(action="consent.read")
    assert (entry.actor, entry.subject) == (alice, signed.order.code)


def test_it_is_shown_to_its_home_alone(alice: User, strangers: list[Client], desk: Client) -> None:
    consent, other = make_consent(make_order(alice)), make_order(alice)
    for stranger in strangers:
        assert stranger.get(f"/orders/{consent.order.code}/consent/{consent.code}/").status_code == 404
    assert desk.get(f"/orders/{other.code}/consent/{consent.code}/").status_code == 404
