"""Consent: what was asked in which words, and who agreed to what, when, how and from where."""

import hashlib
import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order
from portal.models import User


class ConsentText(models.Model):
    """One version of the words of one path; never changed once used, a new version is added instead."""

    made_for = models.CharField(max_length=10, choices=Order.For.choices)
    version = models.PositiveSmallIntegerField()
    # [{"key": "likeness", "required": true, "title": …, "purpose": …, "items": …, "period": …, "refusal": …}, …]
    boxes = models.JSONField()
    preamble = models.TextField()
    sha256 = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["made_for", "-version"]
        constraints = [models.UniqueConstraint(fields=["made_for", "version"], name="consent_text_version_unique")]

    def __str__(self) -> str:
        return f"{self.made_for} v{self.version}"

    def digest(self) -> str:
        """Hex SHA-256 of the words as a person reads them, in order."""
        parts = [self.preamble]
        for box in self.boxes:
            parts += [str(box[key]) for key in ("key", "title", "purpose", "items", "period", "refusal")]
        return hashlib.sha256("\n\x1f".join(parts).encode()).hexdigest()

    @property
    def required_keys(self) -> set[str]:
        return {box["key"] for box in self.boxes if box["required"]}


class Consent(models.Model):
    """One person's answer. Kept when withdrawn; at most one of an order stands."""

    class Method(models.TextChoices):
        TYPED = "typed", _("화면에서 성함 입력")
        SIGNED = "signed", _("화면에 서명")
        PAPER = "paper", _("종이 동의서")

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.CASCADE, related_name="consents")
    text = models.ForeignKey(ConsentText, models.PROTECT, related_name="+")
    text_sha256 = models.CharField(max_length=64)
    # The keys of the boxes that were ticked.
    scope = models.JSONField(default=list)
    signer_name = models.CharField(_("동의하시는 분"), max_length=60)
    relationship = models.CharField(_("고인과의 관계"), max_length=30)
    known_wishes = models.TextField(_("고인이 생전에 밝힌 뜻"), blank=True)
    method = models.CharField(_("방법"), max_length=10, choices=Method.choices)
    # A stored picture of the signature or of the paper, when there is one.
    evidence = models.CharField(max_length=255, blank=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True)
    signed_at = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-signed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(withdrawn_at=None), name="consent_one_standing_per_order"
            ),
        ]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def stands(self) -> bool:
        return self.withdrawn_at is None and self.text.required_keys <= set(self.scope)
