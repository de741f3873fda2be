"""manage.py person add: the first admin, or a home's first manager; admins and managers invite everybody else."""

from argparse import ArgumentParser
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import PASSWORD_RESET_TOKEN_GENERATOR
from allauth.account.utils import user_pk_to_url_str
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from portal import audit, second_factor
from portal.models import FuneralHome, User


class Command(BaseCommand):
    help = "People: add somebody and print the link on which they set their password; help who lost a second factor."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="a home that does not exist yet is made with its manager")
        add.add_argument("email")
        add.add_argument("--name", required=True)
        add.add_argument("--role", required=True, choices=User.Role.values)
        add.add_argument("--home", help="its name; of staff and managers")
        reset = actions.add_parser("reset", help="remove somebody's lost second factors, e.g. the last admin's")
        reset.add_argument("email")

    def handle(self, *args: Any, action: str, email: str, **options: Any) -> None:
        if action == "reset":
            self._reset(email)
        else:
            self._add(email, options["name"], options["role"], options["home"])

    def _reset(self, email: str) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"Nobody has the address {email}.")
        with transaction.atomic():
            second_factor.remove_all(user)
            audit.record("second_factor.reset", by="system", home=user.home, subject=user.code)
        print(f"{user.name} logs in with the password alone and enrols anew.")

    def _add(self, email: str, name: str, role: str, home: str | None) -> None:
        if (role in User.HOME_ROLES) != bool(home):
            raise CommandError("Staff and managers need --home; reviewers, operators and admins belong to none.")
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is no e-mail address.") from error
        if User.objects.filter(email__iexact=email).exists():
            raise CommandError(f"{email} has an account already.")
        with transaction.atomic():
            user = User.objects.create_user(email, None, name=name, role=role, home=self._home(home, role))
            audit.record("person.added", by="system", home=user.home, subject=user.code, role=role)
        key = f"{user_pk_to_url_str(user)}-{PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)}"
        print(get_adapter().get_reset_password_from_key_url(key))

    def _home(self, name: str | None, role: str) -> FuneralHome | None:
        if name is None:
            return None
        home = FuneralHome.objects.filter(name=name).first()
        if home is None and role != User.Role.MANAGER:
            raise CommandError(f"There is no home called {name}; its manager comes first.")
        return home or FuneralHome.objects.create(name=name)
