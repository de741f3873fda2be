"""Authenticator apps, passkeys and recovery codes: allauth's hooks, and that each change is written down."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import segno
from allauth.account.adapter import get_adapter
from allauth.mfa import signals
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal import audit
from portal.models import User
from portal.sealing import seal, unseal

PURPOSE = "second factor"
# How every Fernet token begins: its version, 0x80, and the upper bytes of the time.
SEALED = "gAAAA"


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    def build_totp_svg(self, url: str) -> str:
        # White around and behind it, so that a camera reads it in the dark as well.
        drawn = BytesIO()
        segno.make(url, error="m").save(drawn, kind="svg", scale=6, border=4, dark="#1f2421", light="#ffffff")
        return drawn.getvalue().decode()

    def encrypt(self, text: str) -> str:
        return seal(text, purpose=PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        # Those of before there was a seal are read as they are.
        return unseal(encrypted_text, purpose=PURPOSE) if encrypted_text.startswith(SEALED) else encrypted_text

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002  allauth's name
        there = Authenticator.objects.filter(user=user, type=type).count()
        return _("패스키 %(number)s") % {"number": there + 1}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        # A passkey belongs to the site as configured, never to the Host that a request claims.
        return {"id": urlsplit(settings.SITE_URL).hostname or "", "name": "ConnectDream"}


def remove_all(user: User) -> None:
    """Apps, passkeys and recovery codes; whoever needs one is led to a new one at their next login."""
    Authenticator.objects.filter(user=user).delete()


def tell_of_reset(user: User) -> None:
    """Its owner hears of it, in case somebody pretended to be they."""
    get_adapter().send_mail("mfa/email/second_factor_reset", user.email, {"user": user})


@receiver(signals.authenticator_added)
def added(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record("second_factor.added", request, user, authenticator)


@receiver(signals.authenticator_removed)
def removed(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record("second_factor.removed", request, user, authenticator)


@receiver(signals.authenticator_reset)
def renewed(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record("second_factor.renewed", request, user, authenticator)


@receiver(signals.authentication_failed)
def failed(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record("second_factor.failed", request, user, authenticator)


def _record(action: str, request: HttpRequest, user: User, authenticator: Authenticator) -> None:
    with transaction.atomic():
        audit.record(action, by=user, home=user.home, subject=user.code, request=request, kind=authenticator.type)
