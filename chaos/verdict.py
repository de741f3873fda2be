"""What became of every job: read from the rows, and held against what the GPUs say that they did."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chaos.plan import Deed
from chaos.scene import Scene
from gpujobs.models import Attempt, Instance, Job


@dataclass
class Verdict:
    """``unexplained``: executions that no attempt accounts for, or of an attempt that ran before."""

    jobs: int
    succeeded: int
    cancelled: int
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)
    again: Counter[str] = field(default_factory=Counter)
    executions: int = 0
    longest_recovery: float = 0.0
    slowest: str = ""
    still_out: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.wrong or self.lost or self.doubled or self.residue or self.still_out)


def judge(scene: Scene, done: list[tuple[Deed, float]], cancelled: set[UUID]) -> Verdict:
    """``done``: deeds with the epoch seconds at which they had been done."""
    jobs = list(Job.objects.all())
    states = Counter(job.state for job in jobs)
    verdict = Verdict(jobs=len(jobs), succeeded=states["succeeded"], cancelled=states["cancelled"])
    for job in jobs:
        if not job.has_ended:
            verdict.lost.append(f"{job.pk} is still {job.state}")
        elif job.state == Job.State.FAILED:
            verdict.wrong.append(f"{job.pk} failed: {job.fault} {job.fault_text}")
        elif job.state == Job.State.CANCELLED and job.pk not in cancelled:
            verdict.wrong.append(f"{job.pk} was cancelled and nobody asked")
    _check_executions(scene, verdict)
    for host in scene.hosts:
        verdict.residue += host.residue()
    verdict.still_out = [f"{one}: {one.fault}" for one in Instance.objects.select_related("host").filter(state="out")]
    verdict.again = Counter(Attempt.objects.exclude(fault="").values_list("fault", flat=True))
    _measure_recovery(verdict, done)
    return verdict


def _check_executions(scene: Scene, verdict: Verdict) -> None:
    known = {str(attempt.pk): attempt for attempt in Attempt.objects.all()}
    seen: Counter[str] = Counter()
    for host in scene.hosts:
        for entry in host.executions():
            attempt_id = entry["extra_data"].get("portal_attempt")
            if attempt_id is None:
                continue
            verdict.executions += 1
            seen[attempt_id] += 1
            if attempt_id not in known:
                verdict.doubled.append(f"attempt {attempt_id} was executed and is on no record")
    verdict.doubled += [f"attempt {pk} was executed {times} times" for pk, times in seen.items() if times > 1]
    ends = Counter(str(attempt.job_id) for attempt in known.values() if attempt.state == Attempt.State.SUCCEEDED)
    verdict.doubled += [f"job {pk} succeeded {times} times" for pk, times in ends.items() if times > 1]
    # Executed again only after an attempt whose fault is written down.
    for attempt in known.values():
        if attempt.number > 1 and not Attempt.objects.filter(job=attempt.job_id, number=attempt.number - 1).exclude(
            fault=""
        ):
            verdict.doubled.append(f"job {attempt.job_id} was tried again without a cause")


def _measure_recovery(verdict: Verdict, done: list[tuple[Deed, float]]) -> None:
    """From the end of a fault until each job that was under way there moved on: executed, sent again, or ended."""
    attempts = list(Attempt.objects.select_related("job", "instance__host"))
    by_job: dict[Any, list[Attempt]] = {}
    for attempt in attempts:
        by_job.setdefault(attempt.job_id, []).append(attempt)
    for deed, at in done:
        over = at + deed.lasts
        for attempt in attempts:
            if not _was_struck(attempt, deed, at):
                continue
            moved = _moved_on(by_job[attempt.job_id], attempt, at)
            if moved is not None and moved - over > verdict.longest_recovery:
                verdict.longest_recovery, verdict.slowest = moved - over, f"{deed.kind} at {deed.at:.0f} s"


def _was_struck(attempt: Attempt, deed: Deed, at: float) -> bool:
    ended = attempt.finished_at.timestamp() if attempt.finished_at else float("inf")
    if not attempt.claimed_at.timestamp() <= at < ended:
        return False
    if deed.kind in ("database connections cut", "Redis flushed", "Redis restarted"):
        return True
    return deed.kind != "job cancelled" and attempt.instance.host.name == ("one", "two")[deed.host]


def _moved_on(attempts: list[Attempt], struck: Attempt, at: float) -> float | None:
    moments = [struck.executed_at, struck.started_at, struck.finished_at if struck.state == "succeeded" else None]
    moments += [later.sent_at for later in attempts if later.number > struck.number]
    moments.append(struck.job.finished_at)
    after = [moment.timestamp() for moment in moments if moment is not None and moment.timestamp() > at]
    return min(after, default=None)
