"""A link by which a family does one thing for an order, without an account. Files are handed out by DownloadLink."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order
from portal.models import User


class FamilyLink(models.Model):
    """The token is in the link alone; here is its hash. One that is closed is never opened again."""

    class Purpose(models.TextChoices):
        UPLOAD = "upload", _("사진 올리기")
        CONSENT = "consent", _("동의")
        CHOICE = "choice", _("사진 고르기")

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="family_links")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    visits = models.PositiveIntegerField(default=0)
    # What a use is, the purpose says: a photo that was taken in, a signature, a choice.
    uses = models.PositiveIntegerField(default=0)
    max_uses = models.PositiveIntegerField()
    # When something sent by it could not be kept because our disk was full: said to staff until the next one is kept.
    no_space_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["order", "purpose"])]
        constraints = [models.CheckConstraint(condition=Q(uses__lte=F("max_uses")), name="family_link_uses_bounded")]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    @property
    def is_used_up(self) -> bool:
        return self.uses >= self.max_uses

    def count_use(self) -> bool:
        """Count one more; false when the last was used or the link was closed. Of two at once, one gets the last."""
        open_still = FamilyLink.objects.filter(pk=self.pk, revoked_at=None, expires_at__gt=timezone.now())
        counted = open_still.filter(uses__lt=F("max_uses")).update(uses=F("uses") + 1) == 1
        if counted:
            self.refresh_from_db(fields=["uses"])
        return counted
