from types import SimpleNamespace

import pytest
from django.test import Client

from orders.models import Order
from portal.models import User
from tests.family.making import approved_order, make_link
from tests.orders.people import make_home, make_user


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice", make_home())


@pytest.fixture
def order(alice: User) -> Order:
    return approved_order(alice, "portrait", "living_video")


@pytest.fixture
def family(order: Order, alice: User) -> SimpleNamespace:
    """The order's link, its address, and the family's browser."""
    link, token = make_link(order, alice)
    return SimpleNamespace(order=order, link=link, token=token, url=f"/g/{token}", browser=Client())
