"""What happens between an approval and its files, what a home wants printed, and what left this portal."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gpujobs.models import Job
from orders.models.candidate import Approval
from portal.models import FuneralHome


class Finish(models.Model):
    """The making of an approval's files. The approval itself stands whatever becomes of it.

    waiting ──> on_gpu ──> waiting ──> cutting ──> finished
       ^  (enlarged there, or not)        └──> failed
       └── a retry, or another crop ─────────────┴── from finished too
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("마무리 대기")
        ON_GPU = "on_gpu", _("크게 만드는 중")
        CUTTING = "cutting", _("마무리 중")
        FINISHED = "finished", _("준비됨")
        FAILED = "failed", _("마무리 실패")

    # A worker that says nothing for so long is gone: longer than any one file takes.
    LEASE: ClassVar = timedelta(seconds=120)

    # What the fleet calls it.
    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    approval = models.OneToOneField(Approval, models.CASCADE, related_name="finish")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # A code of orders.finishing.faults.
    fault = models.CharField(max_length=40, blank=True)
    # Failures since a person last asked; the sweep tries again while they are few.
    tries = models.PositiveSmallIntegerField(default=0)
    # Counts up with each start, and is part of the files' names.
    run = models.PositiveIntegerField(default=0)
    done = models.PositiveSmallIntegerField(default=0)
    total = models.PositiveSmallIntegerField(default=0)
    job = models.OneToOneField(Job, models.SET_NULL, null=True, related_name="+")
    # The enlarged picture or lengthened video from a GPU: a name in the default storage.
    master = models.CharField(max_length=255, blank=True)
    # Whether no GPU could do it, so that the portal enlarges or lengthens by itself.
    without_gpu = models.BooleanField(default=False)
    # Codes of orders.finishing.faults that staff should know of, e.g. that no face was found.
    remarks = models.JSONField(default=list)
    busy_until = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(models.F("changed_at"), condition=~models.Q(state="finished"), name="finish_open")]

    def __str__(self) -> str:
        return f"{self.approval_id} {self.state}"

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.WAITING, self.State.ON_GPU, self.State.CUTTING)

    @property
    def is_makeshift(self) -> bool:
        """Whether its files were made without a GPU, of something that is still there to be sent to one."""
        return self.state == self.State.FINISHED and not self.master and bool(self.approval.candidate.file)

    @property
    def folder(self) -> str:
        return f"{self.approval.candidate.item.order.folder}/finished/{self.approval_id}"

    def move(self, *sources: str, to: str, **changes: object) -> bool:
        """Change state if it is in one of these and still in the run that is known here; the object follows the row."""
        changes |= {"state": to, "changed_at": timezone.now()}
        moved = Finish.objects.filter(pk=self.pk, run=self.run, state__in=sources).update(**changes)
        if moved:
            for name, value in changes.items():
                setattr(self, name, value)
        return moved == 1

    def tell(self, done: int, total: int) -> None:
        """Show how far it is, and hold the lease a little longer."""
        Finish.objects.filter(pk=self.pk, run=self.run, state=self.State.CUTTING).update(
            done=done, total=total, busy_until=timezone.now() + self.LEASE
        )


_SIDE = [MinValueValidator(Decimal(50)), MaxValueValidator(Decimal(610))]


class PrintPreset(models.Model):
    """A print size as a home has it: a usual one switched on or off, or one of its own. See orders.finishing.prints."""

    home = models.ForeignKey(FuneralHome, models.CASCADE, related_name="print_presets")
    # A key of orders.finishing.prints.USUAL, or "own-" and eight letters.
    key = models.CharField(max_length=20)
    label = models.CharField(_("이름"), max_length=30)
    # In millimetres, to a tenth.
    width = models.DecimalField(_("가로(mm)"), max_digits=4, decimal_places=1, validators=_SIDE)
    height = models.DecimalField(_("세로(mm)"), max_digits=4, decimal_places=1, validators=_SIDE)
    is_wanted = models.BooleanField(_("만들기"), default=True)
    with_pdf = models.BooleanField(_("PDF도 만들기"), default=False)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["home", "key"], name="print_preset_once")]

    def __str__(self) -> str:
        return self.label


class Fingerprint(models.Model):
    """A file made to be handed out: its hash, of which product, when. Names nobody and outlives the order."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    product_key = models.CharField(max_length=20)
    variant = models.CharField(max_length=40)
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.sha256[:12]
