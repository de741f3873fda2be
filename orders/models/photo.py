"""A photo the family gave, as taken in."""

import uuid
from typing import NamedTuple

from django.db import models
from django.utils import timezone

from orders.models.family_link import FamilyLink
from orders.models.order import Order
from portal.models import User


class FaceBox(NamedTuple):
    number: int
    left: float
    top: float
    width: float
    height: float

    @property
    def corner(self) -> float:
        return self.width / 12

    @property
    def close_up(self) -> str:
        """A square around the face with some room, as an SVG viewBox in pixels of the photo."""
        side = 1.6 * max(self.width, self.height)
        left, top = self.left + self.width / 2 - side / 2, self.top + self.height / 2 - side / 2
        return f"{left:.1f} {top:.1f} {side:.1f} {side:.1f}"


class Photo(models.Model):
    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="photos")
    position = models.PositiveSmallIntegerField(default=0)
    # The name it came with: shown to staff, never used as a path.
    given_name = models.CharField(max_length=255, blank=True)
    media_type = models.CharField(max_length=40)
    byte_count = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="of the master")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    master = models.CharField(max_length=255, help_text="name in the default storage")
    # Long side in pixels to name in the default storage.
    previews = models.JSONField(default=dict)
    # [[left, top, width, height], …] as fractions of the picture; places only, no features.
    faces = models.JSONField(default=list)
    main_face = models.PositiveSmallIntegerField(null=True)
    # Whether somebody else is in it: several faces were seen, until staff say otherwise.
    shows_others = models.BooleanField(default=False)
    advice = models.JSONField(default=list)
    taken_on = models.DateField(null=True)
    added_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # Set where a family sent it: whoever holds that link sees its photos and no others.
    family_link = models.ForeignKey(FamilyLink, models.SET_NULL, null=True, related_name="photos")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["order", "sha256"], name="photo_once_per_order")]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def folder(self) -> str:
        return f"{self.order.folder}/photos/{self.code}"

    @property
    def face_boxes(self) -> list[FaceBox]:
        """Where the faces are, in pixels of the photo."""
        return [
            FaceBox(number, left * self.width, top * self.height, width * self.width, height * self.height)
            for number, (left, top, width, height) in enumerate(self.faces)
        ]

    def preview(self, size: int) -> str:
        """The stored name of the preview with this long side, in pixels: 320 or 1280."""
        return str(self.previews[str(size)])
