"""Taking a job off the queue for one instance: a conditional UPDATE and its attempt's row, in one statement."""

import logging
import threading
from collections.abc import Callable, Iterable
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from gpujobs import prepared, wakeup, workflows
from gpujobs.models import Attempt, Instance, Job
from gpujobs.scheduling import TAKE_BACK_MARGIN, Chosen, Demand, Fleet, Seat, Waiting, choose, wanted_at

log = logging.getLogger(__name__)

# GPU seconds from which a workflow counts as long and never takes the last seat.
LONG_SECONDS = 120
# The lanes of a driver wake together and would all want the same job: they look one after the other.
_turnstile = threading.Lock()

# The lock of whoever takes a long job, in any process; the number is only ours.
LONG_LOCK = 4_150_318

# Written out: an instance asks these for every job, among 10,000 of them and hundreds of instances.
# Of each home and workflow the one due soonest, hopping along the index from home to home, and the one waiting longest:
# among a home's jobs the shifts of a turn are the same, and the one wanted soonest is one or the other.
_SHORTLIST_SQL = """
    WITH RECURSIVE soonest AS (
        (SELECT id, reference, workflow, tenant, due_at, queued_at FROM gpujobs_job
         WHERE state = 'queued' AND not_before <= %(now)s AND id <> ALL (%(without)s)
         ORDER BY workflow, tenant, due_at, queued_at LIMIT 1)
        UNION ALL
        SELECT next.* FROM soonest AS home, LATERAL (
            SELECT id, reference, workflow, tenant, due_at, queued_at FROM gpujobs_job
            WHERE state = 'queued' AND not_before <= %(now)s AND id <> ALL (%(without)s)
                AND (workflow, tenant) > (home.workflow, home.tenant)
            ORDER BY workflow, tenant, due_at, queued_at LIMIT 1
        ) AS next
    ), waiting AS (
        SELECT id, reference, workflow, tenant, due_at, queued_at FROM soonest WHERE workflow = ANY (%(workflows)s)
        UNION ALL
        SELECT longest.id, longest.reference, longest.workflow, longest.tenant, longest.due_at, longest.queued_at
        FROM soonest AS home, LATERAL (
            SELECT id, reference, workflow, tenant, due_at, queued_at FROM gpujobs_job
            WHERE state = 'queued' AND not_before <= %(now)s AND id <> ALL (%(without)s)
                AND workflow = home.workflow AND tenant = home.tenant
            ORDER BY queued_at LIMIT 1
        ) AS longest WHERE home.workflow = ANY (%(short)s)
    ), running AS (
        SELECT tenant, count(*) AS jobs FROM gpujobs_job
        WHERE state = 'running' AND id IS DISTINCT FROM %(instead_of)s GROUP BY tenant
    )
    SELECT id, reference, workflow, tenant, due_at, queued_at, coalesce(jobs, 0)
    FROM waiting LEFT JOIN running USING (tenant)
"""
# Of other instances a row for each kind: those alike in memory, workflows and the long jobs that they hold.
_SEATS_SQL = """
    SELECT DISTINCT instance.id = %(instance)s, instance.memory_mb, instance.workflows,
        CASE WHEN instance.id = %(instance)s THEN instance.warm_workflow ELSE '' END,
        CASE WHEN instance.id = %(instance)s THEN ARRAY (
            SELECT job.workflow FROM gpujobs_attempt AS attempt JOIN gpujobs_job AS job ON job.id = attempt.job_id
            WHERE attempt.instance_id = instance.id AND attempt.job_id IS DISTINCT FROM %(without)s
                AND attempt.state IN ('claimed', 'staged', 'sent', 'running', 'executed')
            ORDER BY attempt.claimed_at
        ) ELSE coalesce(held.long, '{}') END
    FROM gpujobs_instance AS instance JOIN gpujobs_gpuhost AS host ON host.id = instance.host_id
    LEFT JOIN (
        SELECT attempt.instance_id, array_agg(job.workflow) AS long
        FROM gpujobs_job AS job JOIN gpujobs_attempt AS attempt ON attempt.job_id = job.id
        WHERE job.state = 'running' AND job.workflow = ANY (%(long)s)
            AND attempt.state IN ('claimed', 'staged', 'sent', 'running', 'executed')
        GROUP BY attempt.instance_id
    ) AS held ON held.instance_id = instance.id
    WHERE instance.state = 'active' AND host.state = 'active'
"""
# Not for a driver that was late: where another has the host's wheel, nothing is taken.
# A claim need not wait for the disk: `Attempt.about_to_send` does, before anything is posted, and all before with it.
# Of a claim that a power cut took back the host has pictures at most, which the daily search removes.
_TAKE_SQL = """
    WITH taken AS (
        UPDATE gpujobs_job SET state = 'running'
        WHERE id = (SELECT id FROM gpujobs_job WHERE id = %(job)s AND state = 'queued' FOR UPDATE SKIP LOCKED)
            AND NOT EXISTS (
                SELECT FROM gpujobs_gpuhost AS host JOIN gpujobs_instance AS instance ON instance.host_id = host.id
                WHERE instance.id = %(instance)s AND host.driver <> %(driver)s
            )
        RETURNING *
    ), written AS (
        INSERT INTO gpujobs_attempt (id, job_id, number, state, instance_id, driver, why, claimed_at,
            prompt_id, fault, fault_text, charged)
        SELECT %(attempt)s, id, 1 + (SELECT count(*) FROM gpujobs_attempt WHERE job_id = taken.id), 'claimed',
            %(instance)s, %(driver)s, %(why)s, %(now)s, '', '', '', false
        FROM taken RETURNING number
    )
    SELECT {columns}, written.number, set_config('synchronous_commit', 'off', true) FROM taken, written
"""


@cache
def _job_fields() -> list[str]:
    return [field.attname for field in Job._meta.concrete_fields]


@cache
def _take_sql() -> str:
    return _TAKE_SQL.format(columns=", ".join(f"taken.{name}" for name in _job_fields()))


@cache
def demands() -> dict[str, Demand]:
    all_workflows = [workflows.get(name) for name in workflows.names()]
    return {w.name: Demand(memory_mb=w.min_vram_mb, long=w.weight >= LONG_SECONDS) for w in all_workflows}


def claim(instance: Instance, *, driver: UUID) -> Attempt | None:
    """The next attempt for this instance, written down; None if there is nothing it should do.

    Of several that choose the same job one gets it; the others choose again, until nothing is left to choose.
    """
    passed_over: set[UUID] = set()
    with _turnstile:
        while chosen := best_for(instance, without=passed_over):
            if not _may_run(chosen):
                _refuse(chosen)
            elif attempt := _take(chosen, instance, driver, without=passed_over):
                return attempt
            passed_over.add(chosen.job)
    return None


def is_outdone(instance: Instance, job: Job) -> bool:
    """Whether a queued job is wanted here so much sooner that this one, waiting on the instance, makes way."""
    best = best_for(instance, instead_of=job)
    if best is None:
        return False
    # Without the shifts of a turn: whichever of the two is warm here now may no longer be when its turn comes.
    return best.wanted_at + TAKE_BACK_MARGIN < wanted_at(job.due_at, job.queued_at, demands()[job.workflow])


def best_for(instance: Instance, *, without: Iterable[UUID] = (), instead_of: Job | None = None) -> Chosen | None:
    # What is possible here is read with the seat: whoever asked the doctor, its last word counts.
    waiting, on_gpus = _shortlist(without, instead_of)
    seats = _seats(instance, instead_of) if waiting else {}
    seat = seats.get(instance.pk)
    if seat is None:
        return None
    return choose(seat, waiting, demands=demands(), fleet=Fleet(seats=list(seats.values()), on_gpus=on_gpus))


def _shortlist(without: Iterable[UUID], instead_of: Job | None) -> tuple[list[Waiting], dict[UUID, int]]:
    """Of each home what may be the best, and how many of its jobs are on GPUs now."""
    given = {
        "now": timezone.now(),
        "workflows": list(demands()),
        "short": [name for name, demand in demands().items() if not demand.long],
        "without": list(without),
        "instead_of": instead_of and instead_of.pk,
    }
    rows = prepared.rows(_SHORTLIST_SQL, given)
    return [Waiting(*row) for *row, _jobs in rows], {tenant: jobs for *_job, tenant, _due, _queued, jobs in rows}


def _seats(instance: Instance, without: Job | None) -> dict[int, Seat]:
    """Active seats, by the instance's key for its own and by negative numbers for the kinds of others."""
    long = [name for name, demand in demands().items() if demand.long]
    given = {"instance": instance.pk, "without": without and without.pk, "long": long}
    seats = {}
    for number, (own, memory_mb, possible, warm, busy) in enumerate(prepared.rows(_SEATS_SQL, given), start=1):
        seat = Seat(
            id=instance.pk if own else -number,
            memory_mb=memory_mb,
            # What it loads for the last job that it holds, it still has when the next begins.
            warm=busy[-1] if busy else warm,
            workflows=frozenset(possible),
            busy_with=tuple(busy),
        )
        seats[seat.id] = seat
    return seats


def _may_run(chosen: Chosen) -> bool:
    """Whether whoever asked for it still allows it. An end of that in this very moment finds the job queued, and ends
    it, or running, and has it stopped."""
    ask: Callable[[Iterable[UUID]], set[UUID]] = import_string(settings.GPUJOBS_MAY_RUN)
    return chosen.reference in ask([chosen.reference])


def _refuse(chosen: Chosen) -> None:
    refused = Job.objects.filter(pk=chosen.job, state=Job.State.QUEUED).update(
        state=Job.State.CANCELLED, fault="not_allowed", finished_at=timezone.now()
    )
    if refused:
        wakeup.tell_of_end(chosen.job)


def _take(chosen: Chosen, instance: Instance, driver: UUID, *, without: Iterable[UUID]) -> Attempt | None:
    if not demands()[chosen.workflow].long:
        return _write_down(chosen, instance, driver)
    with transaction.atomic():
        return _write_down(chosen, instance, driver) if _is_still_best(chosen, instance, without) else None


def _is_still_best(chosen: Chosen, instance: Instance, without: Iterable[UUID]) -> bool:
    """Asked by one after the other in the whole fleet: of two who saw the same two seats free, only one may put a long
    job on its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LONG_LOCK])
    again = best_for(instance, without=without)
    return again is not None and again.job == chosen.job


def _write_down(chosen: Chosen, instance: Instance, driver: UUID) -> Attempt | None:
    attempt = Attempt(instance=instance, driver=driver, why=chosen.why)
    given = {"job": chosen.job, "attempt": attempt.pk, "instance": instance.pk, "driver": driver}
    given |= {"why": attempt.why, "now": attempt.claimed_at}
    taken = prepared.rows(_take_sql(), given)
    if not taken:
        return None
    *values, attempt.number, _unhurried = taken[0]
    attempt.job = Job.from_db(connection.alias, _job_fields(), values)
    log.info("attempt %s for %s: %s", attempt.pk, instance, attempt.why, extra=attempt.marks)
    return attempt
