"""What the rest of the product may ask of the fleet: make these, stop these, I have taken note."""

import shutil
from collections.abc import Collection, Sequence
from uuid import UUID

from django.core.files.storage import default_storage
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
    """Confirm that the end of a job was taken note of: its files here go, and the sweep asks no more.

    Those of a driver that was killed before it could say that it had fetched them go as well. Raises OSError.
    """
    ended = Job.objects.filter(pk=job_id, noted_at=None, state__in=Job.ENDED)
    if not ended.exists():
        return
    folder = files_of(job_id)
    shutil.rmtree(default_storage.path(folder), ignore_errors=True)
    if default_storage.exists(folder):
        raise OSError(f"{folder} could not be removed")
    ended.update(noted_at=timezone.now())


def files_of(job_id: UUID) -> str:
    """The folder in the default storage where drivers put what they bring home for a job."""
    return f"gpujobs/{job_id}"
