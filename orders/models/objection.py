"""A relative's objection: who says what, and how it was settled. While one stands, nothing is handed out."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order
from portal.models import User


class ObjectionQuerySet(models.QuerySet["Objection"]):
    def standing(self) -> Self:
        return self.filter(resolved_at=None)


class Objection(models.Model):
    """One person's word. Several may stand at once; each is settled by itself, and kept."""

    LONGEST_REASON: ClassVar = 500

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="objections")
    name = models.CharField(_("성함"), max_length=60)
    relationship = models.CharField(_("고인과의 관계"), max_length=30)
    contact = models.CharField(_("연락처"), max_length=60, blank=True)
    reason = models.TextField(_("말씀하신 내용"), max_length=LONGEST_REASON)
    said_at = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    # Null when the relative said it on a page of the family's.
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    resolution = models.TextField(_("어떻게 정했는지"), max_length=LONGEST_REASON, blank=True)

    objects = ObjectionQuerySet.as_manager()

    class Meta:
        ordering = ["-said_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolved_by=None)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
                name="objection_settled_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def stands(self) -> bool:
        return self.resolved_at is None
