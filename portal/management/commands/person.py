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

from portal import audit
from portal.models import FuneralHome, User


class Command(BaseCommand):
    help = "People: add somebody and print the link on which they set their password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="a home that does not exist yet is made with its manager")
        add.add_argument("email")
        add.add_argument("--name", required=True)
        add.add_argument("--role", required=True, choices=User.Role.values)
        add.add_argument("--home", help="its name; of staff and managers")

    def handle(self, *args: Any, email: str, name: str, role: str, home: str | None, **options: Any) -> None:
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
