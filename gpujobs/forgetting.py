"""Forgetting jobs whose asker erases all that belonged to them: in the rows, and on every host that worked on them.

What stays of a job is what the fleet measures by: workflow, times, seed and state.
"""

import logging
import posixpath
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet

from gpujobs import runner, scanning
from gpujobs.comfyui import ComfyError
from gpujobs.driver import reach_of, target_of
from gpujobs.models import Attempt, GpuHost, Job, Output
from gpujobs.runner import Reach
from gpujobs.ssh import HostConnection, SshError

log = logging.getLogger(__name__)

# What becomes of each field of a forgotten job; a test fails for one that is in neither. Outputs are removed.
EMPTIED: dict[type[Model], dict[str, Any]] = {
    Job: {"params": {}, "images": {}, "fault_text": ""},
    Attempt: {"fault_text": ""},
}
KEPT: dict[type[Model], set[str]] = {
    Job: {
        *("workflow", "seed", "tenant", "reference", "subject", "due_at", "queued_at", "not_before", "state"),
        *("cancel_asked_at", "charged_attempts", "fault", "finished_at", "noted_at"),
    },
    Attempt: {
        *("number", "state", "driver", "why", "prompt_id", "claimed_at", "staged_at", "sending_at", "sent_at"),
        *("started_at", "executed_at", "collected_at", "finished_at", "execution_ms", "interrupt_asked_at"),
        *("fault", "charged", "cleaned_at"),
    },
}


@dataclass(frozen=True, kw_only=True)
class Cleared:
    """One host's answer: ``found`` files and histories that were still there, now removed.

    ``trouble`` says why it could not be searched to the end; ``for_good``, that it never will be.
    """

    host: str
    attempts: int
    found: int
    trouble: str = ""
    for_good: bool = False


class StillThere(Exception):
    """A prompt that nobody waits for was found at work and stopped; what it leaves is there a moment later."""


def jobs_of(subject: UUID) -> list[UUID]:
    """Every job that was ever asked for on behalf of this subject, whatever became of the rows that asked."""
    return list(Job.objects.filter(subject=subject).order_by("queued_at").values_list("pk", flat=True))


def are_at_work(job_ids: Collection[UUID]) -> bool:
    """Whether a host may still be working on one of them."""
    return Attempt.objects.filter(job__in=job_ids, state__in=Attempt.LIVE).exists()


def empty_rows(job_ids: Collection[UUID]) -> dict[str, int]:
    """Take out of the rows what was asked for and what was said of it; how many of each."""
    with transaction.atomic():
        attempts = _attempts(job_ids).update(**EMPTIED[Attempt])
        outputs, _each = Output.objects.filter(job__in=job_ids).delete()
        jobs = Job.objects.filter(pk__in=job_ids).update(**EMPTIED[Job])
    return {"jobs": jobs, "attempts": attempts, "outputs": outputs}


def clear_hosts(job_ids: Collection[UUID]) -> list[Cleared]:
    """Look on every host that ever tried one of these jobs for what was left of it, and remove it."""
    hosts = GpuHost.objects.filter(instances__attempts__job__in=job_ids).distinct()
    return [_clear(host, list(_attempts(job_ids).filter(instance__host=host))) for host in hosts]


def _attempts(job_ids: Collection[UUID]) -> QuerySet[Attempt]:
    return Attempt.objects.filter(job__in=job_ids)


def _clear(host: GpuHost, attempts: list[Attempt]) -> Cleared:
    if host.state == GpuHost.State.RETIRED:
        uncleaned = sum(attempt.cleaned_at is None for attempt in attempts)
        trouble = f"retired; {uncleaned} not cleaned before" if uncleaned else ""
        return Cleared(host=host.name, attempts=len(attempts), found=0, trouble=trouble, for_good=True)
    if any(attempt.is_live for attempt in attempts):
        return Cleared(host=host.name, attempts=len(attempts), found=0, trouble="still at work")
    found, troubles = 0, []
    try:
        with HostConnection.open(target_of(host)) as connection:
            for instance in host.instances.select_related("host"):
                mine = [attempt for attempt in attempts if attempt.instance_id == instance.pk]
                try:
                    found += _clear_instance(reach_of(instance, connection), mine) if mine else 0
                except (StillThere, ComfyError, OSError, EOFError) as error:
                    if not connection.is_alive:
                        raise
                    troubles.append(f"{instance}: {error}")
    except (SshError, ComfyError, OSError, EOFError) as error:
        troubles.append(str(error))
    if found:
        log.warning("left behind on %s and removed for an erasure: %d", host.name, found, extra={"host": host.name})
    return Cleared(host=host.name, attempts=len(attempts), found=found, trouble="; ".join(troubles)[:500])


def _clear_instance(reach: Reach, attempts: list[Attempt]) -> int:
    """How many files and prompts were there. Each attempt's own end removes them; here it is looked at again."""
    found, sftp = 0, reach.connection.sftp()
    for attempt in attempts:
        seen = runner.find(reach, attempt)
        found += seen.where != "nowhere"
        for directory in (reach.instance.input_dir, reach.instance.output_dir, reach.instance.temp_dir):
            if directory:
                found += sum(1 for _path in scanning.remove_tree(sftp, posixpath.join(directory, attempt.folder)))
        if seen.where in ("running", "pending"):
            runner.tidy(reach, attempt)
            raise StillThere(f"prompt of attempt {attempt.pk} was {seen.where}")
        attempt.prompt_id = attempt.prompt_id or seen.prompt_id
        runner.clean(reach, attempt)
    return found
