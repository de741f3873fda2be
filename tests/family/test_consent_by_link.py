"""A family agrees on their own phone: read, tick, sign, once; and a relative who sees it differently is heard."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from orders import family_links, files
from orders.models import Consent, ConsentText, FamilyLink, Order
from portal.models import AuditEvent, Notice, User
from tests.family.making import drawn_signature, make_family_link, make_link
from tests.orders.people import make_objection, make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(alice: User) -> Any:
    """An order without consent, and the way to its page for the family."""
    order = make_order(alice, photos=1)
    link, token = make_family_link(order, alice, "consent", max_uses=1)
    return type("Asked", (), {"order": order, "link": link, "token": token, "page": f"/f/{token}/consent/"})


def answer(asked: Any, **given: Any) -> Any:
    text = ConsentText.objects.filter(made_for=asked.order.made_for).latest("version")
    words = {
        "text": text.sha256,
        "signer_name": "이민정",
        "relationship": "딸",
        "known_wishes": "웃는 얼굴을 좋아하셨다",
        "scope": ["likeness"],
        "signature": drawn_signature(),
    }
    return Client().post(asked.page, words | given, headers={"User-Agent": "KAKAOTALK"})


def test_the_paper_names_the_chain_and_has_nothing_ticked(asked: Any) -> None:
    page = Client().get(asked.page)
    words = page.content.decode()
    assert "장례식장(의뢰를 받는 곳) → ConnectDream(사진을 만드는 포털) → GPU 클라우드" in words
    assert words.count('type="checkbox" name="scope"') == 3
    assert "checked" not in words
    assert page["Referrer-Policy"] == "no-referrer"
    assert asked.order.name not in words[: words.index("</head>")]


def test_a_finger_signature_is_kept_with_who_how_when_and_from_where(asked: Any) -> None:
    assert answer(asked).url == asked.page
    consent = asked.order.consents.get()
    assert (consent.signer_name, consent.relationship, consent.method) == ("이민정", "딸", "signed")
    assert (consent.scope, consent.family_link, consent.recorded_by) == (["likeness"], asked.link, None)
    assert (consent.address, consent.user_agent) == ("127.0.0.1", "KAKAOTALK")
    assert consent.text_sha256 == consent.text.digest()
    assert consent.evidence == f"orders/{asked.order.code}/consents/{consent.code}/signature.png"
    assert files.sha256_of(consent.evidence) == consent.evidence_sha256
    entry = AuditEvent.objects.get(action="consent.recorded")
    assert (entry.actor_kind, entry.details["method"]) == ("family", "signed")


def test_a_typed_name_stands_for_a_signature_where_that_is_said(asked: Any) -> None:
    answer(asked, signature="", typed="yes")
    consent = asked.order.consents.get()
    assert (consent.method, consent.evidence) == ("typed", "")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"signature": ""}, "성함으로 서명을 대신한다고 표시해 주세요."),
        ({"signature": "data:image/png;base64,AAAA"}, "서명을 읽지 못했습니다."),
        ({"signer_name": ""}, "동의하시는 분의 성함을 적어 주세요."),
        ({"relationship": " "}, "고인과의 관계를 적어 주세요."),
        ({"scope": ["others"]}, "동의하지 않으시면 사진을 만들 수 없습니다."),
        ({"text": "0" * 64}, "동의 문구가 그사이 바뀌었습니다."),
        ({"method": "paper", "signature": ""}, "성함으로 서명을 대신한다고 표시해 주세요."),
    ],
)
def test_what_is_missing_is_said_beside_it_and_nothing_is_kept(asked: Any, given: dict[str, Any], words: str) -> None:
    refused = answer(asked, **given)
    assert refused.status_code == 422
    assert words in refused.content.decode()
    assert "웃는 얼굴을 좋아하셨다" in refused.content.decode()
    assert not Consent.objects.exists()
    assert not files.exists(f"orders/{asked.order.code}/consents")
    asked.link.refresh_from_db()
    assert asked.link.uses == 0


def test_what_was_ticked_and_signed_for_older_words_is_not_taken_for_newer_ones(asked: Any) -> None:
    page = answer(asked, text="0" * 64).content.decode()
    assert "checked" not in page
    assert "data:image/png" not in page
    assert "data:image/png" in answer(asked, signer_name="").content.decode()


def test_a_second_signer_gets_a_plain_page(asked: Any) -> None:
    answer(asked)
    page = Client().get(asked.page).content.decode()
    assert "동의를 받았습니다" in page
    assert not any(word in page for word in ("이민정", "딸", "<canvas", "scope"))
    late = answer(asked, signer_name="김도현")
    assert late.status_code == 409
    assert "이미 다른 분이 답하셨습니다" in late.content.decode()
    assert asked.order.consents.get().signer_name == "이민정"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_send_at_once_one_has_answered(asked: Any) -> None:
    def send(name: str) -> int:
        try:
            status: int = answer(asked, signer_name=name).status_code
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(send, ("이민정", "김도현", "김영희"))) == [302, 409, 409]
    assert asked.order.consents.count() == 1
    kept = files.path_of(asked.order.folder).rglob("signature.png")
    assert [path.parent.name for path in kept] == [str(asked.order.consents.get().code)]


def test_a_closed_or_expired_address_looks_like_none(asked: Any, alice: User) -> None:
    family_links.revoke(asked.link, by=alice, request=None)
    for method in ("get", "post"):
        assert getattr(Client(), method)(asked.page).status_code == 404


def test_the_living_are_asked_in_their_own_words(asked: Any) -> None:
    Order.objects.update(made_for="living")
    page = Client().get(asked.page).content.decode()
    assert "제 모습을 AI로 만드는 일에 동의합니다" in page
    assert "고인" not in page
    assert 'value="본인"' in page


def test_a_link_is_offered_until_somebody_agreed(asked: Any, alice: User) -> None:
    offer = family_links.OFFERS[FamilyLink.Purpose.CONSENT]
    assert offer.fits(asked.order)
    answer(asked)
    assert not offer.fits(Order.objects.get(pk=asked.order.pk))


def test_a_page_cannot_be_filled_in_from_elsewhere_without_the_address(asked: Any) -> None:
    guess = Client(enforce_csrf_checks=True)
    assert guess.post("/f/a-guess/consent/", {"typed": "yes"}).status_code == 404


def test_a_relative_is_heard_by_the_consent_link_and_staff_are_told(asked: Any) -> None:
    page = f"{asked.page}objection/"
    said = {"name": "김민수", "relationship": "동생", "reason": "누님 뜻과 다릅니다."}
    assert Client().get(page).status_code == 200
    told = Client().post(page, said, follow=True)
    assert "말씀을 전했습니다" in told.content.decode()
    objection = asked.order.objections.get()
    assert (objection.name, objection.recorded_by, objection.address) == ("김민수", None, "127.0.0.1")
    assert AuditEvent.objects.get(action="objection.recorded").actor_kind == "family"
    assert Notice.objects.filter(kind="staff_objection").exists()


def test_one_who_leaves_out_the_words_is_asked_again(asked: Any) -> None:
    refused = Client().post(f"{asked.page}objection/", {"name": "김민수"})
    assert refused.status_code == 422
    assert "말씀하실 내용을 적어 주세요." in refused.content.decode()


def test_a_second_relative_is_heard_while_the_gallery_is_paused(order: Order, alice: User) -> None:
    _link, token = make_link(order, alice)
    make_objection(order)
    said = {"name": "김영희", "relationship": "딸", "reason": "저도 그렇습니다."}
    assert Client().post(f"/g/{token}/objection/", said).status_code == 302
    assert order.objections.standing().count() == 2
    assert "잠시 멈추었습니다" in Client().get(f"/g/{token}").content.decode()


def test_the_kept_signature_is_not_found_by_its_name(asked: Any) -> None:
    answer(asked)
    name = asked.order.consents.get().evidence
    assert default_storage.exists(name)
    assert Client().get(f"/{name}").status_code == 404
