"""Jobs of every kind from several homes, asked for little by little; some of them must fail."""

import io
from itertools import groupby
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from benches.asking import Desk
from benches.house import a_picture
from chaos.mix import ENDS, HOMES, Ask, asks
from gpujobs import workflows
from gpujobs.models import Job


class Asker:
    """``count`` jobs over so many seconds; the same seed asks for the same.

    ``expected``: the fault by which a job must fail, for those that must.
    """

    def __init__(self, count: int, *, over: float, seed: int, video: bytes) -> None:
        self._asks = asks(count, over=over, seed=seed)
        self._desks = [Desk(a_picture()) for _ in range(HOMES)]
        self._video = _stored(video, "mp4")
        self._spoilt = {"no face": _stored(_nobody(), "png"), "unreadable photo": _stored(b"no picture", "png")}
        self.asked: list[UUID] = []
        self.expected: dict[UUID, str] = {}

    @property
    def is_done(self) -> bool:
        return len(self.asked) == len(self._asks)

    def ask_until(self, now: float) -> None:
        """Ask for whatever is due by then, each home for its own in one go."""
        due = [ask for ask in self._asks[len(self.asked) :] if ask.at <= now]
        # What an earlier call committed before its connection was cut is there already.
        there = set(Job.objects.filter(pk__in=[ask.key for ask in due]).values_list("pk", flat=True))
        new = sorted((ask for ask in due if ask.key not in there), key=lambda ask: ask.home)
        for home, of_home in groupby(new, key=lambda ask: ask.home):
            self._desks[home].commit([self._job(ask, self._desks[home]) for ask in of_home])
        self.asked += [ask.key for ask in due]
        self.expected |= {ask.key: ENDS[ask.twist] for ask in due if ask.twist}

    def workflows(self) -> list[str]:
        return [ask.workflow for ask in self._asks]

    def open_jobs(self) -> int:
        return Job.objects.exclude(state__in=Job.ENDED).count()

    def _job(self, ask: Ask, desk: Desk) -> Job:
        workflow = workflows.get(ask.workflow)
        steps = next((param for param in workflow.params if param.name == "steps"), None)
        params = workflow.clean({"steps": steps.low} if steps else {})
        photo = self._spoilt.get(ask.twist, desk.photo)
        return Job(
            pk=ask.key,
            workflow=workflow.name,
            params=params | {"steps": 0} if ask.twist == "parameter that is refused" else params,
            images={
                each.slot: self._video if each.kind == "video" else photo for each in workflow.inputs if each.required
            },
            seed=ask.seed,
            tenant=desk.home.code,
            reference=uuid4(),
            due_at=timezone.now() + ask.due,
        )


def _stored(content: bytes, suffix: str) -> str:
    return default_storage.save(f"bench/{uuid4()}.{suffix}", ContentFile(content))


def _nobody() -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (600, 800), (90, 120, 150)).save(packed, "PNG")
    return packed.getvalue()
