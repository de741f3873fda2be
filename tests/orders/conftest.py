import pytest
from django.test import Client

from portal.models import FuneralHome, User
from tests.orders.people import make_home, make_user


@pytest.fixture
def home(db: None) -> FuneralHome:
    return make_home()


@pytest.fixture
def alice(home: FuneralHome) -> User:
    return make_user("alice", home)


@pytest.fixture
def bob(home: FuneralHome) -> User:
    return make_user("bob", home)


@pytest.fixture
def charlie(db: None) -> User:
    return make_user("charlie", make_home("다른장례식장"))


@pytest.fixture
def reviewer(db: None) -> User:
    return make_user("reviewer", None, User.Role.REVIEWER)


@pytest.fixture
def operator(db: None) -> User:
    return make_user("operator", None, User.Role.OPERATOR)


@pytest.fixture
def desk(alice: User) -> Client:
    """Alice's browser."""
    return browser_of(alice)


def browser_of(user: User, **options: bool) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client
