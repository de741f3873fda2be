"""A family's choice among portraits that a reviewer has looked at, or its wish for others."""

from django.db import models
from django.utils import timezone

from orders.models.candidate import Candidate
from orders.models.family_link import FamilyLink
from orders.models.order import Item
from portal.models import User


class Showing(models.Model):
    """A reviewer's word that a candidate is fit to be shown, and to be the approved one if the family chooses it.

    Bound to the file's hash as an approval is; it becomes one, in this reviewer's name, by the family's choice alone.
    """

    candidate = models.OneToOneField(Candidate, models.CASCADE, related_name="showing")
    reviewed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(default=timezone.now)
    sha256 = models.CharField(max_length=64)
    # What a family sees: smaller, with a proof mark drawn into it. A name in the default storage.
    proof = models.CharField(max_length=255)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()

    class Meta:
        ordering = ["candidate__round", "candidate__number"]

    def __str__(self) -> str:
        return f"{self.candidate_id} {self.sha256[:12]}"


class FamilyAnswer(models.Model):
    """What a family answered: this one, or a wish. Kept as it was given; the latest of a round is what counts."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="answers")
    # Null where staff answered for a family that told them.
    link = models.ForeignKey(FamilyLink, models.SET_NULL, null=True, related_name="answers")
    given_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    candidate = models.ForeignKey(Candidate, models.SET_NULL, null=True, related_name="+")
    # A key of orders.choosing.WISHES, where no candidate was chosen.
    wish = models.CharField(max_length=20, blank=True)
    round = models.PositiveSmallIntegerField()
    given_at = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["-given_at", "-id"]

    def __str__(self) -> str:
        return self.wish or str(self.candidate_id)
