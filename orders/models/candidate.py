"""What a GPU made for an item, and the one a person approved."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gpujobs.models import Job
from orders.models.order import Item
from portal.models import User


class Candidate(models.Model):
    class State(models.TextChoices):
        PRODUCING = "producing", _("제작 중")
        READY = "ready", _("검수 대기")
        REJECTED = "rejected", _("제외")
        FAILED = "failed", _("실패")

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey(Item, models.CASCADE, related_name="candidates")
    round = models.PositiveSmallIntegerField()
    number = models.PositiveSmallIntegerField()
    job = models.OneToOneField(Job, models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PRODUCING)
    kind = models.CharField(max_length=5, blank=True)
    media_type = models.CharField(max_length=40, blank=True)
    file = models.CharField(max_length=255, blank=True, help_text="name in the default storage")
    preview = models.CharField(max_length=255, blank=True, help_text="a still of at most 1280 pixels")
    sha256 = models.CharField(max_length=64, blank=True)
    byte_count = models.PositiveBigIntegerField(default=0)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(default=0)
    # [left, top, width, height] as fractions, for showing it at the scale of the photo; a place only, no features.
    face = models.JSONField(null=True)
    reject_reason = models.TextField(blank=True)
    attached_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["round", "number"]
        constraints = [
            models.UniqueConstraint(fields=["item", "round", "number"], name="candidate_number_unique"),
        ]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def folder(self) -> str:
        return f"{self.item.order.folder}/candidates/{self.code}"

    @property
    def is_video(self) -> bool:
        return self.kind == "video"


class Approval(models.Model):
    """A named person's yes to one file, bound to its hash.

    A portrait and a video have one approval; a life scene has one for each picture that may be handed out.
    """

    candidate = models.OneToOneField(Candidate, models.PROTECT, related_name="approval")
    approved_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(default=timezone.now)
    sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.candidate_id} {self.sha256[:12]}"
