"""A link by which a family does one thing for an order, without an account. Files are handed out by DownloadLink."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from orders.models.key_link import KeyLink
from orders.models.order import Order


class FamilyLink(KeyLink):
    """Lets a family send photos, agree, or choose."""

    class Purpose(models.TextChoices):
        UPLOAD = "upload", _("사진 올리기")
        CONSENT = "consent", _("동의")
        CHOICE = "choice", _("사진 고르기")

    order = models.ForeignKey(Order, models.CASCADE, related_name="family_links")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    # What a use is, the purpose says: a photo that was taken in, a signature, a choice.
    uses = models.PositiveIntegerField(default=0)
    max_uses = models.PositiveIntegerField()
    # When something sent by it could not be kept because our disk was full: said to staff until the next one is kept.
    no_space_at = models.DateTimeField(null=True)

    class Meta(KeyLink.Meta):
        indexes = [models.Index(fields=["order", "purpose"])]
        constraints = [models.CheckConstraint(condition=Q(uses__lte=F("max_uses")), name="family_link_uses_bounded")]

    @property
    def is_used_up(self) -> bool:
        return self.uses >= self.max_uses

    @property
    def opens(self) -> bool:
        """Whether its page opens. One that was agreed by opens until it is closed, so that it can be taken back."""
        agreed = self.purpose == self.Purpose.CONSENT and self.is_used_up and self.revoked_at is None
        return self.is_open or agreed

    def count_use(self) -> bool:
        """Count one more; false when the last was used or the link was closed. Of two at once, one gets the last."""
        counted = self.count("uses", "max_uses")
        if counted:
            self.refresh_from_db(fields=["uses"])
        return counted
