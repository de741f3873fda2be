"""Holding the audit's chain of hashes against its entries, and shortening it without breaking it.

The database seals each entry as it commits: hash = SHA-256 of the hash before, the number and the entry's content.
Here the same is computed from what is stored, independently of the database's own function.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal import audit
from portal.models import AuditCheckpoint, AuditEvent, AuditLink

KEPT_FOR = timedelta(days=731)
GENESIS = "0" * 64
BATCH = 2000
# The content that is hashed, column by column, as text. portal/migrations has the same for the database.
COLUMNS = """e.id::text, (extract(epoch from e.at) * 1000000)::bigint::text, e.actor_id::text, e.actor_name,
    e.actor_kind, host(e.address), e.home_id::text, e.action, e.subject::text, e.reason, e.details::text"""


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """``kind``: changed, missing, reordered, unsealed, cut, checkpoint. ``number``: the link's, 0 without one."""

    kind: str
    number: int
    event: int = 0

    def __str__(self) -> str:
        return f"{self.kind}: link {self.number or '-'}, entry {self.event or '-'}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    entries: int
    head: str
    flaws: list[Flaw]

    @property
    def stands(self) -> bool:
        return not self.flaws


def verify() -> Verdict:
    """Read the whole chain once, in one state of the database, and say everything that is wrong with it."""
    with _one_state():
        flaws: list[Flaw] = []
        checkpoints = _checkpoints(flaws)
        start = max((each for each in checkpoints if each.pruned), key=lambda each: each.number, default=None)
        number, previous = (start.number, start.hash) if start else (0, GENESIS)
        expected = {each.number: each.hash for each in checkpoints if each.number > number}
        entries = 0
        for link, content in _links():
            entries += 1
            flaws += _flaws_of(link, content, number, previous)
            if expected.pop(link.number, link.hash) != link.hash:
                flaws.append(Flaw(kind="checkpoint", number=link.number, event=link.event))
            number, previous = link.number, link.hash
        flaws += [Flaw(kind="cut", number=each) for each in sorted(expected)]
        flaws += _unsealed()
    return Verdict(entries=entries, head=previous, flaws=flaws)


@contextmanager
def _one_state() -> Iterator[None]:
    """Entries written meanwhile are seen with their links or not at all."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def digest(previous: str, number: int, content: tuple[str | None, ...]) -> str:
    parts = ["-" if value is None else f"{len(value.encode())}:{value}" for value in content]
    return hashlib.sha256(f"{previous}\n{number}\n{''.join(parts)}".encode()).hexdigest()


def _flaws_of(link: AuditLink, content: tuple[str | None, ...] | None, number: int, previous: str) -> Iterator[Flaw]:
    if link.number != number + 1:
        yield Flaw(kind="missing", number=number + 1)
    elif link.previous != previous:
        yield Flaw(kind="reordered", number=link.number, event=link.event)
    if content is None:
        yield Flaw(kind="missing", number=link.number, event=link.event)
    elif digest(link.previous, link.number, content) != link.hash:
        yield Flaw(kind="changed", number=link.number, event=link.event)


def _links() -> Iterator[tuple[AuditLink, tuple[str | None, ...] | None]]:
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT l.number, l.event, l.previous, l.hash, {COLUMNS} FROM portal_auditlink l "  # noqa: S608  # ours
                "LEFT JOIN portal_auditevent e ON e.id = l.event WHERE l.number > %s ORDER BY l.number LIMIT %s",
                [last, BATCH],
            )
            rows = cursor.fetchall()
        for number, event, previous, sealed, *content in rows:
            link = AuditLink(number=number, event=event, previous=previous, hash=sealed)
            yield link, tuple(content) if content[0] is not None else None
        if len(rows) < BATCH:
            return
        last = rows[-1][0]


def _unsealed() -> Iterator[Flaw]:
    """Entries that came into the table while its triggers were off."""
    sealed = Exists(AuditLink.objects.filter(event=OuterRef("pk")))
    for event in AuditEvent.objects.filter(~sealed).order_by("pk").values_list("pk", flat=True):
        yield Flaw(kind="unsealed", number=0, event=event)


def _checkpoints(flaws: list[Flaw]) -> list[AuditCheckpoint]:
    every = list(AuditCheckpoint.objects.all())
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    genuine = [
        each for each in every if any(hmac.compare_digest(each.signature, _signature(each, key)) for key in keys)
    ]
    flaws += [Flaw(kind="checkpoint", number=each.number) for each in every if each not in genuine]
    return genuine


def checkpoint(*, pruned_to: AuditLink | None = None) -> AuditCheckpoint | None:
    """Sign the head of the chain, or the last link that is pruned; None while the chain is empty."""
    link = pruned_to or AuditLink.objects.order_by("-number").first()
    if link is None:
        return None
    made = AuditCheckpoint(number=link.number, hash=link.hash, pruned=pruned_to is not None)
    made.signature = _signature(made, settings.SECRET_KEY)
    made.save()
    return made


def contains(head: str) -> bool:
    """Whether a hash that was noted down outside of the database is still in the chain."""
    return AuditLink.objects.filter(hash=head).exists() or AuditCheckpoint.objects.filter(hash=head).exists()


def _signature(of: AuditCheckpoint, key: str) -> str:
    words = f"portal.audit.checkpoint\n{of.number}\n{of.hash}\n{of.pruned}"
    return hmac.new(key.encode(), words.encode(), hashlib.sha256).hexdigest()


def prune(now: datetime | None = None) -> int:
    """Remove the oldest entries, all older than two years and one day; how many. The database refuses any other.

    The last of them is signed as a checkpoint first, so that the rest can be verified from there.
    """
    limit = (now or timezone.now()) - KEPT_FOR
    with transaction.atomic():
        young = AuditEvent.objects.filter(at__gte=limit).values("pk")
        first_kept = AuditLink.objects.filter(event__in=young).order_by("number").first()
        # The next entry is sealed after the head, so the head stays.
        end = first_kept or AuditLink.objects.order_by("-number").first()
        old = AuditLink.objects.filter(sealed_at__lt=limit, number__lt=end.number if end else 0)
        last = old.order_by("-number").first()
        if last is None:
            return 0
        events = list(old.filter(number__lte=last.number).values_list("event", flat=True))
        checkpoint(pruned_to=last)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL portal.audit_pruning = 'on'")
            cursor.execute("DELETE FROM portal_auditevent WHERE id = ANY(%s)", [events])
            cursor.execute("DELETE FROM portal_auditlink WHERE number <= %s", [last.number])
            cursor.execute("SET LOCAL portal.audit_pruning = 'off'")
        AuditCheckpoint.objects.filter(number__lt=last.number).delete()
        audit.record("audit.pruned", by="system", entries=len(events), number=last.number, hash=last.hash)
    return len(events)
