"""Writing notices down, and sending those that are due."""

import logging
from functools import partial
from time import monotonic
from uuid import UUID

import django_rq
from django.core.signing import dumps
from django.db import transaction
from django.urls import reverse
from redis import RedisError

from portal import sealing
from portal.absolute import absolute_url
from portal.models import FuneralHome
from portal.notices import ways
from portal.notices.models import SEALED_FOR, Notice, NoticeStop, Way, address_hash, ended, masked
from portal.notices.words import read, written

log = logging.getLogger(__name__)

STOP_SALT = "portal.notices.stop"
# A sweep ends after this, so that a slow service does not hold the queue for long.
SWEEP_SECONDS = 60


def write(
    kind: str,
    *,
    way: str,
    address: str,
    context: dict[str, object],
    home: FuneralHome | None = None,
    subject: UUID | None = None,
    part: UUID | None = None,
    language: str = "ko",
) -> Notice:
    """A notice in the transaction in hand, sent once that is committed.

    ``address`` is an e-mail address or the digits of a phone number. One to whoever wants none is kept as unwanted.
    Raises TemplateDoesNotExist for a kind that is not sent that way.
    """
    hashed = address_hash(way, address)
    stop_url = stop_address(hashed)
    text = written(kind, way, language, context | {"stop_url": stop_url, "home": home})
    notice = Notice(
        home=home,
        subject=subject,
        part=part,
        kind=kind,
        way=way,
        language=language,
        address_hash=hashed,
        address_shown=masked(way, address),
        address_sealed=sealing.seal(address, purpose=SEALED_FOR),
        text_sealed=sealing.seal(text, purpose=SEALED_FOR),
    )
    if NoticeStop.objects.filter(address_hash=hashed).exists():
        for name, value in ended(Notice.State.UNWANTED).items():
            setattr(notice, name, value)
    notice.save()
    if notice.is_waiting:
        transaction.on_commit(partial(_wake, str(notice.code)))
    return notice


def take_back(subject: UUID, *, kinds: tuple[str, ...] | None = None, part: UUID | None = None) -> int:
    """Send nothing more about this, or about a part of it; returns how many were still waiting.

    One in a worker's hands may yet arrive.
    """
    waiting = Notice.objects.filter(subject=subject, state=Notice.State.WAITING)
    if kinds is not None:
        waiting = waiting.filter(kind__in=kinds)
    if part is not None:
        waiting = waiting.filter(part=part)
    return waiting.update(**ended(Notice.State.TAKEN_BACK))


def forget(subject: UUID) -> int:
    """Keep nothing that tells to whom notices about this went, once they have ended. Returns how many those were."""
    gone = Notice.objects.filter(subject=subject).exclude(state=Notice.State.WAITING)
    return gone.update(address_shown="", address_hash="")


def send_due() -> int:
    """Send what is due, oldest first; returns how many were tried. What a lost wake-up left behind is found here."""
    stop_at, tried = monotonic() + SWEEP_SECONDS, 0
    for notice in Notice.objects.due().order_by("try_at").iterator(chunk_size=20):
        tried += send(notice)
        if monotonic() > stop_at:
            break
    return tried


def send_one(code: str) -> bool:
    notice = Notice.objects.due().filter(code=code).first()
    return notice is not None and send(notice)


def send(notice: Notice) -> bool:
    """One try; false if somebody else has it. The service is asked outside of any transaction."""
    if not notice.hold():
        return False
    if NoticeStop.objects.filter(address_hash=notice.address_hash).exists():
        notice.end(Notice.State.UNWANTED)
        return True
    try:
        _hand_over(notice)
    except ways.Unavailable as failure:
        again = notice.try_again(str(failure))
        log.warning("notice %s not sent (%s), %s", notice.code, failure, "later again" if again else "given up")
    except (ways.Undeliverable, sealing.Unreadable) as failure:
        notice.end(Notice.State.GIVEN_UP, f"{type(failure).__name__}: {failure}"[:80])
        log.error("notice %s cannot be sent: %s", notice.code, failure)
    else:
        notice.end(Notice.State.SENT)
    return True


def stop_address(hashed: str) -> str:
    """Where whoever has that address says that they want no more."""
    return absolute_url(reverse("notice_stop", args=[dumps(hashed, salt=STOP_SALT)]))


def _hand_over(notice: Notice) -> None:
    address, text, key = notice.address, notice.text, notice.code.hex
    if notice.way == Way.EMAIL:
        said = read(text, notice.way)
        ways.send_email(address, said.title, said.text, key=key, stop_url=stop_address(notice.address_hash))
    else:
        ways.send_sms(address, text, key=key)


def _wake(code: str) -> None:
    try:
        django_rq.get_queue("portal").enqueue("portal.notices.sending.send_one", code, result_ttl=0)
    except RedisError as error:
        # The row is committed; the sweep finds it.
        log.warning("notice %s not queued: %s", code, type(error).__name__)
