"""The one way to write an audit entry."""

from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from redis import RedisError

from portal.access import client_address
from portal.models import AuditEvent, FuneralHome, User

LONGEST_REASON = 500
# Of one person's looking at one order's photos, one entry in so many seconds: who looked and when, not each picture.
READ_AGAIN_AFTER = 600


def record(
    action: str,
    *,
    by: User | str,
    home: FuneralHome | None = None,
    subject: UUID | None = None,
    request: HttpRequest | None = None,
    reason: str = "",
    **details: Any,
) -> AuditEvent:
    """Add an entry to the transaction in hand, so that neither stands without the other.

    ``by`` is a user, or the kind of whoever acts without a login ("family", "worker", "system").
    ``action`` is a dotted name, e.g. ``order.submitted``, with words in `portal.audit_words`. ``reason`` is a person's
    own words; details hold codes and counts, no personal data.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{action} must be recorded in the transaction of what it describes")
    return AuditEvent.objects.create(
        action=action,
        actor=by if isinstance(by, User) else None,
        actor_name=by.name if isinstance(by, User) else "",
        actor_kind="user" if isinstance(by, User) else by,
        home=home,
        subject=subject,
        address=client_address(request) if request else None,
        reason=reason[:LONGEST_REASON],
        details=details,
    )


def record_read(
    action: str,
    *,
    by: User,
    home: FuneralHome | None,
    subject: UUID | None,
    request: HttpRequest,
    once_per: str = "",
    **details: Any,
) -> bool:
    """Note that somebody looked at personal data: once in ten minutes for each person, subject and action.

    ``once_per`` tells apart what has no subject, e.g. the words of a search. Returns whether an entry was added. Where
    the memory of the last ten minutes is away, every look is noted.
    """
    try:
        if not cache.add(read_key(by, action, subject, once_per), True, READ_AGAIN_AFTER):
            return False
    except RedisError:
        pass
    with transaction.atomic():
        record(action, by=by, home=home, subject=subject, request=request, **details)
    return True


def read_key(by: User, action: str, subject: UUID | None, once_per: str = "") -> str:
    """What a look is remembered by: a digest, because the words of a search may be a name."""
    look = f"{by.pk}:{action}:{subject or ''}:{once_per}"
    return f"read:{salted_hmac('portal.audit.read', look, algorithm='sha256').hexdigest()}"
