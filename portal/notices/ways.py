"""How a notice leaves: by the mail server of Django's settings, or by an SMS service.

A new service is a class with `send`, named in `SERVICES`.
"""

from collections.abc import Callable
from typing import Protocol

import requests
from django.conf import settings
from django.core.mail import EmailMessage

TIMEOUT = (5, 20)


class Undeliverable(Exception):
    """No later try can help: the service says that the number or the text is wrong."""


class Unavailable(Exception):
    """The service cannot be reached or fails; a later try may succeed. Holds the kind of failure."""


class SmsService(Protocol):
    def send(self, number: str, text: str, *, key: str) -> None:
        """Send once for each ``key``. Raises Undeliverable or Unavailable."""


class Console:
    """Prints instead of sending, as Django's console mail does: for the demo and for development."""

    def send(self, number: str, text: str, *, key: str) -> None:
        print(f"SMS to {number}\n{text}\n", flush=True)  # noqa: T201  # printing is what it is for


class Http:
    """Any service that takes JSON over HTTPS: ``{"key", "from", "to", "text"}`` with a bearer token.

    The key is sent as Idempotency-Key as well. 2xx: taken. 408, 425, 429 and 5xx: later. Other 4xx: never.
    Korean gateways (알림톡 among them) differ in their fields; a small adapter of the operator's translates.
    """

    LATER = frozenset({408, 425, 429})

    def send(self, number: str, text: str, *, key: str) -> None:
        body = {"key": key, "from": settings.SMS_SENDER, "to": number, "text": text}
        headers = {"Authorization": f"Bearer {settings.SMS_TOKEN}", "Idempotency-Key": key}
        try:
            answer = requests.post(settings.SMS_URL, json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            raise Unavailable(type(error).__name__) from error
        if answer.ok and not answer.is_redirect:
            return
        if answer.status_code in self.LATER or answer.status_code >= 500:
            raise Unavailable(f"HTTP {answer.status_code}")
        raise Undeliverable(f"HTTP {answer.status_code}")


SERVICES: dict[str, Callable[[], SmsService]] = {"console": Console, "http": Http}


def send_sms(number: str, text: str, *, key: str) -> None:
    """Raises Undeliverable or Unavailable."""
    SERVICES[settings.SMS_SERVICE]().send(number, text, key=key)


def send_email(address: str, title: str, text: str, *, key: str, stop_url: str) -> None:
    """Raises Unavailable. ``key`` is in the Message-ID, so that mail sent twice after a crash shows once."""
    headers = {
        "Message-ID": f"<{key}@connectdream>",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{stop_url}>",
    }
    try:
        EmailMessage(title, text, to=[address], headers=headers).send()
    except OSError as error:  # smtplib's errors are OSErrors too
        raise Unavailable(type(error).__name__) from error
