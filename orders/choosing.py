"""The family chooses among portraits that a reviewer has looked at, or asks for others.

    to review ──offer──> offered ──choose──> approved, in the name of the reviewer who offered it
        ^                   ├──wish──> to review, with what the family asks for
        └───take_back───────┘

Every write holds the order's row, so of two relatives who choose at once one does. A home says whether its families
choose at all; a choice that never comes holds nobody up: a reviewer approves as ever, staff answer for the family.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import files, production, proofs, review
from orders.models import Approval, Candidate, FamilyAnswer, FamilyLink, Item, Order, Showing
from orders.products import PORTRAIT
from portal.access import client_address
from portal.models import User

LEAST, MOST = 2, 4


@dataclass(frozen=True)
class Wish:
    """What a family may ask for, and the options of the portrait that it means."""

    label: Promise
    options: Mapping[str, str]


WISHES: dict[str, Wish] = {
    "smile": Wish(gettext_lazy("더 웃는 얼굴"), {"expression": "gentle_smile"}),
    "hanbok": Wish(gettext_lazy("한복으로"), {"clothes": "hanbok"}),
    "as_photo": Wish(
        gettext_lazy("원본처럼"),
        {"clothes": "own", "expression": "as_photo", "hair": "as_photo", "glasses": "as_photo"},
    ),
}


def may_be_offered(item: Item) -> bool:
    return item.order.home.family_chooses and item.product_key == PORTRAIT.key and item.state == Item.State.TO_REVIEW


def offered_item(order: Order) -> Item | None:
    """The item that this order's family chooses about now."""
    return next((item for item in order.related("items") if item.offered_at), None)


def showings(item: Item) -> list[Showing]:
    """What the family may choose among, while it is offered."""
    if item.offered_at is None:
        return []
    shown = Showing.objects.filter(candidate__item=item, candidate__state=Candidate.State.READY)
    return list(shown.select_related("candidate", "reviewed_by"))


def wishes(item: Item) -> dict[str, Wish]:
    """Those that would change something."""
    now = item.product.clean(item.options)
    return {key: wish for key, wish in WISHES.items() if now | dict(wish.options) != now}


def pending_wish(item: Item) -> FamilyAnswer | None:
    """What the family asked for in this round and nobody has acted on."""
    if item.offered_at or item.state != Item.State.TO_REVIEW:
        return None
    last = item.answers.filter(round=item.round).first()
    return last if last and last.wish else None


def offer(item: Item, codes: Sequence[UUID], *, by: User, request: HttpRequest | None) -> int:
    """A reviewer says that these candidates are fit to be shown, each to be the approved one if it is chosen.

    How many they are. Raises review.Refused; what was offered before gives way to it.
    """
    try:
        with transaction.atomic():
            item = review.locked_item(item)
            review.demand_authority(item)
            if not may_be_offered(item):
                raise review.Refused(_("지금은 가족께 보일 수 없습니다. 새로 고쳐서 다시 보아 주세요."))
            chosen = list(item.candidates.filter(code__in=codes, state=Candidate.State.READY, approval=None))
            if not LEAST <= len(chosen) <= MOST or len(chosen) != len(set(codes)):
                raise review.Refused(_("가족께 보일 후보를 두 장에서 네 장까지 골라 주세요."))
            Showing.objects.filter(candidate__item=item).delete()
            for candidate in chosen:
                _show(candidate, item, by=by, request=request)
            Item.objects.filter(pk=item.pk).update(offered_at=timezone.now())
    except (files.BytesDiffer, FileNotFoundError) as error:
        raise review.Refused(
            _("파일이 만들어진 뒤에 바뀌었거나 없어져서 보이지 않았습니다. 운영 담당자에게 알려 주세요.")
        ) from error
    return len(chosen)


def _show(candidate: Candidate, item: Item, *, by: User, request: HttpRequest | None) -> None:
    files.verify(candidate.file, candidate.sha256)
    proof, width, height = proofs.make(candidate)
    Showing.objects.create(
        candidate=candidate, reviewed_by=by, sha256=candidate.sha256, proof=proof, width=width, height=height
    )
    sha256 = candidate.sha256
    review.record("candidate.offered", item, by=by, request=request, candidate=str(candidate.code), sha256=sha256)


def take_back(item: Item, *, by: User, request: HttpRequest | None) -> None:
    """It is the reviewer's turn again, and nothing may be chosen. Raises review.Refused."""
    with transaction.atomic():
        item = review.locked_item(item)
        _demand_offered(item)
        _end_offer(item)
        review.record("candidate.offer_ended", item, by=by, request=request)


def choose(
    item: Item, candidate: UUID | None, *, by: User | None, link: FamilyLink | None, request: HttpRequest | None
) -> Approval:
    """This one. By a family with its ``link``, or by staff to whom the family told it (``by``).

    The approval is that of the reviewer who offered it, of the very bytes. Raises review.Refused.
    """
    try:
        with transaction.atomic():
            item = review.locked_item(item)
            review.demand_authority(item)
            _demand_offered(item)
            showing = next((each for each in showings(item) if each.candidate.code == candidate), None)
            if showing is None:
                raise review.Refused(_("고르실 수 있는 사진이 아닙니다. 화면을 새로 열어 다시 골라 주세요."))
            _answer(item, by=by, link=link, request=request, candidate=showing.candidate)
            return review.approve_chosen(showing, item, by=by or "family", request=request)
    except production.NotReady as error:
        # What is made from the approved portrait cannot begin: the reviewer, who sees why, settles it.
        raise review.Refused(_("사진을 다시 살피고 있습니다. 조금 뒤에 이 주소를 다시 열어 주세요.")) from error
    except (files.BytesDiffer, FileNotFoundError) as error:
        # Written down although nothing was approved: it must not pass unnoticed.
        with transaction.atomic():
            item = review.locked_item(item)
            _end_offer(item)
            review.record("candidate.bytes_differ", item, by=by or "family", request=request, candidate=str(candidate))
        raise review.Refused(_("사진을 다시 살피고 있습니다. 조금 뒤에 이 주소를 다시 열어 주세요.")) from error


def wish(item: Item, key: str, *, link: FamilyLink, request: HttpRequest | None) -> None:
    """None of these, but so. It goes to the reviewer, whose turn it is then. Raises review.Refused."""
    with transaction.atomic():
        item = review.locked_item(item)
        review.demand_authority(item)
        _demand_offered(item)
        if key not in wishes(item):
            raise review.Refused(_("화면을 새로 열어 다시 골라 주세요."))
        _answer(item, by=None, link=link, request=request, wish=key)
        _end_offer(item)
        review.record("candidate.wished", item, by="family", request=request, wish=key)


def make_as_wished(item: Item, *, by: User, request: HttpRequest | None, after_round: int) -> bool:
    """Make new ones with what the family asked for. False if they are made already. Raises production.NotReady."""
    with transaction.atomic():
        item = review.locked_item(item)
        answer = pending_wish(item)
        if answer is None or item.round != after_round:
            return False
        options = item.product.clean(item.options | dict(WISHES[answer.wish].options))
        Item.objects.filter(pk=item.pk).update(options=options)
        return production.make_again(item, by=by, request=request, after_round=after_round)


def _answer(
    item: Item,
    *,
    by: User | None,
    link: FamilyLink | None,
    request: HttpRequest | None,
    candidate: Candidate | None = None,
    wish: str = "",
) -> None:
    if link is not None and not link.count_use():
        raise review.Refused(_("더 고르실 수 없는 주소입니다. 장례식장에 말씀해 주세요."))
    FamilyAnswer.objects.create(
        item=item,
        link=link,
        given_by=by,
        candidate=candidate,
        wish=wish,
        round=item.round,
        address=client_address(request) if request else None,
        user_agent=request.headers.get("User-Agent", "")[:255] if request else "",
    )


def _demand_offered(item: Item) -> None:
    if item.offered_at is None:
        raise review.Refused(_("이미 정해졌거나 다시 살피고 있습니다. 화면을 새로 열어 보아 주세요."))


def _end_offer(item: Item) -> None:
    Showing.objects.filter(candidate__item=item).delete()
    Item.objects.filter(pk=item.pk).update(offered_at=None)
    item.offered_at = None
