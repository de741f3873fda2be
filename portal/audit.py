"""The one way to write an audit entry."""

from typing import Any
from uuid import UUID

from django.db import connection
from django.http import HttpRequest

from portal.access import client_address
from portal.models import AuditEvent, FuneralHome, User


def record(
    action: str,
    *,
    by: User | str,
    home: FuneralHome | None = None,
    subject: UUID | None = None,
    request: HttpRequest | None = None,
    **details: Any,
) -> AuditEvent:
    """Add an entry to the transaction in hand, so that neither stands without the other.

    ``by`` is a user, or the kind of whoever acts without a login ("family", "worker", "system").
    ``action`` is a dotted name, e.g. ``order.submitted``. Details hold codes and counts, no personal data.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{action} must be recorded in the transaction of what it describes")
    return AuditEvent.objects.create(
        action=action,
        actor=by if isinstance(by, User) else None,
        actor_kind="user" if isinstance(by, User) else by,
        home=home,
        subject=subject,
        address=client_address(request) if request else None,
        details=details,
    )
