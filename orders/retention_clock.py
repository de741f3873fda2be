"""When an order's data are due to go, by its home's periods. Computed in the database, for one order as for all.

    withdrawn, and no consent since   at once
    cancelled                         keep_draft_days after that
    never sent off                    keep_draft_days after it was last touched, or was needed
    everything else                   keep_file_days after the latest of delivery, 발인 and when it was needed
    its photos and candidates         keep_source_days after the same, once it was delivered

No file goes while a family's link to it is open. A hold keeps everything, whatever is due.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from orders.models import Consent, DownloadLink, LegalHold, Order
from portal.models import FuneralHome

_NEVER = Value(None, output_field=DateTimeField())


@dataclass(frozen=True, kw_only=True)
class Clock:
    """``due_at``: when all goes; ``sources_due_at``: photos and candidates alone. None: not by the clock."""

    order: Order
    due_at: datetime | None
    sources_due_at: datetime | None
    on_hold: bool
    withdrawn: bool

    @property
    def next_at(self) -> datetime:
        """The earlier of the two."""
        return min(moment for moment in (self.due_at, self.sources_due_at) if moment)

    @property
    def only_sources(self) -> bool:
        return self.next_at != self.due_at


def of(order: Order) -> Clock:
    return _clocks(_every().filter(pk=order.pk))[0]


def due(now: datetime | None = None, *, at_most: int = 10_000) -> list[Clock]:
    """All of whose data are due, longest first; none on hold."""
    found = _open().filter(due_at__lte=now or timezone.now(), on_hold=False)
    return _clocks(found.order_by("due_at")[:at_most])


def sources_due(now: datetime | None = None, *, at_most: int = 10_000) -> list[Clock]:
    """Whose photos and candidates alone are due, longest first; none on hold."""
    now = now or timezone.now()
    found = _open().filter(sources_due_at__lte=now, due_at__gt=now, on_hold=False)
    return _clocks(found.order_by("sources_due_at")[:at_most])


def due_of(home: FuneralHome) -> set[tuple[int, bool]]:
    """What of a home is due now: the order's primary key, and whether all of it; none on hold."""
    now = timezone.now()
    found = _open().filter(Q(due_at__lte=now) | Q(sources_due_at__lte=now), home=home, on_hold=False)
    return {(row.pk, row.due_at <= now) for row in found}


def held(home: FuneralHome | None = None) -> list[Clock]:
    """Every order on hold, of one home or of all."""
    found = _open().filter(on_hold=True).order_by("pk")
    return _clocks(found.filter(home=home) if home else found)


def coming(home: FuneralHome, *, until: datetime, at_most: int) -> list[Clock]:
    """What of a home goes until then, soonest first; none on hold."""
    found = _open().filter(Q(due_at__lte=until) | Q(sources_due_at__lte=until), home=home, on_hold=False)
    return _clocks(found.order_by(Least("due_at", "sources_due_at"), "pk")[:at_most])


def _clocks(rows: QuerySet[Any]) -> list[Clock]:
    return [
        Clock(
            order=row,
            due_at=row.due_at,
            sources_due_at=row.sources_due_at,
            on_hold=row.on_hold,
            withdrawn=row.withdrawn_at is not None and not row.has_consent,
        )
        for row in rows.select_related("home")
    ]


def _open() -> QuerySet[Any]:
    return _every().filter(erased_at=None)


def _every() -> QuerySet[Any]:
    mine = Consent.objects.filter(order=OuterRef("pk"))
    withdrawn = mine.order_by().values("order").annotate(last=Max("withdrawn_at")).values("last")
    links = DownloadLink.objects.filter(order=OuterRef("pk"), revoked_at=None)
    open_until = links.order_by().values("order").annotate(last=Max("expires_at")).values("last")
    every: QuerySet[Any] = Order.objects.annotate(
        on_hold=Exists(LegalHold.objects.standing().filter(order=OuterRef("pk"))),
        withdrawn_at=Subquery(withdrawn),
        has_consent=Exists(mine.standing()),
        last_at=Greatest("submitted_at", "delivered_at", "procession_at", "needed_at"),
    ).annotate(
        due_at=Case(
            When(erased_at__isnull=False, then=_NEVER),
            When(withdrawn_at__isnull=False, has_consent=False, then=F("withdrawn_at")),
            When(cancelled_at__isnull=False, then=_after("cancelled_at", "keep_draft_days")),
            When(submitted_at=None, then=_after(Greatest("updated_at", "needed_at"), "keep_draft_days")),
            default=Greatest(_after("last_at", "keep_file_days"), Subquery(open_until)),
            output_field=DateTimeField(),
        ),
        sources_due_at=Case(
            When(
                Q(erased_at=None, cancelled_at=None, source_removal=None, delivered_at__isnull=False),
                then=_after("last_at", "keep_source_days"),
            ),
            default=_NEVER,
            output_field=DateTimeField(),
        ),
    )
    return every


def _after(moment: Any, days: str) -> Any:
    start = F(moment) if isinstance(moment, str) else moment
    span = ExpressionWrapper(F(f"home__{days}") * Value(timedelta(days=1)), output_field=DurationField())
    return ExpressionWrapper(start + span, output_field=DateTimeField())
