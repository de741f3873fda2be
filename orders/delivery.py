"""Handing out what was approved: which files may leave, and a link for the family; `orders.archive` makes the zips."""

from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from orders import telling
from orders.models import Deliverable, Download, DownloadLink, Item, Objection, Order
from portal import audit
from portal.access import client_address
from portal.models import User, hash_token, new_token
from portal.notices import sending

REMIND_BEFORE, REMIND_HOUR = timedelta(days=4), 10
# What a link that was used up gets when staff open it again.
MORE_DOWNLOADS = 200


class NothingToDeliver(Exception):
    """No approved file of the order is finished yet."""


def ready_files(order: Order) -> QuerySet[Deliverable]:
    """What may leave: finished files of items that stand approved, made from the very bytes that were approved."""
    return (
        Deliverable.objects.filter(
            item__order=order,
            item__state=Item.State.APPROVED,
            approval__candidate__item=F("item"),
            approval__candidate__sha256=F("approval__sha256"),
        )
        .select_related("item", "approval__candidate")
        .order_by("item_id", "approval__candidate__number", "id")
    )


def family_files(order: Order) -> QuerySet[Deliverable]:
    """What a family's page offers; PDFs and the preview sheet are for the print shop."""
    return ready_files(order).exclude(variant__startswith="pdf-").exclude(variant="sheet")


def print_shop_files(order: Order) -> QuerySet[Deliverable]:
    wanted = Q(variant__startswith="print-") | Q(variant__startswith="pdf-") | Q(variant="sheet")
    return ready_files(order).filter(wanted)


def may_leave(order: Order) -> bool:
    """Whether anything of the order may be handed out now: with its consent, and while no relative objects."""
    return _is_given(order) and not order.is_paused


def _is_given(order: Order) -> bool:
    return not order.is_over and order.standing_consent is not None


def can_issue(order: Order) -> bool:
    return may_leave(order) and ready_files(order).exists()


def issue_link(
    order: Order, *, by: User | None, request: HttpRequest | None = None, recipient: str = "", pin: str = ""
) -> tuple[DownloadLink, str]:
    """A new link and its token, which is kept nowhere; ``pin``: digits that are asked for beside it.

    Raises NothingToDeliver.
    """
    with transaction.atomic():
        locked = Order.objects.select_for_update(of=("self",), no_key=True).select_related("home").get(pk=order.pk)
        if not can_issue(locked):
            raise NothingToDeliver
        now = timezone.now()
        expires_at = _end_for(locked, now)
        token = new_token()
        link = DownloadLink.objects.create(
            order=locked,
            token_hash=hash_token(token),
            created_by=by,
            created_at=now,
            expires_at=expires_at,
            remind_at=_remind_at(now, expires_at),
            recipient=recipient,
            pin_hash=make_password(pin) if pin else "",
        )
        Order.objects.filter(pk=order.pk, delivered_at=None).update(delivered_at=now)
        audit.record(
            "link.issued",
            by=by or "system",
            home=locked.home,
            subject=locked.code,
            request=request,
            link=str(link.code),
            until=link.expires_at.isoformat(),
            with_pin=bool(pin),
        )
    return link, token


def links_of(order: Order) -> QuerySet[DownloadLink]:
    """Every link of the order, newest first, each with what was taken by it."""
    return order.links.prefetch_related("log__deliverable")


def reopen_link(link: DownloadLink, *, by: User, request: HttpRequest | None = None) -> bool:
    """Open the same address again, for the home's days from now: ended, used up or locked. Not one that was closed."""
    with transaction.atomic():
        locked = Order.objects.select_for_update(of=("self",), no_key=True).select_related("home").get(pk=link.order_id)
        held = DownloadLink.objects.select_for_update().get(pk=link.pk)
        if held.revoked_at or not _is_given(locked) or not held.may_be_reopened:
            return False
        now = timezone.now()
        held.expires_at = max(held.expires_at, _end_for(locked, now))
        held.remind_at, held.reminded_at = _remind_at(now, held.expires_at), None
        held.wrong_tries = 0
        if held.is_used_up:
            held.max_downloads = held.downloads + MORE_DOWNLOADS
        held.save(update_fields=["expires_at", "remind_at", "reminded_at", "wrong_tries", "max_downloads"])
        audit.record(
            "link.reopened",
            by=by,
            home=locked.home,
            subject=locked.code,
            request=request,
            link=str(held.code),
            until=held.expires_at.isoformat(),
        )
    return True


def keep_to_procession(order: Order, before: datetime | None, *, by: User, request: HttpRequest | None = None) -> None:
    """Move the end of open links with 발인, now that it was entered or moved; for who holds the order's row.

    One whose end was set otherwise, because it was opened again or under another number of days, keeps it.
    """
    now = timezone.now()
    for link in order.links.filter(revoked_at=None, expires_at__gt=now):
        if link.expires_at != _end_after(link.created_at, before, order):
            continue
        link.expires_at = _end_after(link.created_at, order.procession_at, order)
        link.remind_at, link.reminded_at = _remind_at(now, link.expires_at), None
        link.save(update_fields=["expires_at", "remind_at", "reminded_at"])
        audit.record(
            "link.moved",
            by=by,
            home=order.home,
            subject=order.code,
            request=request,
            link=str(link.code),
            until=link.expires_at.isoformat(),
        )


def _end_for(order: Order, now: datetime) -> datetime:
    return _end_after(now, order.procession_at, order)


def _end_after(issued_at: datetime, procession_at: datetime | None, order: Order) -> datetime:
    # A link handed out before the funeral is open as long after it as any other.
    begins = max(issued_at, procession_at or issued_at)
    return _end_of_day(begins + timedelta(days=order.home.link_days))


def _remind_at(now: datetime, expires_at: datetime) -> datetime | None:
    """In the morning, some days before the end; None for what ends sooner."""
    day = timezone.localtime(expires_at) - REMIND_BEFORE
    morning = day.replace(hour=REMIND_HOUR, minute=0, second=0, microsecond=0)
    return morning if morning > now else None


def reminders_due() -> QuerySet[DownloadLink]:
    """Open links whose family is to be told now that they end soon; while a relative objects they wait."""
    now = timezone.now()
    open_still = DownloadLink.objects.filter(revoked_at=None, expires_at__gt=now, reminded_at=None, remind_at__lte=now)
    open_still = open_still.exclude(order__in=Objection.objects.standing().values("order"))
    return open_still.select_related("order__home")


def remind(link: DownloadLink) -> bool:
    """Tell the family once that a link ends soon, whoever asks how often; one word to an order's family is enough."""
    with transaction.atomic():
        order = Order.objects.select_for_update(of=("self",), no_key=True).select_related("home").get(pk=link.order_id)
        if not may_leave(order):
            return False
        mine = DownloadLink.objects.filter(pk=link.pk, reminded_at=None, revoked_at=None)
        if not mine.update(reminded_at=timezone.now()):
            return False
        lately = timezone.now() - timedelta(days=1)
        if order.links.exclude(pk=link.pk).filter(reminded_at__gt=lately).exists():
            return False
        return telling.tell_family(order, telling.GALLERY_ENDING, link=link, until=link.expires_at) is not None


def _end_of_day(moment: datetime) -> datetime:
    # "12월 23일까지" holds until that day is over.
    return timezone.localtime(moment).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def revoke_link(link: DownloadLink, *, by: User, request: HttpRequest | None = None) -> bool:
    """Close a link for ever; false if it was closed already."""
    with transaction.atomic():
        closed = link.close()
        if closed:
            sending.take_back(link.order.code, part=link.code)
            audit.record(
                "link.revoked",
                by=by,
                home=link.order.home,
                subject=link.order.code,
                request=request,
                link=str(link.code),
            )
    return closed


def open_link(token: str) -> DownloadLink | None:
    """The link of a token while it is open; expired, revoked and unknown ones are all None.

    One whose order is paused is open and gives nothing: its page says so.
    """
    link = DownloadLink.objects.filter(token_hash=hash_token(token)).select_related("order__home").first()
    return link if link and link.is_open and _is_given(link.order) else None


def record_visit(link: DownloadLink, request: HttpRequest) -> None:
    with transaction.atomic():
        link.count_visit()
        audit.record(
            "link.visited",
            by="family",
            home=link.order.home,
            subject=link.order.code,
            request=request,
            link=str(link.code),
        )


def record_download(link: DownloadLink, file: Deliverable | None, request: HttpRequest) -> bool:
    """Count and log one download of a file, or of everything; false when the link has no more to give."""
    with transaction.atomic():
        if not link.count_download():
            return False
        Download.objects.create(
            link=link,
            deliverable=file,
            address=client_address(request),
            user_agent=request.headers.get("User-Agent", "")[:255],
        )
        audit.record(
            "link.downloaded",
            by="family",
            home=link.order.home,
            subject=link.order.code,
            request=request,
            link=str(link.code),
            file=str(file.code) if file else "all",
        )
    return True
