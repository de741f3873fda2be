"""Consent: what was asked in which words, and who agreed to what, when, how and from where."""

import hashlib
import json
import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.family_link import FamilyLink
from orders.models.order import Order
from portal.models import FuneralHome, User


class ConsentTextQuerySet(models.QuerySet["ConsentText"]):
    def of(self, home: FuneralHome | None, made_for: str) -> Self:
        """A home's own versions of one path, or the portal's without a home; the newest first."""
        return self.filter(home=home, made_for=made_for).order_by("-version")

    def asked_by(self, home: FuneralHome, made_for: str) -> "ConsentText":
        """The words that this home asks with now: its own newest, or the portal's where it has none."""
        offered = self.filter(Q(home=home) | Q(home=None), made_for=made_for)
        text = offered.order_by(F("home").asc(nulls_last=True), "-version").first()
        if text is None:
            raise ConsentText.DoesNotExist(made_for)
        return text


class ConsentText(models.Model):
    """One published version of the words of one path; never changed or deleted, which the database holds to as well."""

    # Whose words they are; without a home the portal's, with which every home asks that has none of its own.
    home = models.ForeignKey(FuneralHome, models.PROTECT, null=True, related_name="consent_texts")
    made_for = models.CharField(max_length=10, choices=Order.For.choices)
    version = models.PositiveSmallIntegerField()
    # [{"key": "likeness", "required": true, "title": …, "purpose": …, "items": …, "period": …, "refusal": …}, …]
    boxes = models.JSONField()
    preamble = models.TextField()
    sha256 = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = ConsentTextQuerySet.as_manager()

    class Meta:
        ordering = ["made_for", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["made_for", "version"], condition=Q(home=None), name="consent_text_version_unique"
            ),
            models.UniqueConstraint(fields=["home", "made_for", "version"], name="consent_text_version_of_home_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.made_for} v{self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises ValueError for words that are published; a trigger of the database refuses it as well."""
        if self.pk:
            raise ValueError(f"{self} is published; add a new version")
        self.sha256 = self.digest()
        super().save(*args, **kwargs)

    def digest(self) -> str:
        """Hex SHA-256 of the words as a person reads them, as JSON with sorted keys."""
        words = {"preamble": self.preamble, "boxes": self.boxes}
        return hashlib.sha256(json.dumps(words, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def paragraphs(self) -> list[str]:
        """The preamble's; pages translate each, and each text of the boxes, where the catalogue has it."""
        return [line for line in self.preamble.splitlines() if line]

    @property
    def required_keys(self) -> set[str]:
        return {box["key"] for box in self.boxes if box["required"]}


class ConsentQuerySet(models.QuerySet["Consent"]):
    def standing(self) -> Self:
        return self.filter(withdrawn_at=None, superseded_at=None)


class Consent(models.Model):
    """One person's answer. Kept when withdrawn or given anew; at most one of an order stands."""

    # Keys of the boxes that the portal itself asks for.
    LIKENESS: ClassVar = "likeness"
    OTHERS: ClassVar = "others"
    SHOWCASE: ClassVar = "showcase"

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
    # One of the two: who recorded it at the desk, or the link by which the family gave it.
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    family_link = models.ForeignKey(FamilyLink, models.SET_NULL, null=True, related_name="consents")
    withdrawn_at = models.DateTimeField(null=True)
    # When it gave way to a newer one.
    superseded_at = models.DateTimeField(null=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-signed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(withdrawn_at=None, superseded_at=None),
                name="consent_one_standing_per_order",
            ),
        ]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def stands(self) -> bool:
        return self.withdrawn_at is None and self.superseded_at is None

    @property
    def refused(self) -> list[dict[str, Any]]:
        """The boxes that were left empty."""
        return [box for box in self.text.boxes if box["key"] not in self.scope]

    def covers(self, key: str) -> bool:
        return key in self.scope
