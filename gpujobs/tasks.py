"""What RQ runs for the fleet. Each finds its work in the database; the message says only that there may be some."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

import django_rq
import rq
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from gpujobs import errands, faults, runner, scanning, tally, wakeup
from gpujobs.driver import drive as drive_host
from gpujobs.models import Attempt, GpuHost, Instance, Job
from gpujobs.runner import Superseded

log = logging.getLogger(__name__)

# A host that could not be reached is not tried again before.
RETRY_HOST = timedelta(seconds=10)
# After so long without a sign of a host, its jobs go elsewhere.
HOST_GONE_AFTER = timedelta(seconds=45)


def drive(host_code: str) -> None:
    """Drive a host. A second message for a host that is being driven ends here at once."""
    job = rq.get_current_job()
    drive_host(GpuHost.objects.get(code=UUID(host_code)), worker=job.worker_name or "" if job else "")


def reconcile() -> None:
    """Find what was left behind: hosts with work and no driver, jobs on hosts that are gone, errands nobody runs."""
    now = timezone.now()
    free_gone_hosts(now)
    errands.sweep(now)
    waiting = Job.objects.filter(state=Job.State.QUEUED, not_before__lte=now).exists()
    driverless = GpuHost.objects.filter(Q(driver=None) | Q(driver_until__lt=now)).filter(
        Q(fault_at=None) | Q(fault="") | Q(fault_at__lt=now - RETRY_HOST)
    )
    # Each of the two as its own index has it.
    of_host = Attempt.objects.filter(instance__host=OuterRef("pk"))
    uncleaned = of_host.filter(cleaned_at=None).exclude(state__in=Attempt.LIVE)
    at_work = Exists(of_host.filter(state__in=Attempt.LIVE)) | Exists(uncleaned)
    could_work = Q(Exists(Instance.objects.filter(host=OuterRef("pk"))), state=GpuHost.State.ACTIVE)
    for host in driverless.filter(at_work | could_work if waiting else at_work):
        wakeup.ask_for_driver(host)


def scan() -> None:
    """Search every host that was not searched for a day for what attempts may have left there."""
    for host in scanning.due_hosts():
        django_rq.get_queue(errands.QUEUE).enqueue("gpujobs.tasks.scan_host", str(host.code), result_ttl=60)


def settle() -> None:
    """Count once and for all what ended a while ago."""
    tally.settle(timezone.now())


def run_errand(code: str) -> None:
    errands.run(UUID(code))


def scan_host(host_code: str) -> None:
    scanning.scan(GpuHost.objects.get(code=UUID(host_code)))


def free_gone_hosts(now: datetime) -> None:
    gone = Attempt.objects.filter(
        state__in=Attempt.LIVE,
        instance__host__last_seen_at__lt=now - HOST_GONE_AFTER,
        claimed_at__lt=now - HOST_GONE_AFTER,
    )
    for attempt in gone.select_related("job"):
        try:
            runner.give_up(attempt, faults.HOST_GONE, "no sign of the host")
        except Superseded:
            log.info("attempt %s was taken over", attempt.pk, extra=attempt.marks)
