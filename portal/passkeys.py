"""allauth's forms for passkeys, that take whatever a stranger sends as credential for what it is: wrong, no error."""

import struct
from collections.abc import Callable
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms

# What reading a credential that was made up by hand runs into.
MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error)


def _read(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except MALFORMED as error:
        raise get_adapter().validation_error("incorrect_code") from error


class Add(forms.AddWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    def clean(self) -> dict[str, Any]:
        return _read(super().clean)


class Authenticate(forms.AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    def clean_credential(self) -> Any:
        return _read(super().clean_credential)


class Login(forms.LoginWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    def clean_credential(self) -> Any:
        return _read(super().clean_credential)


class Reauthenticate(forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    def clean_credential(self) -> Any:
        return _read(super().clean_credential)
