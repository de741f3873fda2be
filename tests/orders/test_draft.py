"""A new order: kept as typed, one order however often it is sent, and never written over from an older page."""

from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders.models import Item, Order
from portal.models import AuditEvent, User
from tests.factories import make_order, make_submitted_order
from tests.orders.conftest import browser_of


def save(browser: Client, code: UUID, **typed: Any) -> Any:
    """As draft.js sends the form."""
    address = reverse("orders:order_save", args=[code])
    return browser.post(address, {"page": PAGE} | typed, headers={"X-Requested-With": "XMLHttpRequest"})


PAGE = "0dbd7f3e-2f0e-4b7b-9d0e-0a4e3a8ad111"
OTHER_PAGE = "1dbd7f3e-2f0e-4b7b-9d0e-0a4e3a8ad222"
pytestmark = pytest.mark.django_db


def test_opening_an_empty_page_makes_no_order(desk: Client) -> None:
    first, second = desk.get("/orders/new/"), desk.get("/orders/new/")
    assert first.url != second.url
    assert "새 의뢰" in desk.get(first.url).content.decode()
    assert not Order.objects.exists()


def test_the_first_letter_makes_the_order_and_the_empty_page_leads_to_it(desk: Client, alice: User) -> None:
    code = uuid4()
    assert save(desk, code, name="김").status_code == 204
    order = Order.objects.get(code=code)
    assert (order.name, order.initials, order.home, order.created_by) == ("김", "ㄱ", alice.home, alice)
    assert desk.get(f"/orders/new/{code}/").url == f"/orders/{code}/"
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["order.edited", "order.created"]


def test_a_page_sent_again_is_the_same_order(desk: Client) -> None:
    code = uuid4()
    for _time in range(3):
        save(desk, code, name="김영자", want=["portrait"])
    assert Order.objects.count() == Item.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_hands_that_send_at_once_make_one_order(alice: User, bob: User) -> None:
    code, together, answers = uuid4(), Barrier(4), []

    def send(user: User) -> None:
        browser = browser_of(user)
        together.wait()
        answers.append(save(browser, code, name="김영자", want=["portrait"]).status_code)
        connection.close()

    threads = [Thread(target=send, args=[user]) for user in (alice, alice, bob, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [204] * 4
    assert Order.objects.get().items.count() == 1


def test_facts_are_read_and_names_composed(desk: Client) -> None:
    code = uuid4()
    save(
        desk,
        code,
        name="\u1100\u1175\u11b7\u110b\u1167\u11bc  자 ",
        born_on="480305",
        died_on="어제",
        hall="특실 2호",
        altar_at="내일 오후 2시",
        mourner_phone="01012345678",
        sex="woman",
    )
    order = Order.objects.get(code=code)
    assert order.name == "김영 자"
    assert order.born_on == date(1948, 3, 5)
    assert order.died_on == timezone.localdate() - timedelta(days=1)
    assert order.mourner_phone == "010-1234-5678"
    assert timezone.localtime(order.altar_at).hour == 14
    assert order.needed_at == order.altar_at


def test_what_cannot_be_read_is_kept_and_shown_again_with_a_sentence(desk: Client) -> None:
    code = uuid4()
    save(desk, code, name="김영자", born_on="봄에 태어나심", mourner_phone="큰아들", died_on="2시간 뒤")
    order = Order.objects.get(code=code)
    assert order.unread == {"born_on": "봄에 태어나심", "mourner_phone": "큰아들", "died_on": "2시간 뒤"}
    page = desk.get(f"/orders/{code}/").content.decode()
    assert "봄에 태어나심" in page
    assert "날짜를 읽지 못했습니다" in page
    assert "읽지 못한 칸이 있습니다: 생년월일, 별세일, 연락처" in page
    save(desk, code, name="김영자", born_on="1948.3.5", mourner_phone="", died_on="")
    assert Order.objects.get(code=code).unread == {}


def test_hours_from_now_mean_the_same_moment_when_the_page_is_kept_again_later(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = uuid4()
    save(desk, code, altar_at="2시간 뒤")
    first = Order.objects.get(code=code).altar_at
    later = timezone.now() + timedelta(minutes=50)
    monkeypatch.setattr(timezone, "now", lambda: later)
    save(desk, code, altar_at="2시간 뒤", name="김영자")
    assert Order.objects.get(code=code).altar_at == first


def test_the_needed_hour_follows_the_altar_unless_it_was_given(desk: Client) -> None:
    code = uuid4()
    save(desk, code, altar_at="내일 14:00")
    save(desk, code, altar_at="내일 15:00")
    order = Order.objects.get(code=code)
    assert order.needed_at == order.altar_at
    save(desk, code, altar_at="내일 15:00", needed_at="내일 18:00")
    save(desk, code, altar_at="내일 16:00", needed_at="내일 18:00")
    order = Order.objects.get(code=code)
    assert timezone.localtime(order.needed_at).hour == 18


def test_somebody_who_plans_ahead_has_no_altar(desk: Client) -> None:
    code = uuid4()
    save(desk, code, made_for="living", altar_at="내일 14:00")
    order = Order.objects.get(code=code)
    assert order.made_for == Order.For.LIVING
    assert order.needed_at is None


def test_one_press_sets_the_hour_and_answers_with_that_part_of_the_page(desk: Client) -> None:
    code = uuid4()
    address = reverse("orders:order_save", args=[code])
    answer = desk.post(address, {"page": PAGE, "name": "김영자", "quick": "+60"}, headers={"HX-Target": "when"})
    order = Order.objects.get(code=code)
    assert timedelta(minutes=50) < order.needed_at - timezone.now() <= timedelta(minutes=60)
    assert f"{timezone.localtime(order.needed_at):%Y-%m-%d %H:%M}" in answer.content.decode()
    assert answer["HX-Trigger"] == "draft-changed"


@pytest.mark.parametrize("value", ["+", "+999999", "now", "2026-13-01T00:00", "2026-11-22T10:00", "+1\u0660"])
def test_a_press_of_a_button_nobody_made_sets_nothing(desk: Client, value: str) -> None:
    code = uuid4()
    save(desk, code, quick=value)
    assert Order.objects.get(code=code).needed_at is None


def test_wants_and_their_options_are_kept(desk: Client) -> None:
    code = uuid4()
    save(
        desk,
        code,
        **{
            "want": ["portrait", "life_scene", "nonsense"],
            "portrait-clothes": "hanbok",
            "portrait-background": "'; drop table",
            "life_scene-scene": "fishing",
            "life_scene-without": ["rod", "microphone"],
        },
    )
    options = dict(Item.objects.values_list("product_key", "options"))
    assert set(options) == {"portrait", "life_scene"}
    assert options["portrait"]["clothes"] == "hanbok"
    assert options["portrait"]["background"] == "grey"
    assert options["life_scene"]["without"] == ["rod"]
    save(desk, code, want=["life_scene"])
    assert Item.objects.get().product_key == "life_scene"


def test_an_older_page_does_not_write_over_a_newer_one(alice: User, bob: User) -> None:
    code = uuid4()
    desk, other_desk = browser_of(alice), browser_of(bob)
    save(desk, code, name="김영자")
    seen = Order.objects.get(code=code).edited_at.isoformat()
    assert save(other_desk, code, name="김영숙", page=OTHER_PAGE, seen=seen).status_code == 204
    answer = save(desk, code, name="김영자", hall="5호")
    assert answer.status_code == 409
    assert "bob 님이 다른 화면에서" in answer.content.decode()
    assert Order.objects.get(code=code).name == "김영숙"
    seen = Order.objects.get(code=code).edited_at.isoformat()
    assert save(desk, code, name="김영숙", hall="5호", seen=seen).status_code == 204


def test_after_submission_facts_may_be_mended_and_wants_not(desk: Client, alice: User) -> None:
    order = make_submitted_order(alice)
    save(desk, order.code, name="김영숙", want=["living_video"], needed_at="내일 14:00")
    order.refresh_from_db()
    assert order.name == "김영숙"
    assert [item.product_key for item in order.items.all()] == ["portrait"]


def test_a_cancelled_order_is_not_changed(desk: Client, alice: User) -> None:
    order = make_order(alice, cancelled_at=timezone.now())
    assert save(desk, order.code, name="김영숙").status_code == 404


def test_a_plain_form_without_script_comes_back_to_its_page(desk: Client) -> None:
    code = uuid4()
    answer = desk.post(reverse("orders:order_save", args=[code]), {"name": "김영자"})
    assert answer.url == f"/orders/{code}/"
    assert "저장했습니다" in desk.get(answer.url).content.decode()


def test_text_that_a_database_would_refuse_is_kept_without_harm(desk: Client) -> None:
    code = uuid4()
    save(desk, code, name="김\x00영자", born_on="\x00봄" * 400, mourner_name="가" * 200)
    order = Order.objects.get(code=code)
    assert order.name == "김 영자" or order.unread["name"]
    assert "\x00" not in str(order.unread)
    assert "mourner_name" in order.unread


def test_strangers_find_nothing_and_write_nothing(alice: User, strangers: list[Client], bob: User) -> None:
    order = make_order(alice)
    for stranger in strangers:
        assert stranger.get(f"/orders/{order.code}/").status_code == 404
        assert save(stranger, order.code, name="남의 의뢰").status_code == 404
        assert stranger.get(f"/orders/{order.code}/side/").status_code == 404
        assert stranger.post(f"/orders/{order.code}/submit/", {"name": "남의 의뢰"}).status_code == 404
        assert stranger.post(f"/orders/{order.code}/cancel/").status_code == 404
    order.refresh_from_db()
    assert order.name == "김영자"
    assert save(browser_of(bob), order.code, name="김영숙").status_code == 204


def test_whoever_is_not_logged_in_is_sent_to_the_entrance(client: Client) -> None:
    assert client.get("/orders/new/").url.startswith("/accounts/login/")


def test_a_wrong_csrf_token_is_refused_in_words(alice: User) -> None:
    browser = browser_of(alice, enforce_csrf_checks=True)
    answer = browser.post(reverse("orders:order_save", args=[uuid4()]), {"name": "김영자", "csrfmiddlewaretoken": "x"})
    assert answer.status_code == 403
    assert "<h1" in answer.content.decode()
    assert not Order.objects.exists()


def test_the_side_says_what_is_missing_and_how_each_field_was_read(desk: Client) -> None:
    code = uuid4()
    save(desk, code, name="김영자", born_on="480305", died_on="모름", altar_at="내일 14:00")
    side = desk.get(f"/orders/{code}/side/").content.decode()
    assert "무엇을 만들지 골라 주세요." in side
    assert "1948년 3월 5일" in side
    assert "만 " in side
    assert "날짜를 읽지 못했습니다" in side
    assert 'id="said-born_on" hx-swap-oob="true"' in side
