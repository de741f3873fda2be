"""Alice owns, Bob is on her team, Charlie is a stranger from another home."""

import pytest
from django.test import Client

from portal.models import FuneralHome, User
from tests.factories import PASSWORD, make_home


def person(name: str, home: FuneralHome | None, role: str = User.Role.STAFF) -> User:
    return User.objects.create_user(f"{name}@example.com", PASSWORD, name=name, role=role, home=home)


def browser_of(user: User, **options: bool) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.fixture
def home(db: None) -> FuneralHome:
    return make_home("한빛장례식장")


@pytest.fixture
def alice(home: FuneralHome) -> User:
    return person("alice", home)


@pytest.fixture
def bob(home: FuneralHome) -> User:
    return person("bob", home)


@pytest.fixture
def charlie(db: None) -> User:
    return person("charlie", make_home("다른장례식장"))


@pytest.fixture
def reviewer(db: None) -> User:
    return person("reviewer", None, User.Role.REVIEWER)


@pytest.fixture
def operator(db: None) -> User:
    return person("operator", None, User.Role.OPERATOR)


@pytest.fixture
def desk(alice: User) -> Client:
    """Alice's browser."""
    return browser_of(alice)


@pytest.fixture
def strangers(charlie: User, reviewer: User, operator: User) -> list[Client]:
    """Everybody who may not touch a draft of Alice's, logged in, and somebody who is not."""
    return [browser_of(user) for user in (charlie, reviewer, operator)]
