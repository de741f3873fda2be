"""An order's state follows from its facts, and the database and the object agree on it."""

from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from orders.models import Consent, Item, Order, OrderState, Photo
from orders.products import PRODUCTS
from portal.models import User
from tests.factories import make_consent, make_order

pytestmark = pytest.mark.django_db


def make_photo(order: Order, **facts: Any) -> Photo:
    """A photo's row; drawing hundreds of files would only take time."""
    code = uuid4()
    return Photo.objects.create(
        order=order, code=code, media_type="image/jpeg", byte_count=1, sha256=code.hex * 2, width=1, height=1, **facts
    )


def state_in_database(order: Order) -> str:
    return Order.objects.with_state().get(pk=order.pk).state_key


def test_an_order_goes_from_draft_to_photos_to_consent_to_being_made(alice: User) -> None:
    order = make_order(alice, name="")
    assert order.state == OrderState.DRAFT
    order.name = "김영자"
    assert order.state == OrderState.PHOTOS
    make_photo(order)
    assert order.state == OrderState.CONSENT
    make_consent(order)
    assert order.state == OrderState.DRAFT
    assert order.missing() == []
    order.submitted_at = timezone.now()
    assert order.state == OrderState.PRODUCING


@pytest.mark.parametrize(
    ("item_states", "expected"),
    [
        (["waiting", "approved"], OrderState.PRODUCING),
        (["producing", "to_review"], OrderState.PRODUCING),
        (["to_review", "waiting"], OrderState.TO_REVIEW),
        (["to_review", "approved"], OrderState.TO_REVIEW),
        (["producing", "returned"], OrderState.RETURNED),
        (["approved", "approved"], OrderState.TO_DELIVER),
    ],
)
def test_after_submission_the_state_is_that_of_the_item_that_lags_most(
    alice: User, item_states: list[str], expected: str
) -> None:
    order = make_order(
        alice, products=("portrait", "living_video"), photos=1, consent=True, submitted_at=timezone.now()
    )
    for item, state in zip(order.items.all(), item_states, strict=True):
        Item.objects.filter(pk=item.pk).update(state=state, round=1)
    assert order.state == state_in_database(order) == expected


def test_a_withdrawn_consent_leaves_a_submitted_order_waiting_for_consent(alice: User) -> None:
    order = make_order(alice, photos=1, consent=True, submitted_at=timezone.now())
    order.consents.update(withdrawn_at=timezone.now())
    assert order.state == state_in_database(order) == OrderState.CONSENT


def test_consent_given_for_the_deceased_does_not_hold_for_the_living(alice: User) -> None:
    order = make_order(alice, photos=1, consent=True)
    order.made_for = Order.For.LIVING
    order.save()
    assert order.state == state_in_database(order) == OrderState.CONSENT


def test_a_photo_with_somebody_else_wants_a_word_about_them(alice: User) -> None:
    order = make_order(alice, photos=1, consent=True)
    make_photo(order, shows_others=True)
    assert [missing.anchor for missing in order.missing()] == ["consent"]
    order.consents.update(superseded_at=timezone.now())
    make_consent(order, scope=["likeness", "others"])
    assert order.missing() == []


def test_the_database_and_the_object_always_agree(alice: User) -> None:
    random = Random(20261122)
    now = timezone.now()
    for _ in range(250):
        maybe_now = lambda share: now if random.random() < share else None  # noqa: E731  # a word, not a function
        order = make_order(
            alice,
            products=tuple(random.sample(sorted(PRODUCTS), random.randint(1, 3))),
            name=random.choice(["", "김영자", "김영자"]),
            needed_at=maybe_now(0.8),
            unread=random.choice([{}, {}, {}, {"born_on": "봄"}]),
            made_for=random.choice(Order.For.values),
            submitted_at=maybe_now(0.6),
            cancelled_at=maybe_now(0.1),
            erased_at=maybe_now(0.1),
            delivered_at=maybe_now(0.3),
        )
        if random.random() < 0.1:
            order.items.all().delete()
        for item in order.items.all():
            Item.objects.filter(pk=item.pk).update(state=random.choice(Item.State.values), round=1)
        for _ in range(random.randint(0, 4)):
            make_photo(order, shows_others=random.random() < 0.2)
        for _ in range(random.randint(0, 3)):
            Consent.objects.standing().filter(order=order).update(
                **{random.choice(["withdrawn_at", "superseded_at"]): now}
            )
            make_consent(order, scope=random.choice([["likeness"], ["likeness", "others"], ["likeness", "showcase"]]))
    orders = Order.objects.with_state().for_list()
    seen = {order.state_key for order in orders}
    assert seen == set(OrderState.values)
    assert [order.state_key for order in orders] == [order.state for order in orders]
    assert Order.objects.count_by_state() == {key: [o.state for o in orders].count(key) for key in seen}


def test_a_home_sees_its_own_orders_a_reviewer_what_was_submitted_and_an_operator_none(
    alice: User, bob: User, charlie: User, reviewer: User, operator: User
) -> None:
    draft, submitted = make_order(alice), make_order(alice, submitted_at=timezone.now())
    elsewhere = make_order(charlie, submitted_at=timezone.now())
    visible = {
        user.email.split("@")[0]: set(Order.objects.for_user(user))
        for user in (alice, bob, charlie, reviewer, operator)
    }
    assert visible == {
        "alice": {draft, submitted},
        "bob": {draft, submitted},
        "charlie": {elsewhere},
        "reviewer": {submitted, elsewhere},
        "operator": set(),
    }


@pytest.mark.parametrize(
    "typed",
    [
        "김영자",
        "영자",
        "ㄱㅇㅈ",
        "ㅇㅈ",
        "김ㅇㅈ",
        "특실",
        "ㄱㅇㅈ 특실",
        "도현",
        "5678",
        "010-1234",
        "金",
        "특실 김도현",
    ],
)
def test_an_order_is_found_by_name_initials_hall_mourner_and_phone(alice: User, typed: str) -> None:
    order = make_order(alice, hall="특실 2호", hanja="金英子", mourner_name="김도현", mourner_phone="010-1234-5678")
    make_order(alice, name="박철수", hall="5호", mourner_name="박서연", mourner_phone="010-0000-0000")
    assert list(Order.objects.search(typed)) == [order]


@pytest.mark.parametrize("typed", ["김영숙", "ㄱㅊㅅ", "김ㅊㅈ", "%", "_", "\\", "[", "특실 3호", "9999"])
def test_what_matches_nothing_finds_nothing(alice: User, typed: str) -> None:
    make_order(alice, hall="특실 2호", mourner_name="김도현", mourner_phone="010-1234-5678")
    assert not Order.objects.search(typed).exists()


def test_an_empty_search_finds_everything(alice: User) -> None:
    make_order(alice)
    assert Order.objects.search("  ").count() == 1


@pytest.mark.parametrize(
    ("born", "died", "group"),
    [
        (None, None, "elderly"),
        ("1948-03-05", "2026-11-21", "elderly"),
        ("1970-01-01", "2026-11-21", "middle_aged"),
        ("1999-01-01", "2026-11-21", "young"),
    ],
)
def test_the_age_drawn_follows_from_the_dates(alice: User, born: str, died: str, group: str) -> None:
    order = make_order(alice, born_on=born, died_on=died)
    order.refresh_from_db()
    assert order.age_group == group


def test_the_name_is_spoken_with_respect(alice: User) -> None:
    assert make_order(alice).person == "고 김영자 님"
    assert make_order(alice, made_for=Order.For.LIVING).person == "김영자 님"
    assert make_order(alice, name="").person == "성함을 적지 않은 의뢰"
