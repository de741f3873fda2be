"""How an order's data end: a hold that forbids it, and the erasure with what its certificate says."""

import uuid
from collections import Counter
from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order
from portal.models import FuneralHome, User


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def standing(self) -> Self:
        return self.filter(lifted_at=None)


class LegalHold(models.Model):
    """While one stands, nothing of the order is erased, whoever asks and whatever the clock says."""

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="holds")
    reason = models.CharField(_("보존 사유"), max_length=200)
    placed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(default=timezone.now)
    lifted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at"]
        constraints = [
            models.UniqueConstraint(fields=["order"], condition=Q(lifted_at=None), name="hold_one_standing_per_order")
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.placed_at:%Y-%m-%d}"


class SourceRemoval(models.Model):
    """The first half of the end: photos, masters and candidates go, what the family was given stays a while longer."""

    order = models.OneToOneField(Order, models.PROTECT, related_name="source_removal")
    begun_at = models.DateTimeField(default=timezone.now)
    # As of `Erasure.files`: none of them is removed before all are written down.
    files = models.JSONField(default=list)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["begun_at"], condition=Q(finished_at=None), name="source_removal_open")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.begun_at:%Y-%m-%d}"


class Erasure(models.Model):
    """The end of one order's data. From its first moment the order is closed to everyone; removal follows in steps.

    begun -> files removed -> rows emptied -> hosts cleared (finished). Each step may be taken again after a crash.
    """

    class Why(models.TextChoices):
        DUE = "due", _("보관 기간이 끝남")
        WITHDRAWN = "withdrawn", _("동의 철회")
        REQUESTED = "requested", _("정보주체 또는 유가족의 요청")
        BY_HAND = "by_hand", _("담당자의 판단")

    # Longer than removing the files of one order takes; a worker that says nothing for so long is gone.
    LEASE: ClassVar = timedelta(minutes=2)

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    order = models.OneToOneField(Order, models.PROTECT, related_name="erasure")
    home = models.ForeignKey(FuneralHome, models.PROTECT, related_name="+")
    why = models.CharField(max_length=10, choices=Why.choices)
    # A person's own words, where one asked for it.
    reason = models.CharField(max_length=200, blank=True)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # As it was then: who it was must stay readable. Of whoever has no login: "family", "system".
    asked_by_name = models.CharField(max_length=40)
    begun_at = models.DateTimeField(default=timezone.now)
    busy_until = models.DateTimeField(null=True)
    # [{"name": stored name, "kind", "sha256", "bytes"}], written down before the first of them is removed.
    files = models.JSONField(default=list)
    # {model: rows emptied or removed}
    rows = models.JSONField(default=dict)
    # The fleet's jobs of this order, as strings: the rows that knew them are gone when the hosts are looked at.
    jobs = models.JSONField(default=list)
    # [{"host", "attempts", "found", "trouble", "at"}] of the last look at each GPU host.
    hosts = models.JSONField(default=list)
    files_removed_at = models.DateTimeField(null=True)
    rows_emptied_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-begun_at"]
        indexes = [models.Index(fields=["begun_at"], condition=Q(finished_at=None), name="erasure_open")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.why}"

    @property
    def file_counts(self) -> dict[str, int]:
        """{kind: files}, kinds in the order of `orders.erasing.KINDS`."""
        return dict(Counter(each["kind"] for each in self.files))

    def take(self) -> bool:
        """Take its removal in hand; false where a worker has it, or it is finished."""
        now = timezone.now()
        free = Q(busy_until=None) | Q(busy_until__lt=now)
        mine = Erasure.objects.filter(free, pk=self.pk, finished_at=None)
        return mine.update(busy_until=now + self.LEASE) == 1
