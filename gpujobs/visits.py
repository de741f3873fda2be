"""Visits to a host that make nothing: searches for what was left there, and errands that operators send somebody on."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Scan(models.Model):
    """One search of a host for files and history of attempts that are over. What it found it also removed."""

    host = models.ForeignKey("gpujobs.GpuHost", models.CASCADE, related_name="scans")
    at = models.DateTimeField(default=timezone.now)
    found = models.PositiveIntegerField(default=0)
    # Up to a hundred of them: [{"instance": port, "kind", "what", "attempt"}].
    details = models.JSONField(default=list)
    # Why the host, or one of its instances, could not be searched; empty where all of it was.
    trouble = models.TextField(blank=True)

    class Meta:
        ordering = ["-at"]
        get_latest_by = "at"

    def __str__(self) -> str:
        return f"{self.host.name} {self.at:%Y-%m-%d %H:%M}"


class Errand(models.Model):
    """Something that an operator sent a worker to do at a host, and what came of it."""

    class Kind(models.TextChoices):
        EXAMINE = "examine"
        SCAN = "scan"
        RESTART = "restart"

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    host = models.ForeignKey("gpujobs.GpuHost", models.CASCADE, related_name="errands")
    # The one to restart; empty where it is about the whole host.
    instance = models.ForeignKey("gpujobs.Instance", models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    asked_at = models.DateTimeField(default=timezone.now)
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Empty where all went well; what was said is in English. Found: things left behind, or instances without an answer.
    fault = models.CharField(max_length=40, blank=True)
    said = models.TextField(blank=True)
    found = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["host", "kind", "instance"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="errand_one_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.instance or self.host}"
