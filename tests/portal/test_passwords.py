"""Words of this place are no password; a long sentence with one of them is."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from tests.orders.people import make_home, make_user


@pytest.fixture
def alice(db):
    return make_user("alice", make_home("한빛장례식장"))


@pytest.mark.parametrize(
    "password", ["connectdream1", "ConnectDream!!", "한빛장례식장12345", "memorial2026", "한빛 장례식장 1"]
)
def test_a_word_of_this_place_with_little_besides_is_refused(alice, password):
    with pytest.raises(ValidationError):
        validate_password(password, alice)


@pytest.mark.parametrize("password", ["비 오는 날의 장례식장 앞 은행나무", "a memorial of seven herons", "x" * 128])
def test_a_long_one_is_taken_whatever_it_speaks_of(alice, password):
    validate_password(password, alice)
