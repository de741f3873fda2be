"""The digits that may be asked for beside a gallery's link: who hands them in right is let in for the session.

Two bounds hold whoever tries: a count on the link's own row, taken before the digits are looked at, which only staff
set back, and the rates of `portal.rates` for one link and for one address.
"""

import hashlib
import re
from enum import Enum

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.http import HttpRequest

from orders.models import DownloadLink
from portal import audit, limits

_SESSION_KEY = "galleries"
# Digits that are tried first by whoever guesses.
_EASY = ("0123456789", "9876543210")


class Outcome(Enum):
    RIGHT = "right"
    WRONG = "wrong"
    # No try is left; staff open it again.
    LOCKED = "locked"
    # Too many in too short a time.
    WAIT = "wait"


def is_fit(pin: str) -> bool:
    """Whether these may be a link's digits: four to six, not all alike and not counted up or down."""
    plain = re.fullmatch(r"[0-9]{4,6}", pin) is not None
    return plain and len(set(pin)) > 1 and not any(pin in row for row in _EASY)


def is_unlocked(request: HttpRequest, link: DownloadLink) -> bool:
    if not link.pin_hash:
        return True
    opened = request.session.get(_SESSION_KEY, {})
    return bool(opened.get(str(link.code)) == _mark(link))


def unlock(request: HttpRequest, link: DownloadLink, pin: str) -> Outcome:
    """Compare the digits and remember in the session that they were right."""
    address = limits.address_of(request)
    if limits.used_up("code_of_link", str(link.code)) or limits.used_up("code_from_address", address):
        return Outcome.WAIT
    if not link.begin_try():
        return Outcome.LOCKED
    if not check_password(pin, link.pin_hash):
        limits.allow("code_of_link", str(link.code))
        limits.allow("code_from_address", address)
        link.refresh_from_db(fields=["wrong_tries"])
        _record("link.wrong_code", link, request)
        return Outcome.LOCKED if link.is_locked else Outcome.WRONG
    link.give_back_try()
    # A session that somebody else began, and knows the key of, must not be let in with ours.
    request.session.cycle_key()
    request.session[_SESSION_KEY] = request.session.get(_SESSION_KEY, {}) | {str(link.code): _mark(link)}
    _record("link.unlocked", link, request)
    return Outcome.RIGHT


def _mark(link: DownloadLink) -> str:
    """Other digits make another mark, and whoever was let in with the old ones is asked again."""
    return hashlib.sha256(link.pin_hash.encode()).hexdigest()[:32]


def _record(action: str, link: DownloadLink, request: HttpRequest) -> None:
    order = link.order
    with transaction.atomic():
        audit.record(action, by="family", home=order.home, subject=order.code, request=request, link=str(link.code))
