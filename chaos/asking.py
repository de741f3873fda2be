"""Jobs of three kinds from several homes, asked for little by little."""

import random
from datetime import timedelta
from uuid import UUID, uuid4

from django.utils import timezone

from benches.asking import Desk
from benches.house import FEW_STEPS, a_picture
from gpujobs import workflows
from gpujobs.models import Job

# Each makes one picture; a video would need another sample result.
KINDS = ("portrait", "life_scene", "print_master")
HOMES = 4


class Asker:
    """``count`` jobs over so many seconds; the same seed asks for the same."""

    def __init__(self, count: int, *, over: float, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311  repeatable, and nothing secret
        self._desks = [Desk(a_picture()) for _ in range(HOMES)]
        self._moments = sorted(self._dice.uniform(0, over) for _ in range(count))
        self.asked: list[UUID] = []

    @property
    def is_done(self) -> bool:
        return len(self.asked) == len(self._moments)

    def ask_until(self, now: float) -> None:
        """Ask for whatever is due by then, each batch by one home."""
        due = sum(moment <= now for moment in self._moments) - len(self.asked)
        if not due:
            return
        desk = self._dice.choice(self._desks)
        jobs = [self._job(desk) for _ in range(due)]
        desk.commit(jobs)
        self.asked += [job.pk for job in jobs]

    def open_jobs(self) -> int:
        return Job.objects.exclude(state__in=Job.ENDED).count()

    def _job(self, desk: Desk) -> Job:
        workflow = workflows.get(self._dice.choice(KINDS))
        few = {"steps": FEW_STEPS} if any(param.name == "steps" for param in workflow.params) else {}
        return Job(
            workflow=workflow.name,
            params=workflow.clean(few),
            images={each.slot: desk.photo for each in workflow.inputs if each.required},
            seed=self._dice.randrange(2**48),
            tenant=desk.home.code,
            reference=uuid4(),
            due_at=timezone.now() + timedelta(minutes=self._dice.choice([10, 30, 60, 240])),
        )
