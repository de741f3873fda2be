"""What the GPUs really did: how much of the last minutes each worked, and how long it waited between two jobs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.db.models import Q

from gpujobs.models import Attempt

WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Busy:
    """``share`` of the window, 0 to 1. ``gaps`` in seconds, sorted: only those before a job that was already there."""

    share: float
    gaps: Sequence[float]

    def gap(self, quantile: float) -> float:
        """The smallest gap that so large a part of them does not exceed. Raises IndexError where there is none."""
        return self.gaps[max(0, ceil(len(self.gaps) * quantile) - 1)]


@dataclass(frozen=True, kw_only=True)
class Span:
    """One execution. ``there_at``: when ComfyUI had its prompt."""

    there_at: datetime
    begin: datetime
    end: datetime


def busy_and_gaps(now: datetime, window: timedelta = WINDOW) -> dict[int, Busy]:
    """By instance; one that did nothing in the window is not in it."""
    since = now - window
    # What executed in the window has ended in it, or has not ended yet.
    lately = Q(finished_at__gt=since) | Q(state__in=Attempt.LIVE)
    ran = Attempt.objects.filter(lately, started_at__isnull=False)
    columns = ("instance", "sent_at", "started_at", "executed_at", "execution_ms", "finished_at")
    spans: dict[int, list[Span]] = defaultdict(list)
    for instance, sent, started, executed, milliseconds, finished in ran.values_list(*columns):
        # The host's own span where it is known: our looking comes a moment after the end.
        end = started + timedelta(milliseconds=milliseconds) if milliseconds is not None else executed
        spans[instance].append(Span(there_at=sent or started, begin=started, end=end or finished or now))
    return {instance: measure(each, since, now) for instance, each in spans.items()}


def measure(spans: Sequence[Span], since: datetime, until: datetime) -> Busy:
    """Pure: overlapping spans count once, what lies outside the window not at all."""
    busy, gaps = timedelta(0), []
    end_before: datetime | None = None
    for span in sorted(spans, key=lambda each: each.begin):
        if end_before is not None and span.there_at <= end_before and span.begin >= since:
            gaps.append(max(0.0, (span.begin - end_before).total_seconds()))
        begin = max(span.begin, since, end_before or since)
        busy += max(timedelta(0), min(span.end, until) - begin)
        end_before = max(span.end, end_before or span.end)
    return Busy(share=busy / (until - since), gaps=sorted(gaps))
