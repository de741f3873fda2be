"""What became of every job: read from the rows, and held against what the GPUs say that they did."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from chaos.plan import KINDS, Deed
from chaos.scene import Host
from gpujobs.models import Attempt, Instance, Job

# A dead one's jobs are with another within a minute.
ALLOWED_RECOVERY = 60.0


@dataclass
class Verdict:
    """``failed``: as they had to. ``doubled``: executions that no attempt accounts for, of an attempt that ran before,
    or of a job tried again without a cause. ``last_end``: seconds from the last fault's end to the last job's."""

    jobs: int = 0
    succeeded: int = 0
    cancelled: int = 0
    failed: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)
    again: Counter[str] = field(default_factory=Counter)
    executions: int = 0
    longest_recovery: float = 0.0
    slowest: str = ""
    last_end: float = 0.0
    still_out: list[str] = field(default_factory=list)

    @property
    def ended_right(self) -> int:
        return self.succeeded + self.cancelled + self.failed

    @property
    def complaints(self) -> list[str]:
        found = [*self.wrong, *self.lost, *self.doubled, *self.residue, *self.still_out]
        if self.longest_recovery > ALLOWED_RECOVERY:
            found.append(f"{self.longest_recovery:.0f} s until a job moved on after: {self.slowest}")
        if self.last_end > ALLOWED_RECOVERY:
            found.append(f"{self.last_end:.0f} s from the last fault's end until the last job's")
        return found

    @property
    def is_good(self) -> bool:
        return not self.complaints


def judge(
    hosts: Sequence[Host],
    done: Sequence[tuple[Deed, float]],
    *,
    asked: Collection[UUID],
    expected: Mapping[UUID, str],
    cancelled: Collection[UUID],
    over_at: float = 0.0,
) -> Verdict:
    """``done``: deeds with the epoch seconds at which they had been done. ``expected``: the fault by which a job must
    fail. ``cancelled``: jobs that somebody asked to stop. ``over_at``: when the last fault ended, 0 for at no time."""
    verdict = Verdict()
    jobs = {job.pk: job for job in Job.objects.all()}
    verdict.jobs = len(jobs)
    verdict.lost += [f"{key} was asked for and is on no record" for key in asked if key not in jobs]
    for job in jobs.values():
        _judge_end(verdict, job, expected.get(job.pk, ""), asked_to_stop=job.pk in cancelled)
    attempts = list(Attempt.objects.select_related("job", "instance__host").order_by("number"))
    _check_executions(verdict, hosts, attempts)
    for host in hosts:
        verdict.residue += host.residue()
    verdict.still_out = [f"{one}: {one.fault}" for one in Instance.objects.select_related("host").filter(state="out")]
    verdict.again = Counter(attempt.fault for attempt in attempts if attempt.fault)
    _measure_recovery(verdict, hosts, attempts, done)
    ends = [job.finished_at.timestamp() for job in jobs.values() if job.finished_at]
    verdict.last_end = max(0.0, max(ends, default=0.0) - over_at) if over_at else 0.0
    return verdict


def _judge_end(verdict: Verdict, job: Job, must_fail: str, *, asked_to_stop: bool) -> None:
    match job.state:
        case Job.State.SUCCEEDED if must_fail:
            verdict.wrong.append(f"{job.pk} succeeded and had to fail: {must_fail}")
        case Job.State.SUCCEEDED if not job.outputs.exists():
            verdict.wrong.append(f"{job.pk} succeeded without a result")
        case Job.State.SUCCEEDED:
            verdict.succeeded += 1
        case Job.State.FAILED if must_fail and job.fault == must_fail:
            verdict.failed += 1
        case Job.State.FAILED:
            why = f" instead of {must_fail}" if must_fail else ""
            verdict.wrong.append(f"{job.pk} failed: {job.fault}{why}: {job.fault_text}")
        case Job.State.CANCELLED if asked_to_stop:
            verdict.cancelled += 1
        case Job.State.CANCELLED:
            verdict.wrong.append(f"{job.pk} was cancelled and nobody asked")
        case _:
            verdict.lost.append(f"{job.pk} is still {job.state}")


def _check_executions(verdict: Verdict, hosts: Sequence[Host], attempts: Sequence[Attempt]) -> None:
    entries = [entry for host in hosts for entry in host.executions()]
    seen = Counter(str(entry["extra_data"]["portal_attempt"]) for entry in entries if _is_ours(entry["extra_data"]))
    verdict.executions = seen.total()
    known = {str(attempt.pk) for attempt in attempts}
    verdict.doubled += [f"attempt {key} was executed and is on no record" for key in seen if key not in known]
    verdict.doubled += [f"attempt {key} was executed {times} times" for key, times in seen.items() if times > 1]
    ends = Counter(attempt.job_id for attempt in attempts if attempt.state == Attempt.State.SUCCEEDED)
    verdict.doubled += [f"job {key} succeeded {times} times" for key, times in ends.items() if times > 1]
    # Executed again only after an attempt whose fault is written down.
    causes = {(attempt.job_id, attempt.number): attempt.fault for attempt in attempts}
    for attempt in attempts:
        if attempt.number > 1 and not causes.get((attempt.job_id, attempt.number - 1)):
            verdict.doubled.append(f"job {attempt.job_id} was tried again without a cause")


def _is_ours(extra_data: Mapping[str, object]) -> bool:
    return "portal_attempt" in extra_data


def _measure_recovery(
    verdict: Verdict, hosts: Sequence[Host], attempts: Sequence[Attempt], done: Sequence[tuple[Deed, float]]
) -> None:
    """From the end of a fault until each job that was under way there moved on: executed, sent again, or ended.

    A job that another fault struck meanwhile is counted from the end of that one. One that is back in the queue waits
    for its turn: of that wait only what passed without anybody's being taken is counted, the longest time on end.
    """
    by_job: dict[UUID, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_job[attempt.job_id].append(attempt)
    for of_job in by_job.values():
        struck = [
            (at, deed, attempt) for attempt in of_job for deed, at in done if _was_struck(attempt, deed, at, hosts)
        ]
        for at, deed, attempt in struck:
            moved = _moved_on(of_job, attempt, at)
            if moved is None:
                continue
            over = max(since + other.lasts for since, other, _ in struck if at <= since < moved)
            recovery = moved - over - _waited_its_turn(attempt, at, moved, attempts)
            if recovery > verdict.longest_recovery:
                verdict.longest_recovery, verdict.slowest = recovery, f"{deed.kind} at {deed.at:.0f} s"


def _waited_its_turn(struck: Attempt, at: float, moved: float, attempts: Sequence[Attempt]) -> float:
    """Seconds in the queue while others were taken: all of that time but the longest without anybody's being taken."""
    back = struck.finished_at.timestamp() if struck.finished_at else moved
    if not at < back < moved:
        return 0.0
    claims = (other.claimed_at.timestamp() for other in attempts if other.job_id != struck.job_id)
    moments = [back, *sorted(claim for claim in claims if back < claim < moved), moved]
    return moved - back - max(after - before for before, after in pairwise(moments))


def _was_struck(attempt: Attempt, deed: Deed, at: float, hosts: Sequence[Host]) -> bool:
    ended = attempt.finished_at.timestamp() if attempt.finished_at else float("inf")
    if deed.kind == "job cancelled" or not attempt.claimed_at.timestamp() <= at < ended:
        return False
    host, strikes = hosts[deed.host], KINDS[deed.kind][1]
    if strikes == "portal":
        return True
    is_there = attempt.instance.host.name == host.facts.name
    return is_there and (strikes == "host" or attempt.instance.port == host.facts.ports[deed.place])


def _moved_on(attempts: Sequence[Attempt], struck: Attempt, at: float) -> float | None:
    moments = [struck.executed_at, struck.started_at, struck.finished_at if struck.state == "succeeded" else None]
    moments += [later.sent_at for later in attempts if later.number > struck.number]
    moments.append(struck.job.finished_at)
    after = [moment.timestamp() for moment in moments if moment is not None and moment.timestamp() > at]
    return min(after, default=None)
