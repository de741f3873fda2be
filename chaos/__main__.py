"""python -m chaos: throw faults at the fleet and see whether every job ends right, once, and leaves nothing behind."""

import argparse
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from benches.__main__ import say, show
from benches.figures import table
from chaos.plan import Deed, plan
from chaos.scene import Scene, scene

T = TypeVar("T")
# Longer than a job takes, shorter than anybody would wait.
PATIENCE_SECONDS = 240.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("CHAOS_JOBS", "1000")))
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("CHAOS_MINUTES", "10")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("CHAOS_SEED", "0")) or secrets.randbelow(10**6))
    parser.add_argument("--job-seconds", type=float, default=1.0, help="one execution (default 1)")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()):
        sys.stderr.write("sshd is missing; install the package openssh-server.\n")
        return 2
    seconds = options.minutes * 60
    deeds = plan(options.seed, seconds)
    say(f"seed {options.seed}: {options.jobs} jobs, {len(deeds)} faults in {options.minutes:g} minutes")
    # PostgreSQL's user must be able to enter it where we are root.
    directory = Path(tempfile.mkdtemp(prefix="connectdream-chaos-"))
    directory.chmod(0o711)
    good = False
    try:
        with scene(directory, job_seconds=options.job_seconds) as made:
            good = campaign(made, options, deeds, seconds)
    finally:
        if good:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            say(f"logs are kept in {directory}")
    return 0 if good else 1


def campaign(made: Scene, options: argparse.Namespace, deeds: list[Deed], seconds: float) -> bool:
    from chaos.asking import Asker  # Django is set up only now
    from chaos.deeds import Doer
    from chaos.verdict import judge

    asker = Asker(options.jobs, over=seconds * 0.8, seed=options.seed, video=made.video)
    doer = Doer(made)
    done, missed = _throw(made, asker, doer, deeds)
    over_at = _faults_over(doer, done)
    say("faults are over; waiting for the last jobs")
    settled = _settled(made, asker)
    waited = time.time() - over_at
    verdict = judge(
        made.hosts,
        done,
        asked=asker.asked,
        expected=asker.expected,
        cancelled=doer.cancelled,
        over_at=over_at,
    )
    kinds = Counter(deed.kind for deed, _ in done)
    figures = {
        "seed": options.seed,
        "minutes": options.minutes,
        "jobs": verdict.jobs,
        "ended right": verdict.ended_right,
        "of these cancelled": verdict.cancelled,
        "of these failed as they had to": verdict.failed,
        "ended wrong": len(verdict.wrong),
        "lost": len(verdict.lost),
        "executed twice without a cause": len(verdict.doubled),
        "left on hosts": len(verdict.residue),
        "instances still out": len(verdict.still_out),
        "executions": verdict.executions,
        "faults thrown": len(done),
        "faults that found nothing to strike": sum(missed.values()),
        "longest recovery s": round(verdict.longest_recovery, 1),
        "slowest after": verdict.slowest,
        "last job's end after the last fault s": round(verdict.last_end, 1),
        "all settled after the last fault s": round(waited, 1),
    }
    show_counts("Chaos", "what", figures)
    show_counts("Jobs", "workflow", Counter(asker.workflows()))
    show_counts("Faults thrown", "kind", kinds)
    show_counts("Attempts that did not succeed", "fault", verdict.again)
    for problem in verdict.complaints[:40]:
        say(problem)
    good = settled and verdict.is_good
    if options.json:
        everything = figures | {"faults": dict(kinds), "attempts": dict(verdict.again), "good": good}
        options.json.write_text(json.dumps(everything, indent=2) + "\n")
    return good


def _throw(made: Scene, asker: Any, doer: Any, deeds: list[Deed]) -> tuple[list[tuple[Deed, float]], Counter[str]]:
    """Ask and strike as planned; what was done, with the epoch seconds, and what found nothing to strike."""
    done: list[tuple[Deed, float]] = []
    missed: Counter[str] = Counter()
    left, start = list(deeds), time.monotonic()
    while left or not asker.is_done:
        now = time.monotonic() - start
        _surely(asker.ask_until, now)
        while left and left[0].at <= now:
            deed = left.pop(0)
            if _surely(doer.do, deed):
                done.append((deed, time.time()))
            else:
                missed[deed.kind] += 1
        made.processes.watch()
        time.sleep(0.25)
    return done, missed


def _faults_over(doer: Any, done: list[tuple[Deed, float]]) -> float:
    """End what still lasts; epoch seconds at which the last fault was over."""
    from chaos.deeds import ENDS_ITSELF

    doer.finish()
    over_at = max([time.time(), *(at + deed.lasts for deed, at in done if deed.kind in ENDS_ITSELF)])
    doer.have_all_examined()
    return over_at


def show_counts(title: str, what: str, counts: Mapping[str, object]) -> None:
    rows = counts.items() if what == "what" else sorted(counts.items())
    show([table(title, [what, "is"], [[key, str(value)] for key, value in rows])])


def _settled(made: Scene, asker: Any) -> bool:
    """Whether every job ended, every attempt was cleaned and every instance is back, in time."""
    from gpujobs.models import Attempt, Instance

    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        made.processes.watch()
        open_still = asker.open_jobs() or Attempt.objects.filter(cleaned_at=None).count()
        # One that restarted last may be down though no job missed it; its ledger and folders are read next.
        if not open_still and not Instance.objects.filter(state="out").exists() and made.all_answer():
            return True
        time.sleep(1)
    return False


def _surely(what: Callable[[T], Any], given: T) -> Any:
    """Once more where a fault of ours cut our own connection to the database or to Redis."""
    from django.db import DatabaseError, connection
    from redis import RedisError

    try:
        return what(given)
    except (DatabaseError, RedisError):
        connection.close()
        time.sleep(0.5)
        return what(given)


if __name__ == "__main__":
    sys.exit(main())
