"""A photo on its way from a family's phone, in pieces, so that a lost connection costs no more than the last one."""

import uuid

from django.db import models
from django.utils import timezone

from orders.models.family_link import FamilyLink
from orders.models.photo import Photo


class Arrival(models.Model):
    """What was promised and how much of it is here; forgotten a day after the last piece (`orders.arriving`)."""

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    link = models.ForeignKey(FamilyLink, models.CASCADE, related_name="arrivals")
    # Hex SHA-256 of what the browser calls the file: the same file chosen again goes on where it stopped.
    mark = models.CharField(max_length=64)
    given_name = models.CharField(max_length=255, blank=True)
    byte_count = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    # Set once it was taken in; the answer to whoever asks again because the first answer was lost.
    photo = models.ForeignKey(Photo, models.SET_NULL, null=True, related_name="+")
    touched_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["touched_at"]
        constraints = [models.UniqueConstraint(fields=["link", "mark"], name="arrival_once_per_link")]

    def __str__(self) -> str:
        return f"{self.received}/{self.byte_count}"

    @property
    def file(self) -> str:
        """Its name in the default storage."""
        return f"{self.link.order.folder}/arriving/{self.code}"
