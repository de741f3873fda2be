"""The reviewer's pages: what waits, one item beside its photo, and each decision as a form of its own."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from orders import choosing, looking, production, review, review_queue
from orders.access import get_item
from orders.models import Approval, Candidate, Item
from orders.products import PRODUCTS
from orders.review_page import Page, queue_rows
from orders.review_queue import Filters
from portal import given
from portal.access import asker, for_roles
from portal.live import fragment, version_of
from portal.models import User

for_reviewers = for_roles(User.Role.REVIEWER)
# Sentences for staff, said as they stand.
PRESETS = (
    gettext_lazy("얼굴이 작거나 흐립니다. 더 크고 또렷한 사진을 부탁드립니다."),
    gettext_lazy("다른 각도의 사진이 필요합니다. 정면에 가까운 사진을 부탁드립니다."),
    gettext_lazy("어느 분인지 분명하지 않습니다. 사진에서 고인을 표시해 주세요."),
    gettext_lazy("바라시는 점을 가족께 다시 여쭈어 주세요."),
)
Decision = Callable[[HttpRequest, Item], str]


@require_GET
@for_reviewers
def review_queue_page(request: HttpRequest) -> HttpResponse:
    choices = {"homes": review_queue.homes_with_work(), "products": PRODUCTS.values()}
    return render(request, "review/queue.html", _queue(request) | choices)


@require_GET
@for_reviewers
def review_queue_live(request: HttpRequest) -> HttpResponseBase:
    context = _queue(request)
    return fragment(request, "review/_rows.html", context, version=context["version"])


def _queue(request: HttpRequest) -> dict[str, Any]:
    filters = Filters.read(request.GET)
    counts = filters.counts(asker(request))
    rows = queue_rows(filters.items(asker(request)))
    looking.note_list("review.read", [row.item.order for row in rows], request)
    return {
        "filters": filters,
        "address": filters.address(),
        "chips": [
            {"state": state, "label": Item.State(state).label, "count": counts.get(state, 0), "address": address}
            for state, address in ((state, filters.address(state=state)) for state in review_queue.STATES)
        ],
        "review_waiting": review_queue.waiting(),
        "rows": rows,
        "is_cut": len(rows) == review_queue.MOST_ROWS,
        "version": version_of(counts, [row.state for row in rows]),
    }


@require_GET
@for_reviewers
def review_item(request: HttpRequest, code: UUID) -> HttpResponse:
    return render(request, "review/item.html", _item(request, code))


@require_GET
@for_reviewers
def review_item_live(request: HttpRequest, code: UUID) -> HttpResponseBase:
    context = _item(request, code)
    return fragment(request, "review/_judging.html", context, version=context["version"])


def _item(request: HttpRequest, code: UUID) -> dict[str, Any]:
    item = get_item(asker(request), code)
    looking.note("order.read", item.order, request)
    filters = Filters.read(request.GET)
    page = Page.of(item)
    waiting = filters.items(asker(request))
    return {
        "item": item,
        "order": item.order,
        "page": page,
        "place": review_queue.place_of(item, waiting),
        "address": filters.address(),
        "presets": PRESETS,
        "review_waiting": review_queue.waiting(),
        "here": "review",
        "version": version_of(page.state),
    }


def _decide(request: HttpRequest, code: UUID, decision: Decision) -> HttpResponseRedirect:
    """Carry a decision out, say what was done, and go on: to the next item when this one left the queue."""
    item = get_item(asker(request), code)
    filters = Filters.read(request.GET)
    place = review_queue.place_of(item, filters.items(asker(request)))
    after = place.after or place.before
    here = _with_filters(reverse("orders:review_item", args=[item.code]), filters)
    try:
        said = decision(request, item)
    except (review.Refused, production.NotReady) as refusal:
        messages.error(request, str(refusal))
        return redirect(here)
    item.refresh_from_db()
    if item.state == filters.state or filters.state != Item.State.TO_REVIEW:
        messages.success(request, said)
        return redirect(here)
    back = format_html('<a href="{}">{}</a>', here, _("다시 보기"))
    messages.success(request, format_html("{} {}", said, back))
    if after is None:
        return redirect(_with_filters(reverse("orders:review_queue"), filters))
    return redirect(_with_filters(reverse("orders:review_item", args=[after]), filters))


def _with_filters(address: str, filters: Filters) -> str:
    query = filters.address()
    return f"{address}?{query}" if query else address


def _title(item: Item) -> str:
    return _("%(person)s의 %(product)s") % {"person": item.order.person, "product": item.product.label}


@require_POST
@for_reviewers
def review_approve(request: HttpRequest, code: UUID) -> HttpResponseBase:
    def approve(request: HttpRequest, item: Item) -> str:
        candidate = _candidate(request, item)
        review.approve([candidate], by=asker(request), request=request)
        return _("%(title)s %(number)d번을 승인했습니다.") % {"title": _title(item), "number": candidate.number}

    return _decide(request, code, approve)


@require_POST
@for_reviewers
def review_approve_all(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """Every candidate of the round that nobody decided about yet."""

    def approve_all(request: HttpRequest, item: Item) -> str:
        undecided = list(item.current_candidates.filter(state="ready", approval=None))
        if not undecided:
            raise review.Refused(_("승인할 그림이 남아 있지 않습니다."))
        review.approve(undecided, by=asker(request), request=request)
        return _("%(title)s %(count)d장을 승인했습니다.") % {"title": _title(item), "count": len(undecided)}

    return _decide(request, code, approve_all)


@require_POST
@for_reviewers
def review_settle(request: HttpRequest, code: UUID) -> HttpResponseBase:
    def settle(request: HttpRequest, item: Item) -> str:
        review.approve_as_it_is(item, by=asker(request), request=request)
        return _("%(title)s 검수를 마쳤습니다.") % {"title": _title(item)}

    return _decide(request, code, settle)


@require_POST
@for_reviewers
def review_undo(request: HttpRequest, code: UUID) -> HttpResponseBase:
    def undo(request: HttpRequest, item: Item) -> str:
        approvals = Approval.objects.select_related("candidate__item__order").filter(candidate__item=item)
        approval = get_object_or_404(approvals, candidate__code=given.code(request.POST.get("candidate", "")))
        review.undo(approval, by=asker(request), request=request)
        return _("승인을 되돌렸습니다.")

    return _decide(request, code, undo)


@require_POST
@for_reviewers
def review_reject(request: HttpRequest, code: UUID) -> HttpResponseBase:
    def reject(request: HttpRequest, item: Item) -> str:
        candidate = _candidate(request, item)
        review.reject(candidate, by=asker(request), reason=_said(request, "reason")[:500], request=request)
        return _("%(number)d번을 뺐습니다.") % {"number": candidate.number}

    return _decide(request, code, reject)


@require_POST
@for_reviewers
def review_restore(request: HttpRequest, code: UUID) -> HttpResponseBase:
    def restore(request: HttpRequest, item: Item) -> str:
        candidate = _candidate(request, item)
        review.restore(candidate, by=asker(request), request=request)
        return _("%(number)d번을 다시 넣었습니다.") % {"number": candidate.number}

    return _decide(request, code, restore)


@require_POST
@for_reviewers
def review_return(request: HttpRequest, code: UUID) -> HttpResponseBase:
    def send_back(request: HttpRequest, item: Item) -> str:
        reason = " ".join(filter(None, (_said(request, "preset"), _said(request, "reason"))))[:1000]
        review.send_back(item, by=asker(request), reason=reason, request=request)
        return _("%(title)s 의뢰를 담당자에게 돌려보냈습니다.") % {"title": _title(item)}

    return _decide(request, code, send_back)


@require_POST
@for_reviewers
def review_again(request: HttpRequest, code: UUID) -> HttpResponseBase:
    def again(request: HttpRequest, item: Item) -> str:
        if not production.make_again(item, by=asker(request), request=request, after_round=_round(request)):
            raise review.Refused(_("이미 다시 만들고 있습니다."))
        return _("%(title)s 후보를 다시 만들기 시작했습니다.") % {"title": _title(item)}

    return _decide(request, code, again)


@require_POST
@for_reviewers
def review_offer(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """`show`: the candidates that the family may choose among."""

    def offer(request: HttpRequest, item: Item) -> str:
        codes = [code for text in request.POST.getlist("show") if (code := given.code(text))]
        count = choosing.offer(item, codes, by=asker(request), request=request)
        return _("%(title)s 후보 %(count)d장을 가족께 보입니다.") % {"title": _title(item), "count": count}

    return _decide(request, code, offer)


@require_POST
@for_reviewers
def review_offer_end(request: HttpRequest, code: UUID) -> HttpResponseBase:
    def end(request: HttpRequest, item: Item) -> str:
        choosing.take_back(item, by=asker(request), request=request)
        return _("가족께 보이던 후보를 거두었습니다.")

    return _decide(request, code, end)


@require_POST
@for_reviewers
def review_as_wished(request: HttpRequest, code: UUID) -> HttpResponseBase:
    def again(request: HttpRequest, item: Item) -> str:
        if not choosing.make_as_wished(item, by=asker(request), request=request, after_round=_round(request)):
            raise review.Refused(_("이미 다시 만들고 있습니다."))
        return _("%(title)s 후보를 가족의 바람대로 다시 만들기 시작했습니다.") % {"title": _title(item)}

    return _decide(request, code, again)


def _candidate(request: HttpRequest, item: Item) -> Candidate:
    return get_object_or_404(item.candidates, code=given.code(request.POST.get("candidate", "")))


def _round(request: HttpRequest) -> int:
    """The round that the page showed; one that no item has where it does not say."""
    number = given.whole(request.POST.get("round", ""), digits=4)
    return -1 if number is None else number


def _said(request: HttpRequest, name: str) -> str:
    return given.words(request.POST.get(name, ""))
