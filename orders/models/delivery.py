"""Files for the family, the link that hands them out, and every time it did."""

import uuid
from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.candidate import Approval
from orders.models.key_link import KeyLink
from orders.models.order import Item, Order

# Of 4 digits, the one in 1,250 that all wrong tries together may hit.
MOST_TRIES = 8


class Deliverable(models.Model):
    """A finished file, made from an approved candidate and from nothing else."""

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey(Item, models.CASCADE, related_name="deliverables")
    approval = models.ForeignKey(Approval, models.PROTECT, related_name="deliverables")
    # Which of the product's files it is, e.g. "print-11x14", "pdf-11x14", "screen-wide", "sheet".
    variant = models.CharField(max_length=40)
    # What a home calls a size of its own; what every home has is named by orders.finishing.naming.
    own_label = models.CharField(max_length=40, blank=True)
    media_type = models.CharField(max_length=40)
    file = models.CharField(max_length=255, help_text="name in the default storage")
    preview = models.CharField(max_length=255, blank=True)
    # Korean, NFC, without folders: what the browser saves it as.
    download_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    byte_count = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    duration_ms = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["item_id", "id"]
        constraints = [models.UniqueConstraint(fields=["approval", "variant"], name="deliverable_variant_once")]

    def __str__(self) -> str:
        return self.download_name

    @property
    def is_video(self) -> bool:
        return self.media_type.startswith("video/")

    @property
    def is_print(self) -> bool:
        return self.variant.startswith("print-")


class DownloadLink(KeyLink):
    """A family's way to what was finished."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="links")
    downloads = models.PositiveIntegerField(default=0)
    max_downloads = models.PositiveIntegerField(default=200)
    # Whom it was handed to, in staff's words.
    recipient = models.CharField(_("받으실 분"), max_length=30, blank=True)
    # Of the digits that are asked for beside the link, as a password is hashed; empty: the link alone opens it.
    pin_hash = models.CharField(max_length=128, blank=True)
    # Never counted down but by staff: whoever tries, and however slowly, has so many and no more.
    wrong_tries = models.PositiveSmallIntegerField(default=0)
    # When the family is to be told that it ends soon, and when that was done.
    remind_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)

    class Meta(KeyLink.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(downloads__lte=F("max_downloads")), name="link_downloads_bounded"),
            models.CheckConstraint(condition=Q(wrong_tries__lte=MOST_TRIES), name="link_tries_bounded"),
        ]

    @property
    def last_day(self) -> date:
        return timezone.localdate(self.expires_at - timedelta(seconds=1))

    @property
    def is_used_up(self) -> bool:
        return self.downloads >= self.max_downloads

    @property
    def may_be_reopened(self) -> bool:
        """Whether staff may open it again: it ended, or has nothing left to give; what was closed stays closed."""
        return self.revoked_at is None and (not self.is_open or self.is_used_up or self.is_locked)

    @property
    def is_locked(self) -> bool:
        return bool(self.pin_hash) and self.wrong_tries >= MOST_TRIES

    def begin_try(self) -> bool:
        """Take one of the tries before the digits are looked at; false when none is left.

        Of many at once, no more than are left get one, so however they race no more digits are compared.
        """
        left = DownloadLink.objects.filter(pk=self.pk, wrong_tries__lt=MOST_TRIES)
        return left.update(wrong_tries=F("wrong_tries") + 1) == 1

    def give_back_try(self) -> None:
        """The digits were right; earlier wrong ones stay counted."""
        DownloadLink.objects.filter(pk=self.pk, wrong_tries__gt=0).update(wrong_tries=F("wrong_tries") - 1)

    def count_download(self) -> bool:
        """Count one more; false when the last one was already used."""
        return self.count("downloads", "max_downloads")


class Download(models.Model):
    link = models.ForeignKey(DownloadLink, models.CASCADE, related_name="log")
    at = models.DateTimeField(default=timezone.now)
    # Null for the zip of everything.
    deliverable = models.ForeignKey(Deliverable, models.CASCADE, null=True, related_name="+")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
