"""What the rest of the product may ask of the fleet: make these, stop these, I have taken note."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from gpujobs import wakeup
from gpujobs.models import Job


def submit(jobs: Sequence[Job]) -> None:
    """Add the jobs to the transaction in hand and wake the fleet once it is committed."""
    Job.objects.bulk_create(jobs)
    wakeup.after_commit()


def cancel(job_ids: Collection[UUID]) -> int:
    """Stop these jobs: queued ones end here and now, running ones are stopped on their host.

    Returns how many were still to be stopped. Of a job that ends as this is asked, the end that was first counts.
    """
    now = timezone.now()
    with transaction.atomic():
        queued = Job.objects.filter(pk__in=job_ids, state=Job.State.QUEUED).update(
            state=Job.State.CANCELLED, cancel_asked_at=now, finished_at=now
        )
        running = Job.objects.filter(pk__in=job_ids, state=Job.State.RUNNING, cancel_asked_at=None).update(
            cancel_asked_at=now
        )
        if running:
            wakeup.after_commit()
    return queued + running


def note_end(job_id: UUID) -> None:
    """Confirm that the end of a job was taken note of, so that the sweep asks no more."""
    Job.objects.filter(pk=job_id, noted_at=None, state__in=Job.ENDED).update(noted_at=timezone.now())
