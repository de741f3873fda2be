"""What waits for a reviewer, across homes, the most urgent first."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.utils.http import urlencode

from orders.models import Candidate, Item, Order
from orders.products import PRODUCTS
from portal import given
from portal.models import FuneralHome, User

STATES = (Item.State.TO_REVIEW, Item.State.PRODUCING, Item.State.RETURNED, Item.State.APPROVED)
MOST_ROWS = 100


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the address asks for; what it asks for in vain is left out."""

    state: str = Item.State.TO_REVIEW.value
    product: str = ""
    home: UUID | None = None
    words: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filters":
        state, product = query.get("state", ""), query.get("product", "")
        return cls(
            state=state if state in STATES else Item.State.TO_REVIEW.value,
            product=product if product in PRODUCTS else "",
            home=given.code(query.get("home", "")),
            words=query.get("q", "").strip()[:60],
        )

    def address(self, **changes: str) -> str:
        """The query string for these filters with some of them changed; empty for the plain queue."""
        said = {"state": self.state, "product": self.product, "home": str(self.home or ""), "q": self.words, **changes}
        if said["state"] == Item.State.TO_REVIEW:
            said["state"] = ""
        return urlencode({key: value for key, value in said.items() if value})

    def counts(self, user: User) -> dict[str, int]:
        """How many items are in each state, the other filters applied."""
        return Counter(self._of_every_state(user).order_by().values_list("state", flat=True))

    def items(self, user: User) -> QuerySet[Item]:
        """In the order they are needed; what is done or sent back, the latest first."""
        items = self._of_every_state(user).filter(state=self.state)
        if self.state in (Item.State.APPROVED, Item.State.RETURNED):
            return items.order_by("-changed_at", "-pk")
        # What the family is choosing about waits for nobody here.
        mine_first = F("offered_at").asc(nulls_first=True)
        return items.order_by(mine_first, F("order__needed_at").asc(nulls_last=True), "order_id", "pk")

    def _of_every_state(self, user: User) -> QuerySet[Item]:
        orders = Order.objects.for_user(user).filter(cancelled_at=None, erased_at=None)
        if self.home:
            orders = orders.filter(home__code=self.home)
        if self.words:
            orders = orders.search(self.words)
        items = Item.objects.filter(order__in=orders, state__in=STATES)
        return items.filter(product_key=self.product) if self.product else items


def rows(items: QuerySet[Item]) -> list[Item]:
    """With all that a row shows, in three queries: order, home, photos, `ready_count` and `being_made`."""
    ready = Q(candidates__round=F("round"), candidates__state=Candidate.State.READY)
    making = Candidate.objects.filter(state=Candidate.State.PRODUCING)
    shown = items.select_related("order__home").annotate(ready_count=Count("candidates", filter=ready))
    shown = shown.prefetch_related("order__photos", Prefetch("candidates", queryset=making, to_attr="being_made"))
    return list(shown[:MOST_ROWS])


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an item stands in a queue, counted from 1 (0 when it left the queue), and its neighbours."""

    number: int
    total: int
    before: UUID | None
    after: UUID | None


def place_of(item: Item, items: QuerySet[Item]) -> Place:
    codes = list(items.values_list("code", flat=True))
    if item.code not in codes:
        return Place(number=0, total=len(codes), before=None, after=codes[0] if codes else None)
    at = codes.index(item.code)
    return Place(
        number=at + 1,
        total=len(codes),
        before=codes[at - 1] if at else None,
        after=codes[at + 1] if at + 1 < len(codes) else None,
    )


def waiting() -> int:
    """How many items wait for a reviewer, whatever is filtered."""
    mine = Item.objects.filter(state=Item.State.TO_REVIEW, offered_at=None)
    return mine.filter(order__cancelled_at=None, order__erased_at=None).count()


def homes_with_work() -> QuerySet[FuneralHome]:
    return FuneralHome.objects.filter(orders__submitted_at__isnull=False).distinct()
