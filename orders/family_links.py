"""Links by which a family sends photos, agrees or chooses: what is offered, handing one out, opening it, closing it.

The address is /f/<token>/…, one page for each purpose. A purpose that gets a page gets its `Offer` here, and staff find
it on the order's page. `orders.views.family.with_family_link` guards the pages.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders import production
from orders.models import FamilyLink, Order
from orders.models.order_state import missing_consent
from portal import audit
from portal.models import User, hash_token, new_token
from portal.notices import sending

Purpose = FamilyLink.Purpose


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One thing a family may be asked for: ``words`` say to staff what for, ``handed`` what the issued link does."""

    purpose: Purpose
    title: Promise
    words: Promise
    handed: Promise
    # What a printed QR says it is for; it may lie on a counter.
    on_paper: Promise
    # Name of the page's address, which takes the token.
    route: str
    lasts: timedelta
    max_uses: int
    # Whether a new link makes sense for this order as it stands.
    fits: Callable[[Order], bool]


OFFERS: dict[str, Offer] = {
    offer.purpose: offer
    for offer in (
        Offer(
            purpose=Purpose.UPLOAD,
            title=_("가족이 사진 올리기"),
            words=_("가족이 휴대전화에서 원본 사진을 바로 올립니다. 카카오톡으로 받은 사진보다 또렷합니다."),
            handed=_("가족이 이 주소에서 사진을 올리면 의뢰 화면에 바로 나타납니다."),
            on_paper=_("사진을 올리실 수 있습니다."),
            route="orders:family_upload",
            lasts=timedelta(days=3),
            max_uses=20,
            fits=lambda order: order.takes_photos,
        ),
        Offer(
            purpose=Purpose.CONSENT,
            title=_("가족이 동의하기"),
            words=_("상주께서 휴대전화에서 문구를 읽고 손가락으로 서명하십니다. 한 분이 한 번 쓰는 주소입니다."),
            handed=_("상주께서 동의하시면 의뢰 화면에 바로 나타납니다. 뒤에 같은 주소에서 철회하실 수도 있습니다."),
            on_paper=_("동의서를 읽고 서명하실 수 있습니다."),
            route="orders:family_consent",
            # To agree by; who has agreed may take it back by the same link for as long as there is anything to erase.
            lasts=timedelta(days=30),
            max_uses=1,
            fits=lambda order: any(missing_consent(order)),
        ),
        Offer(
            purpose=Purpose.CHOICE,
            title=_("가족이 고르기"),
            words=_("검수를 마친 후보를 가족이 보고 한 장을 고르거나, 바라는 점을 눌러 전합니다."),
            handed=_("가족이 이 주소에서 한 장을 고르면 마무리를 시작합니다. 후보에는 확인용 표시가 들어 있습니다."),
            on_paper=_("준비된 사진 가운데 한 장을 고르실 수 있습니다."),
            route="orders:family_choice",
            lasts=timedelta(days=3),
            max_uses=10,
            fits=lambda order: any(item.offered_at for item in order.related("items")),
        ),
    )
}


class NotOffered(Exception):
    """The order, as it stands, has no use for such a link."""


def issue(
    order: Order,
    purpose: str,
    *,
    by: User,
    request: HttpRequest | None,
    lasts: timedelta | None = None,
    max_uses: int | None = None,
) -> tuple[FamilyLink, str]:
    """A new link and its token, which is kept nowhere. Raises NotOffered."""
    offer = OFFERS.get(purpose)
    with transaction.atomic():
        order = production.locked(order)
        if offer is None or order.is_over or not offer.fits(order):
            raise NotOffered
        token = new_token()
        link = FamilyLink.objects.create(
            order=order,
            purpose=offer.purpose,
            token_hash=hash_token(token),
            created_by=by,
            expires_at=timezone.now() + (lasts or offer.lasts),
            max_uses=max_uses or offer.max_uses,
        )
        _record("family_link.issued", link, by=by, request=request, until=link.expires_at.isoformat())
    return link, token


def path_of(link: FamilyLink, token: str) -> str:
    return reverse(OFFERS[link.purpose].route, args=[token])


def opened(token: str, purpose: str) -> FamilyLink:
    """The link of a token whose page opens, with its order and home. Http404 alike for any other."""
    links = FamilyLink.objects.select_related("order__home")
    link = links.filter(token_hash=hash_token(token), purpose=purpose).first()
    if link is None or not link.opens or link.order.is_over:
        raise Http404
    return link


def record_visit(link: FamilyLink, request: HttpRequest) -> None:
    with transaction.atomic():
        link.count_visit()
        _record("family_link.visited", link, by="family", request=request)


def revoke(link: FamilyLink, *, by: User | str, request: HttpRequest | None) -> bool:
    """Close a link for ever; false if it was closed already."""
    with transaction.atomic():
        closed = link.close()
        if closed:
            sending.take_back(link.order.code, part=link.code)
            _record("family_link.revoked", link, by=by, request=request)
    return closed


@dataclass(frozen=True)
class Panel:
    """What staff see of one purpose: its open links, and whether a new one may be made."""

    offer: Offer
    links: list[FamilyLink]
    may_issue: bool

    @property
    def state(self) -> list[Any]:
        """All of it that may change while the page is open."""
        told = [(link.code, link.visits, link.uses, link.no_space_at) for link in self.links]
        return [self.offer.purpose, self.may_issue, told]


def panels(order: Order) -> list[Panel]:
    """Each purpose there is anything to say of, in one query."""
    links = [link for link in order.related("family_links") if link.opens and not order.is_over]
    return [panel for offer in OFFERS.values() if (panel := _panel(order, offer, links))]


def awaits_photos(order: Order) -> bool:
    """Whether a family may send a photo at any moment."""
    links = order.related("family_links")
    return order.takes_photos and any(link.is_open and link.purpose == Purpose.UPLOAD for link in links)


def _panel(order: Order, offer: Offer, links: Iterable[FamilyLink]) -> Panel | None:
    mine = [link for link in links if link.purpose == offer.purpose]
    may_issue = not order.is_over and offer.fits(order)
    return Panel(offer, mine, may_issue) if mine or may_issue else None


def _record(action: str, link: FamilyLink, *, by: User | str, request: HttpRequest | None, **details: str) -> None:
    order = link.order
    audit.record(
        action,
        by=by,
        home=order.home,
        subject=order.code,
        request=request,
        link=str(link.code),
        purpose=link.purpose,
        **details,
    )
