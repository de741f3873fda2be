"""What RQ runs for orders, and the sweeps that find what a lost message left behind."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID

import django_rq
from django.db import transaction
from django.utils import timezone
from redis import RedisError
from rq.timeouts import JobTimeoutException

from orders import arriving, delivery, erasing, finishing, production
from orders.intake import faces

log = logging.getLogger(__name__)

# What ended this lately is still in the hands of the message sent for it.
GRACE = timedelta(seconds=20)


def job_finished(job_id: str) -> None:
    """settings.GPUJOBS_ON_FINISHED: a job of ours came to its end."""
    _note_end(UUID(job_id))


def get_ready() -> None:
    """What the worker of the portal's queue loads once, before the processes of its jobs are forked."""
    faces.get_ready()


def finish(approval_id: int) -> None:
    """Go on with the files of an approval, unless it was taken back meanwhile."""
    finishing.work(approval_id)


def erase(erasure_id: int) -> None:
    """Go on with an erasure, as far as is possible now."""
    erasing.work(erasure_id)


def remove_sources(removal_id: int) -> None:
    """Go on with the removal of an order's photos and candidates."""
    erasing.remove_sources(removal_id)


def look_again_after_erasures() -> None:
    """Every hour: whether a worker that was cut off wrote a file after its order's erasure of the last days."""
    erasing.look_again(timezone.now() - timedelta(days=3))


def sweep() -> None:
    """Every 30 seconds: what was cut off, or waits for a message that was lost, and uploads that nobody goes on.

    What fails keeps nothing else waiting: it is logged, and the sweep fails once all the rest is done.
    """
    failed: list[Exception] = []
    with _apart(failed, "jobs that ended"):
        for job_id in production.unattached(older_than=GRACE):
            with _apart(failed, f"job {job_id}"):
                _note_end_later(job_id)
    # Cutting takes longer than a sweep may; a second message to the same worker does no harm.
    with _apart(failed, "finishing"):
        for approval_id in finishing.left_behind(older_than=GRACE):
            _send("finish", approval_id)
    with _apart(failed, "erasures"):
        for erasure_id in erasing.left_behind():
            _send("erase", erasure_id)
    with _apart(failed, "uploads"):
        arriving.forget_stale()
    with _apart(failed, "removals of photos"):
        for removal_id in erasing.sources_left_behind():
            _send("remove_sources", removal_id)
    with _apart(failed, "reminders"):
        for link in delivery.reminders_due()[:50]:
            with _apart(failed, f"reminder of link {link.code}"):
                delivery.remind(link)
    if failed:
        raise ExceptionGroup("the sweep could not do everything", failed)


@contextmanager
def _apart(failed: list[Exception], what: str) -> Iterator[None]:
    try:
        yield
    except JobTimeoutException:
        # The sweep's own time is over, whichever step it was in.
        raise
    except Exception as error:
        log.exception("sweep: %s", what)
        failed.append(error)


def _note_end_later(job_id: UUID) -> None:
    try:
        _note_end(job_id)
    except OSError:
        # A disk that is full now may take the file at the next sweep.
        log.exception("job %s not attached", job_id)


def _note_end(job_id: UUID) -> None:
    approval_id = finishing.job_ended(job_id)
    if approval_id is None:
        production.attach(job_id)
    else:
        _send("finish", approval_id)


def after_commit(task: str, *args: str | int) -> None:
    """Have a task of this module run by a worker once the transaction in hand is committed."""
    transaction.on_commit(partial(_send, task, *args))


def _send(task: str, *args: str | int) -> None:
    try:
        django_rq.get_queue("portal").enqueue(f"orders.tasks.{task}", *args, result_ttl=60)
    except RedisError as error:
        # The rows are committed; the sweep finds them.
        log.warning("%s not sent: %s", task, type(error).__name__)
