"""One notice to one person, from the wish to tell them until it was sent or given up."""

import uuid
from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal import sealing

SEALED_FOR = "notice"


class Way(models.TextChoices):
    EMAIL = "email", _("이메일")
    SMS = "sms", _("문자")


def address_hash(way: str, address: str) -> str:
    """What an address is known by once it is forgotten."""
    return sealing.fingerprint(f"{way}:{address}", purpose="notice address")


def masked(way: str, address: str) -> str:
    """Enough to recognise an address one knows: ``ki…@example.com``, ``010-…-5678``."""
    if way == Way.EMAIL:
        name, _at, domain = address.partition("@")
        return f"{name[:2]}…@{domain}"
    return f"{address[:3]}-…-{address[-4:]}"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def due(self) -> Self:
        """Waiting, its time come, and in no worker's hands."""
        now = timezone.now()
        free = Q(held_until=None) | Q(held_until__lte=now)
        return self.filter(free, state=Notice.State.WAITING, try_at__lte=now)


class Notice(models.Model):
    """waiting → sent | given_up | unwanted | taken_back

    Address and text are sealed while it waits (the text may hold a link's token) and gone when it has ended.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("보내는 중")
        SENT = "sent", _("보냈습니다")
        GIVEN_UP = "given_up", _("보내지 못했습니다")
        UNWANTED = "unwanted", _("수신을 거부하신 분입니다")
        TAKEN_BACK = "taken_back", _("보내지 않기로 했습니다")

    # Before the second try, the third, …; after the last one it is given up, most of a day later.
    WAITS = tuple(timedelta(seconds=each) for each in (60, 300, 1200, 3600, 3 * 3600, 6 * 3600, 8 * 3600))
    # A worker that died while sending lets go after this; longer than both ways' timeouts.
    HELD_FOR = timedelta(minutes=2)

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    home = models.ForeignKey("portal.FuneralHome", models.CASCADE, null=True, related_name="+")
    # Code of what it is about, e.g. of an order.
    subject = models.UUIDField(null=True)
    # Code of what of it, e.g. of a link.
    part = models.UUIDField(null=True)
    # Names its templates, e.g. "upload_link".
    kind = models.SlugField(max_length=40)
    way = models.CharField(max_length=5, choices=Way.choices)
    language = models.CharField(max_length=5, default="ko")
    address_sealed = models.TextField(blank=True)
    address_hash = models.CharField(max_length=64)
    address_shown = models.CharField(max_length=120)
    # With an e-mail's title as its first line.
    text_sealed = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    # The kind of the last failure, e.g. "SMTPServerDisconnected"; nothing that a person wrote.
    trouble = models.CharField(max_length=80, blank=True)
    try_at = models.DateTimeField(default=timezone.now)
    held_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["subject", "-created_at"]),
            models.Index(fields=["try_at"], condition=Q(state="waiting"), name="notice_waiting"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", ended_at=None)
                | (~Q(state="waiting") & Q(address_sealed="", text_sealed="", ended_at__isnull=False)),
                name="notice_forgets_when_ended",
            ),
        ]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def address(self) -> str:
        return sealing.unseal(self.address_sealed, purpose=SEALED_FOR)

    @property
    def text(self) -> str:
        return sealing.unseal(self.text_sealed, purpose=SEALED_FOR)

    @property
    def is_waiting(self) -> bool:
        return self.state == self.State.WAITING

    def hold(self) -> bool:
        """Take it in hand for one try; false when another worker has it or it has ended."""
        taken = Notice.objects.due().filter(pk=self.pk, tries=self.tries)
        self.tries += 1
        return taken.update(held_until=timezone.now() + self.HELD_FOR, tries=self.tries) == 1

    def end(self, state: State, trouble: str = "") -> bool:
        """Close it and forget where it went and what it said; false if it has ended meanwhile."""
        return self._in_hand().update(**ended(state), trouble=trouble) == 1

    def try_again(self, trouble: str) -> bool:
        """Let go until its next try; given up, and false, when that was the last."""
        if self.tries > len(self.WAITS):
            self.end(self.State.GIVEN_UP, trouble)
            return False
        wait = self.WAITS[self.tries - 1]
        return self._in_hand().update(held_until=None, try_at=timezone.now() + wait, trouble=trouble) == 1

    def _in_hand(self) -> NoticeQuerySet:
        # Tries are counted when it is taken in hand: a worker that woke up late no longer has the number.
        return Notice.objects.filter(pk=self.pk, state=self.State.WAITING, tries=self.tries)


def ended(state: str) -> dict[str, object]:
    """The fields of a notice that ends so."""
    return {
        "state": state,
        "ended_at": timezone.now(),
        "held_until": None,
        "address_sealed": "",
        "text_sealed": "",
    }


class NoticeStop(models.Model):
    """An address that wants no more notices; the address itself is not kept."""

    address_hash = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.address_hash[:12]
