"""Taking a consent back: by whoever holds the family's link, or by staff; everything stops and ends at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from gpujobs.models import Job
from orders import authority, consenting, family_links, production
from orders.models import Erasure, FamilyLink, LegalHold, Order
from portal.models import AuditEvent, Notice, User
from tests.factories import make_submitted_order
from tests.family.making import make_family_link, make_link
from tests.orders.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def making(alice: User) -> Any:
    """An order that is being made, with every kind of link handed out."""
    order = make_submitted_order(alice)
    tokens = {purpose: make_family_link(order, alice, purpose)[1] for purpose in ("upload", "consent")}
    _link, gallery = make_link(order, alice)
    return type("Making", (), {"order": order, "gallery": gallery, **tokens})


@pytest.mark.parametrize("way", ["/f/{consent}/consent/withdraw/", "/g/{gallery}/withdraw/"])
def test_by_either_link_everything_stops_closes_and_ends_in_one_go(making: Any, way: str) -> None:
    page = way.format(consent=making.consent, gallery=making.gallery)
    assert "되살릴 수 없습니다" in Client().get(page).content.decode()
    assert authority.has_authority(making.order), "looking changes nothing"
    done = Client().post(page, {"name": "김영자"})
    assert done.status_code == 200
    assert "철회되었습니다" in done.content.decode()
    order = Order.objects.get(pk=making.order.pk)
    assert order.standing_consent is None
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}
    assert not order.links.filter(revoked_at=None).exists()
    assert not order.family_links.filter(revoked_at=None).exists()
    assert order.erased_at
    erasure = Erasure.objects.get(order=order)
    assert (erasure.why, erasure.asked_by, erasure.asked_by_name) == ("withdrawn", None, "family")
    assert AuditEvent.objects.get(action="consent.withdrawn").actor_kind == "family"
    assert Notice.objects.filter(kind="staff_withdrawal").exists()
    for address in (page, f"/g/{making.gallery}", f"/f/{making.upload}/photos/", f"/f/{making.consent}/consent/"):
        assert Client().get(address).status_code == 404


@pytest.mark.parametrize("way", ["/f/{consent}/consent/withdraw/", "/g/{gallery}/withdraw/"])
@pytest.mark.parametrize(
    ("typed", "words"),
    [("", "성함을 적어 주세요."), ("김영", "적으신 성함이 다릅니다."), ("고인", "적으신 성함이 다릅니다.")],
)
def test_a_stray_tap_takes_nothing_back(making: Any, way: str, typed: str, words: str) -> None:
    page = way.format(consent=making.consent, gallery=making.gallery)
    refused = Client().post(page, {"name": typed} if typed else {})
    assert refused.status_code == 422
    assert words in refused.content.decode()
    assert authority.has_authority(making.order)


@pytest.mark.parametrize("typed", ["이민정", " 이 민정 ", "김영자"])
def test_the_name_of_the_deceased_or_of_whoever_agreed_will_do(making: Any, typed: str) -> None:
    assert "철회되었습니다" in Client().post(f"/g/{making.gallery}/withdraw/", {"name": typed}).content.decode()
    assert not authority.has_authority(Order.objects.get(pk=making.order.pk))


def test_who_agreed_by_a_link_takes_it_back_by_it_as_long_as_there_is_anything_to_erase(
    making: Any, alice: User
) -> None:
    """Agreeing ends with the link's days; taking it back does not."""
    link, token = make_family_link(making.order, alice, "consent", max_uses=1)
    _unused, unsigned = make_family_link(making.order, alice, "consent", max_uses=1)
    page = f"/f/{token}/consent/"
    FamilyLink.objects.filter(pk=link.pk).update(uses=1)
    FamilyLink.objects.update(expires_at=timezone.now() - timedelta(days=60))
    assert "언제든 철회하실 수 있습니다" in Client().get(page).content.decode()
    assert Client().post(page, {"typed": "yes"}).status_code == 409, "nothing is signed by it any more"
    assert Client().get(f"/f/{unsigned}/consent/").status_code == 404
    [panel] = [each for each in family_links.panels(making.order) if each.offer.purpose == "consent"]
    assert panel.links == [link], "staff see it and may close it"
    assert Client().post(f"{page}withdraw/", {"name": "이민정"}).status_code == 200
    assert Client().get(page).status_code == 404


def test_there_is_nothing_to_take_back_before_anybody_agreed(making: Any) -> None:
    making.order.consents.all().delete()
    assert Client().get(f"/f/{making.consent}/consent/withdraw/").status_code == 404


def test_staff_do_it_for_whoever_calls(making: Any, alice: User) -> None:
    desk = Client()
    desk.force_login(alice)
    desk.post("/accounts/reauthenticate/", {"password": PASSWORD})
    desk.post(f"/orders/{making.order.code}/consent/withdraw/", {"reason": "전화로 말씀하심"})
    assert Erasure.objects.get(order=making.order).asked_by == alice
    assert not Notice.objects.filter(kind="staff_withdrawal").exists()


def test_under_a_legal_hold_everything_stops_and_the_files_stay(making: Any) -> None:
    keeper = make_user("keeper", making.order.home, "manager")
    LegalHold.objects.create(order=making.order, reason="소송", placed_by=keeper)
    assert consenting.withdraw(making.order, by="family", request=None)
    order = Order.objects.get(pk=making.order.pk)
    assert order.erased_at is None
    assert order.standing_consent is None
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}
    assert not order.links.filter(revoked_at=None).exists()


def test_what_was_withdrawn_is_withdrawn_once(making: Any) -> None:
    assert consenting.withdraw(making.order, by="family", request=None)
    assert not consenting.withdraw(making.order, by="family", request=None)
    assert AuditEvent.objects.filter(action="consent.withdrawn").count() == 1


def test_it_all_stands_or_falls_together(making: Any, monkeypatch: Any) -> None:
    def fail(*args: Any, **more: Any) -> None:
        raise OSError("the database went away")

    monkeypatch.setattr("orders.retention.begin_erasure", fail)
    with pytest.raises(OSError, match="went away"):
        consenting.withdraw(making.order, by="family", request=None)
    assert authority.has_authority(making.order)
    assert set(Job.objects.values_list("state", flat=True)) == {"queued"}
    assert making.order.links.filter(revoked_at=None).exists()


def test_a_new_answer_after_it_is_refused(making: Any) -> None:
    production.withdraw(making.order, by="family", reason="", request=None)
    Order.objects.update(erased_at=timezone.now())
    assert Client().get(f"/f/{making.consent}/consent/").status_code == 404
