"""Finding audit entries: whose eyes see which, by person, order, action and day; a page at a time by key; as CSV."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import given
from portal.audit_words import ACTIONS, KINDS, is_of_order, words_of
from portal.models import AuditEvent, User

PER_PAGE = 50
LONGEST = 60


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row in words. ``order``: the code where the subject is an order."""

    event: AuditEvent
    who: str
    words: str
    order: UUID | None
    details: str


@dataclass(frozen=True, kw_only=True)
class Search:
    """What was asked; whatever cannot be read is as if it had not been."""

    person: str = ""
    subject: UUID | None = None
    action: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    @classmethod
    def read(cls, asked: QueryDict) -> Self:
        return cls(
            person=given.words(asked.get("person", ""))[:LONGEST],
            subject=given.code(asked.get("subject", "")),
            action=asked.get("action", "") if asked.get("action", "") in ACTIONS else "",
            since=_date(asked.get("since", "")),
            until=_date(asked.get("until", "")),
            before=given.whole(asked.get("before", ""), digits=18),
        )

    def as_details(self) -> dict[str, str]:
        """What an entry about the search itself says of it; a name that was typed is not kept."""
        asked = {
            "subject": str(self.subject or ""),
            "action": self.action,
            "since": str(self.since or ""),
            "until": str(self.until or ""),
        }
        return {name: value for name, value in asked.items() if value} | ({"person": "asked"} if self.person else {})

    def events(self, asker: User) -> QuerySet[AuditEvent]:
        """Newest first: an admin's all, a manager's those of the home."""
        found = AuditEvent.objects.order_by("-id")
        if not asker.is_admin:
            found = found.filter(home=asker.home_id)
        if self.person:
            found = found.filter(self._by(asker))
        if self.subject:
            found = found.filter(subject=self.subject)
        if self.action:
            found = found.filter(action=self.action)
        if self.since:
            found = found.filter(at__gte=_midnight(self.since))
        if self.until:
            found = found.filter(at__lt=_midnight(self.until + timedelta(days=1)))
        return found

    def page(self, asker: User) -> tuple[list[Entry], int | None]:
        """A page's entries, and the key after which the next begins; None at the end."""
        found = self.events(asker).select_related("home")
        if self.before:
            found = found.filter(id__lt=self.before)
        rows = list(found[: PER_PAGE + 1])
        more = rows[PER_PAGE - 1].pk if len(rows) > PER_PAGE else None
        return [entry_of(event) for event in rows[:PER_PAGE]], more

    def _by(self, asker: User) -> Q:
        """By a name of now or then, an e-mail address, or the kind of whoever has no login."""
        people = User.objects.filter(Q(name__icontains=self.person) | Q(email__iexact=self.person))
        kinds = [kind for kind, words in KINDS.items() if self.person in str(words)]
        by = Q(actor__in=list(people.values_list("pk", flat=True)[:200])) | Q(actor_kind__in=kinds)
        # The names of then are looked through only where that is a home's own entries.
        return by if asker.is_admin else by | Q(actor_name__icontains=self.person)


def entry_of(event: AuditEvent) -> Entry:
    return Entry(
        event=event,
        who=event.actor_name or str(KINDS.get(event.actor_kind, event.actor_kind)),
        words=words_of(event.action),
        order=event.subject if is_of_order(event.action) else None,
        details=json.dumps(event.details, ensure_ascii=False) if event.details else "",
    )


def as_csv(events: QuerySet[AuditEvent]) -> Iterator[str]:
    """With a byte-order mark, by which spreadsheets read Korean; a line at a time."""
    yield "\ufeff" + _line(
        [_("때"), _("누가"), _("어디서"), _("장례식장"), _("무엇을"), "action", _("누구의 자료"), _("까닭"), _("내용")]
    )
    for event in events.select_related("home").iterator(chunk_size=2000):
        entry = entry_of(event)
        at = timezone.localtime(event.at).isoformat(timespec="seconds")
        where = [event.address or "", event.home.name if event.home else ""]
        what = [entry.words, event.action, str(event.subject or ""), event.reason, entry.details]
        yield _line([at, entry.who, *where, *what])


def _line(values: list[str]) -> str:
    target = io.StringIO()
    # A spreadsheet takes a cell that begins so for a formula.
    csv.writer(target).writerow([f"'{value}" if value[:1] in tuple("=+-@\t\r") else value for value in values])
    return target.getvalue()


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # Days so far off have no midnight in another zone.
    return found if 1 < found.year < 9999 else None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
