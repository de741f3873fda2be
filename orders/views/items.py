"""What staff do with one product of an order that was submitted."""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from orders import choosing, production, review
from orders.access import get_item
from orders.models import Item
from portal import given
from portal.access import asker, for_roles

# Does it, and says what was done; empty where somebody else already had.
Act = Callable[[HttpRequest, Item], str]


def of_an_order(act: Act) -> Callable[..., HttpResponseBase]:
    """A form on the order's page: done for the item of that very order, what came of it said there."""

    @for_roles("staff", "manager")
    @require_POST
    @wraps(act)
    def view(request: HttpRequest, code: UUID, item_code: UUID) -> HttpResponse:
        item = get_item(asker(request), item_code)
        if item.order.code != code:
            raise Http404
        try:
            if said := act(request, item):
                messages.success(request, said)
        except production.NotReady as not_ready:
            messages.error(request, " ".join(not_ready.reasons))
        except review.Refused as refused:
            messages.error(request, str(refused))
        return redirect("orders:order", code=code)

    return view


@of_an_order
def item_again(request: HttpRequest, item: Item) -> str:
    """Send what came back to the fleet again, with the photos as they are now."""
    seen = given.whole(request.POST.get("round", ""), digits=4)
    after = item.round if seen is None else seen
    if not production.resubmit(item, by=asker(request), request=request, after_round=after):
        return ""
    return _("%(product)s 제작을 다시 맡겼습니다.") % {"product": item.product.label}


@of_an_order
def item_from_photo(request: HttpRequest, item: Item) -> str:
    """Make a video from the photo after all, rather than wait for the portrait."""
    if not production.make_from_photo(item, by=asker(request), request=request):
        return ""
    return _("받은 사진으로 만들기 시작합니다.")


@of_an_order
def item_choose(request: HttpRequest, item: Item) -> str:
    """Staff answer for a family that told them which one: `choice`, one of those that a reviewer offered."""
    chosen = given.code(request.POST.get("choice", ""))
    if chosen is None:
        raise review.Refused(_("정하실 사진을 골라 주세요."))
    choosing.choose(item, chosen, by=asker(request), link=None, request=request)
    return _("가족의 선택을 기록했습니다. 마무리를 시작합니다.")
