"""A person's judgement of what was made: approve, reject, send back, and take an approval back.

Nothing reaches a family without an `Approval`: a name, a time and the SHA-256 of the very bytes, read from the disk
at that moment. Every write locks the order's row first (`production.locked`), so of two reviewers one decides.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from orders import authority, files, finishing, production, returns, sources, tasks
from orders.models import Approval, Candidate, Item, Order, Showing
from portal import audit
from portal.models import User


class Refused(Exception):
    """Why it cannot be done, in a sentence for the reviewer."""


def approve(candidates: Sequence[Candidate], *, by: User, request: HttpRequest | None) -> list[Approval]:
    """Say yes to these candidates of one item, all or none; one that the item already has approved is kept as it is.

    Raises Refused, above all where the bytes on disk are not those that were made.
    """
    try:
        with transaction.atomic():
            return _approve(candidates, by=by, request=request)
    except (files.BytesDiffer, FileNotFoundError) as error:
        # Written down although nothing was approved: it must not pass unnoticed.
        with transaction.atomic():
            item = candidates[0].item
            record("candidate.bytes_differ", item, by=by, request=request, candidates=[str(c.code) for c in candidates])
        changed = _("파일이 만들어진 뒤에 바뀌었거나 없어져서 승인하지 않았습니다. 운영 담당자에게 알려 주세요.")
        raise Refused(changed) from error


def _approve(candidates: Sequence[Candidate], *, by: User, request: HttpRequest | None) -> list[Approval]:
    item = locked_item(candidates[0].item)
    demand_authority(item)
    fresh = list(item.candidates.filter(pk__in=[c.pk for c in candidates]).select_related("approval", "job"))
    given = [candidate for candidate in fresh if hasattr(candidate, "approval")]
    new = [candidate for candidate in fresh if candidate not in given]
    if not new:
        return [candidate.approval for candidate in given]
    demand_state(item, Item.State.TO_REVIEW)
    if any(candidate.state != Candidate.State.READY for candidate in new):
        raise Refused(_("승인할 수 있는 그림이 아닙니다. 새로 고쳐서 다시 보아 주세요."))
    if _approved_count(item) + len(new) > item.product.picks:
        raise Refused(_("승인할 수 있는 장수를 넘습니다. 먼저 승인한 것을 되돌려 주세요."))
    if not all(sources.stands(candidate) for candidate in new):
        raise Refused(_("이 영상의 바탕이 된 영정사진은 지금 승인된 것이 아닙니다. 다시 만들어 주세요."))
    approvals = [_approve_one(candidate, item, by=by, reviewer=by, request=request) for candidate in new]
    if _approved_count(item) == item.product.picks:
        item.move(Item.State.TO_REVIEW, to=Item.State.APPROVED)
        if item.product_key == "portrait":
            production.portrait_approved(item.order, by=by, request=request)
    return approvals


def _approve_one(
    candidate: Candidate, item: Item, *, by: User | str, reviewer: User, request: HttpRequest | None
) -> Approval:
    files.verify(candidate.file, candidate.sha256)
    approval = Approval.objects.create(candidate=candidate, approved_by=reviewer, sha256=candidate.sha256)
    record(
        "candidate.approved",
        item,
        by=by,
        request=request,
        candidate=str(candidate.code),
        sha256=candidate.sha256,
        reviewer=str(reviewer.code),
    )
    finishing.begin(approval)
    tasks.after_commit("finish", approval.pk)
    return approval


def approve_chosen(showing: Showing, item: Item, *, by: User | str, request: HttpRequest | None) -> Approval:
    """Make the approval that a reviewer gave beforehand, now that the family chose; for who holds the order's row.

    Raises files.BytesDiffer or FileNotFoundError where the bytes are not those that the reviewer saw.
    """
    candidate = showing.candidate
    if candidate.sha256 != showing.sha256:
        raise files.BytesDiffer(candidate.file, showing.sha256, candidate.sha256)
    approval = _approve_one(candidate, item, by=by, reviewer=showing.reviewed_by, request=request)
    item.move(Item.State.TO_REVIEW, to=Item.State.APPROVED)
    production.portrait_approved(item.order, by=by, request=request)
    return approval


def approve_as_it_is(item: Item, *, by: User, request: HttpRequest | None) -> None:
    """End the review with fewer pictures than the product promises: a reviewer's deliberate choice. Raises Refused."""
    with transaction.atomic():
        item = locked_item(item)
        demand_authority(item)
        demand_state(item, Item.State.TO_REVIEW)
        approved = _approved_count(item)
        if not approved:
            raise Refused(_("승인한 그림이 없습니다. 한 장 이상 승인해 주세요."))
        item.move(Item.State.TO_REVIEW, to=Item.State.APPROVED)
        record("item.approved_short", item, by=by, request=request, approved=approved, promised=item.product.picks)


def undo(approval: Approval, *, by: User, request: HttpRequest | None) -> None:
    """Take an approval back, with all that was made of it, until the family has first opened a link. Raises Refused."""
    with transaction.atomic():
        item = locked_item(approval.candidate.item)
        held = (
            Approval.objects.select_for_update(of=("self",)).select_related("candidate").filter(pk=approval.pk).first()
        )
        if held is None:
            raise Refused(_("이미 되돌린 승인입니다."))
        if item.order.is_on_hold:
            raise Refused(_("법적 보존이 걸려 있어 승인을 되돌릴 수 없습니다. 되돌리면 만든 파일이 지워집니다."))
        if was_seen(item.order):
            raise Refused(_("가족이 이미 전달 링크를 열었으므로 승인을 되돌릴 수 없습니다."))
        held.candidate.item = item
        if sources.is_approved_from(held.candidate):
            raise Refused(_("이 영정사진으로 만든 영상이 승인되어 있습니다. 영상의 승인을 먼저 되돌려 주세요."))
        made = finishing.files_of(held)
        finishing.stop(held)
        held.deliverables.all().delete()
        held.delete()
        item.move(Item.State.APPROVED, to=Item.State.TO_REVIEW)
        production.portrait_taken_back(held.candidate, by=by, request=request)
        record("approval.undone", item, by=by, request=request, candidate=str(held.candidate.code), sha256=held.sha256)
        transaction.on_commit(lambda: files.remove(*made))


def reject(candidate: Candidate, *, by: User, reason: str, request: HttpRequest | None) -> None:
    """Set a candidate aside. Raises Refused."""
    _set_aside(candidate, Candidate.State.READY, Candidate.State.REJECTED, reason, by=by, request=request)


def restore(candidate: Candidate, *, by: User, request: HttpRequest | None) -> None:
    """Bring back one that was set aside. Raises Refused."""
    _set_aside(candidate, Candidate.State.REJECTED, Candidate.State.READY, "", by=by, request=request)


def _set_aside(
    candidate: Candidate, source: str, state: str, reason: str, *, by: User, request: HttpRequest | None
) -> None:
    with transaction.atomic():
        item = locked_item(candidate.item)
        demand_state(item, Item.State.TO_REVIEW)
        free = item.candidates.filter(pk=candidate.pk, state=source, approval=None)
        if not free.update(state=state, reject_reason=reason):
            raise Refused(_("그 사이에 다른 분이 정했습니다. 새로 고쳐서 다시 보아 주세요."))
        action = "candidate.rejected" if state == Candidate.State.REJECTED else "candidate.restored"
        record(action, item, by=by, request=request, candidate=str(candidate.code))


def send_back(item: Item, *, by: User, reason: str, request: HttpRequest | None) -> None:
    """Give the item back to staff with a reason; what is still being made of it stops. Raises Refused."""
    if not reason.strip():
        raise Refused(_("돌려보내는 까닭을 적어 주세요."))
    with transaction.atomic():
        item = locked_item(item)
        demand_state(item, Item.State.TO_REVIEW, Item.State.PRODUCING)
        production.stop_jobs(item)
        production.send_back(item, returns.BY_REVIEWER, reason.strip())
        # Their words stand with the item and go with it; the audit outlives it.
        record("item.returned", item, by=by, request=request)


def was_seen(order: Order) -> bool:
    """Whether a family has opened a link of this order."""
    return order.links.filter(Q(visits__gt=0) | Q(downloads__gt=0)).exists()


def locked_item(item: Item) -> Item:
    """The item as it is now, under the order's lock, with the locked order on it."""
    order = production.locked(item.order)
    fresh = Item.objects.get(pk=item.pk)
    fresh.order = order
    return fresh


def demand_authority(item: Item) -> None:
    """Raises Refused where nothing of the order may be approved now."""
    if not authority.has_authority(item.order):
        raise Refused(_("동의가 철회되었거나 의뢰가 취소되어 승인할 수 없습니다."))
    if item.order.is_paused:
        raise Refused(_("유가족의 이의가 있어 승인을 멈추었습니다. 장례식장에서 정리하면 이어 갈 수 있습니다."))


def demand_state(item: Item, *states: str) -> None:
    """Raises Refused where the item is in none of these."""
    if item.state not in states:
        raise Refused(_("그 사이에 상태가 바뀌었습니다: %(state)s") % {"state": item.get_state_display()})


def _approved_count(item: Item) -> int:
    return Approval.objects.filter(candidate__item=item).count()


def record(action: str, item: Item, *, by: User | str, request: HttpRequest | None, **details: Any) -> None:
    """An audit entry about an item."""
    details["product"] = item.product_key
    audit.record(action, by=by, home=item.order.home, subject=item.order.code, request=request, **details)
