from types import SimpleNamespace

import pytest
from django.test import Client

from portal.models import FuneralHome, User
from tests.orders.people import make_home, make_user
from tests.portal.world import make_world


@pytest.fixture
def home(db: None) -> FuneralHome:
    return make_home()


@pytest.fixture
def world(db: None) -> SimpleNamespace:
    return make_world()


@pytest.fixture
def alice(home: FuneralHome) -> User:
    return make_user("alice", home)


@pytest.fixture
def manager(home: FuneralHome) -> User:
    return make_user("manager", home, User.Role.MANAGER)


@pytest.fixture
def operator(db: None) -> User:
    return make_user("operator", None, User.Role.OPERATOR)


@pytest.fixture
def admin(db: None) -> User:
    return make_user("admin", None, User.Role.ADMIN)


@pytest.fixture
def headquarters(admin: User) -> Client:
    """The admin's browser."""
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def office(manager: User) -> Client:
    """The manager's browser."""
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def console(operator: User) -> Client:
    """The operator's browser."""
    client = Client()
    client.force_login(operator)
    return client
