"""What every link of a family has in common: the token is in the link alone, here is its hash, and it ends."""

import uuid
from typing import Self

from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import get_language

from portal.models import User


class KeyLink(models.Model):
    """Whoever has it may come in while it is open. One that was closed is never opened again."""

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    token_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    visits = models.PositiveIntegerField(default=0)
    # Of the page when it was last opened; empty before.
    language = models.CharField(max_length=5, blank=True)

    class Meta:
        abstract = True
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    def _row(self) -> models.QuerySet[Self]:
        return type(self)._default_manager.filter(pk=self.pk)

    def close(self) -> bool:
        """False if it was closed already."""
        return self._row().filter(revoked_at=None).update(revoked_at=timezone.now()) == 1

    def count_visit(self) -> None:
        """Once more, in the language in hand."""
        self._row().update(visits=F("visits") + 1, language=(get_language() or "")[:5])

    def count(self, used: str, most: str) -> bool:
        """Count one more in the field ``used``; false when as many as ``most`` says are used, or it is not open.

        Of two at once, one gets the last.
        """
        open_still = self._row().filter(revoked_at=None, expires_at__gt=timezone.now())
        return open_still.filter(**{f"{used}__lt": F(most)}).update(**{used: F(used) + 1}) == 1
