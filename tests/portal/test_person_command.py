import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.models import AuditEvent, FuneralHome, User


def add(email="kim@example.com", role="manager", home="한빛장례식장"):
    call_command("person", "add", email, "--name", "김도현", "--role", role, *(["--home", home] if home else []))


def test_the_first_manager_comes_with_the_home_and_sets_a_password_by_the_link(db, capsys):
    add()
    user = User.objects.get(email="kim@example.com")
    assert (user.name, user.role, user.home) == ("김도현", "manager", FuneralHome.objects.get(name="한빛장례식장"))
    assert not user.has_usable_password()
    assert AuditEvent.objects.get(action="person.added").subject == user.code
    link = capsys.readouterr().out.strip().removeprefix("http://testserver")
    kim = Client()
    form = kim.get(link, follow=True)
    new = "a long enough password"
    kim.post(form.request["PATH_INFO"], {"password1": new, "password2": new})
    assert Client().post("/accounts/login/", {"login": user.email, "password": new})["Location"] == "/"


def test_a_second_manager_comes_to_the_same_home(db):
    add()
    add("lee@example.com")
    assert FuneralHome.objects.get().people.count() == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"role": "reviewer"}, "belong to none"),
        ({"home": None}, "need --home"),
        ({"email": "kim"}, "no e-mail address"),
        ({"role": "staff"}, "its manager comes first"),
    ],
)
def test_what_does_not_fit_is_said_and_adds_nobody(db, wrong, said):
    with pytest.raises(CommandError, match=said):
        add(**wrong)
    assert not User.objects.exists()
    assert not FuneralHome.objects.exists()


def test_one_address_is_one_person(db):
    add()
    with pytest.raises(CommandError, match="has an account already"):
        add("KIM@example.com")
