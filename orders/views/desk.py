"""What staff of a home see and do: the list, a new order, the order's page until it is submitted and after."""

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from orders import (
    consenting,
    delivery,
    drafting,
    family_links,
    following,
    hangul,
    history,
    looking,
    objecting,
    production,
    retention_clock,
)
from orders.access import get_order
from orders.finishing import showing
from orders.forms import RELATIONS, RELIGIONS, OrderForm, field_name
from orders.models import Order, OrderState
from orders.products import PRODUCTS
from orders.views import responses
from portal.access import asker, for_roles
from portal.live import fragment, version_of
from portal.templatetags.portal_format import exact, until

PER_PAGE = 30
HALLS_SUGGESTED = 30
LONGEST_SEARCH = 60
LONGEST_REASON = 200

OPEN = tuple(state for state in OrderState if state.is_open)
# The chips, in the order of the work; what is over stands at the end.
FILTERS: dict[str, tuple[OrderState, ...]] = {
    **{state.value: (state,) for state in OPEN},
    "delivered": (OrderState.DELIVERED,),
    "past": (OrderState.CLOSED, OrderState.CANCELLED),
}


@for_roles("staff", "manager")
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """오늘의 의뢰."""
    return render(request, "orders/desk.html", _rows(request))


@for_roles("staff", "manager")
@require_safe
def desk_rows(request: HttpRequest) -> HttpResponseBase:
    """The chips and rows alone, as the list asks for them again; 304 while nothing has changed."""
    context = _rows(request)
    return fragment(request, "orders/_rows.html", context, version=context["version"])


def _rows(request: HttpRequest) -> dict[str, Any]:
    chosen = request.GET.get("filter", "")
    chosen = chosen if chosen in FILTERS else ""
    query = hangul.tidy(request.GET.get("q", ""))[:LONGEST_SEARCH]
    mine = Order.objects.for_user(asker(request)).search(query)
    counts = mine.count_by_state()
    # Who looks for a name means all there ever was; the list of the day is what is still open.
    states = FILTERS[chosen] if chosen else tuple(OrderState) if query else OPEN
    found = mine.in_states(*states).for_list()
    over = chosen in ("delivered", "past")
    found = found.order_by("-updated_at", "-pk") if over else found.nearest_first()
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    rows = following.now_of(page.object_list)
    objected = list(Order.objects.for_user(asker(request)).objected())
    shown = [[order.code for order in objected], [_state_of(row) for row in rows]]
    looking.note_search([row.order for row in rows], query, request)
    chips = [_chip(key, FILTERS[key][0].label, counts, FILTERS[key]) for key in FILTERS if key != "past"]
    chips.append(_chip("past", _("지난 의뢰"), counts, FILTERS["past"]))
    everything = sum(counts.values()) if query else sum(counts.get(state, 0) for state in OPEN)
    return {
        "rows": rows,
        "objected": objected,
        "page": page,
        "chips": [chip for chip in chips if chip["count"] or chip["key"] == chosen],
        "everything": everything,
        "chosen": chosen,
        "q": query,
        "has_any": bool(counts) or bool(query),
        "today": timezone.localdate(),
        "moves": any(row.moves for row in rows),
        "version": version_of(chosen, query, counts, shown, timezone.now().minute),
    }


def _chip(key: str, label: Any, counts: dict[str, int], states: tuple[OrderState, ...]) -> dict[str, Any]:
    return {"key": key, "label": label, "count": sum(counts.get(state, 0) for state in states)}


def _state_of(now: following.OrderNow) -> list[Any]:
    """All that a part of a page shows of an order and that may change by itself."""
    order = now.order
    files = [item.files.state for item in now.items if item.files]
    items = [
        (
            item.item.state,
            item.item.offered_at,
            item.doing,
            item.percent,
            round(item.seconds_left or 0),
            [c.state for c in item.candidates],
        )
        for item in now.items
    ]
    return [order.code, order.updated_at, now.state, order.delivered_at, order.is_paused, items, files]


@for_roles("staff", "manager")
@require_safe
def order_new(request: HttpRequest) -> HttpResponse:
    """An empty page under a code of its own: the code makes whatever it sends one order, however often it is sent."""
    return redirect("orders:order_start", code=uuid4())


@for_roles("staff", "manager")
@require_safe
def order_start(request: HttpRequest, code: UUID) -> HttpResponse:
    """The empty page. Nothing is written until something was typed; from then on it is the order's own page."""
    user = asker(request)
    if Order.objects.for_user(user).filter(code=code).exists():
        return redirect("orders:order", code=code)
    if user.home is None:
        raise Http404
    order = Order(code=code, home=user.home, created_by=user)
    return render(request, "orders/draft.html", _draft(request, order, here="new"))


@for_roles("staff", "manager")
@require_safe
def order(request: HttpRequest, code: UUID) -> HttpResponse:
    return order_page(request, get_order(asker(request), code, even_erased=True))


def order_page(request: HttpRequest, order: Order, *, status: int = 200, **said: Any) -> HttpResponse:
    """The page an order has now, with what a refused form has to say."""
    if order.erased_at:
        return redirect("orders:keeping", code=order.code)
    looking.note("order.read", order, request)
    if "objection_form" in said:
        said["new_objection"] = said["objection_form"]
    if order.is_draft:
        return render(request, "orders/draft.html", _draft(request, order, here="desk") | said, status=status)
    return render(request, "orders/order.html", _order(request, order) | said, status=status)


def _draft(request: HttpRequest, order: Order, *, here: str) -> dict[str, Any]:
    user = asker(request)
    form = OrderForm.of(order)
    halls = Order.objects.for_user(user).exclude(hall="").order_by().values_list("hall", flat=True).distinct()
    return {
        "order": order,
        "form": form,
        "page_code": uuid4(),
        "products": _products(form),
        "quick": drafting.quick_moments(),
        "halls": sorted(halls[:HALLS_SUGGESTED]),
        "todo": _todo(order),
        "here": here,
    } | _shared(order)


def _shared(order: Order) -> dict[str, Any]:
    """What both pages need: for consent, for photos and for what is suggested while typing."""
    return {
        "text": consenting.text_for(order),
        "consent": order.standing_consent,
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "relations": RELATIONS,
        "religions": RELIGIONS,
        "family_panels": family_links.panels(order),
        "awaits_photos": family_links.awaits_photos(order),
        "objections": order.objections.select_related("recorded_by", "resolved_by") if order.pk else [],
        "new_objection": objecting.ObjectionForm(),
    }


def _products(form: OrderForm) -> list[dict[str, Any]]:
    wants = form.wants
    return [
        {
            "product": product,
            "wanted": product.key in wants,
            "fields": [form[field_name(product, option)] for option in product.options if not option.several],
            "several": _several(form, product.key),
        }
        for product in PRODUCTS.values()
    ]


def _several(form: OrderForm, key: str) -> list[dict[str, Any]]:
    """Each choice of a many-choice with whether it is ticked and whether it fits the first option as it stands."""
    product = PRODUCTS[key]
    first = form[field_name(product, product.options[0])].value()
    shown = []
    for option in product.options:
        if option.several:
            name = field_name(product, option)
            ticked = form[name].value() or []
            choices = [
                {"key": choice.key, "label": choice.label, "ticked": choice.key in ticked}
                for choice in option.choices
                if not choice.only_with or first in choice.only_with
            ]
            shown.append({"name": name, "label": option.label, "choices": choices})
    return shown


def _todo(order: Order) -> list[dict[str, Any]]:
    """The five things an order needs, each done or with the sentence of what is missing."""
    missing: dict[str, list[str]] = {}
    for each in order.missing():
        missing.setdefault(each.anchor, []).append(str(each))
    consent = order.standing_consent
    done = {
        "name": order.person,
        "wants": ", ".join(str(item.product.label) for item in order.related("items")),
        "when": f"{exact(order.needed_at)} · {until(order.needed_at)}",
        "photos": _("사진 %(count)d장") % {"count": len(order.related("photos"))},
        "consent": _("%(name)s 님 동의") % {"name": consent.signer_name} if consent else "",
    }
    todo = [{"anchor": anchor, "words": words, "missing": missing.pop(anchor, [])} for anchor, words in done.items()]
    return todo + [{"anchor": anchor, "words": "", "missing": words} for anchor, words in missing.items()]


@for_roles("staff", "manager")
@require_POST
def order_save(request: HttpRequest, code: UUID) -> HttpResponse:
    """Keep the page as typed: draft.js gets an empty answer, htmx the part it asked for, a plain form its page."""
    part = request.headers.get("HX-Target", "")
    try:
        order = drafting.save(code, request.POST, by=asker(request), request=request)
    except drafting.EditedElsewhere as elsewhere:
        if part or responses.by_script(request):
            return responses.sentence(elsewhere.sentence, status=409)
        messages.error(request, elsewhere.sentence)
        return redirect("orders:order", code=code)
    if part:
        return order_part(request, order.code, part)
    if responses.by_script(request):
        return HttpResponse(status=204)
    messages.success(request, _("저장했습니다."))
    return redirect("orders:order", code=code)


# Parts of the draft's page that a choice changes at once.
PARTS = {
    "when": "orders/_when.html",
    "life_scene-several": "orders/_several.html",
    "consent-part": "orders/_consent.html",
}


def order_part(request: HttpRequest, code: UUID, part: str) -> HttpResponse:
    if part not in PARTS:
        raise Http404
    order = get_order(asker(request), code)
    context = _draft(request, order, here="desk")
    context["several"] = _several(context["form"], "life_scene")
    response = render(request, PARTS[part], context)
    response["HX-Trigger"] = "draft-changed"
    return response


@for_roles("staff", "manager")
@require_safe
def order_side(request: HttpRequest, code: UUID) -> HttpResponse:
    """What is still missing, and how each field was read; asked for after each save, photo and consent."""
    order = get_order(asker(request), code)
    looking.note("order.read", order, request)
    form = OrderForm.of(order)
    said = form.said
    read = [{"field": form[name], "said": said.get(name, "")} for name in form.typed_fields()]
    return render(request, "orders/_side_answer.html", {"order": order, "todo": _todo(order), "read": read})


@for_roles("staff", "manager")
@require_POST
def order_submit(request: HttpRequest, code: UUID) -> HttpResponse:
    """Save the page and send the order off; what is missing is said and nothing is sent. Twice is once."""
    user = asker(request)
    order = Order.objects.for_user(user).filter(code=code).first()
    if order is None or order.is_draft:
        try:
            order = drafting.save(code, request.POST, by=user, request=request)
        except drafting.EditedElsewhere as elsewhere:
            messages.error(request, elsewhere.sentence)
            return redirect("orders:order", code=code)
    try:
        if production.submit(order, by=user, request=request):
            messages.success(request, _("의뢰를 보냈습니다. 사진을 만들기 시작합니다."))
    except production.NotReady as not_ready:
        return order_page(request, get_order(user, code), status=422, refused=not_ready.reasons)
    return redirect("orders:order", code=code)


@for_roles("staff", "manager")
@require_POST
def order_cancel(request: HttpRequest, code: UUID) -> HttpResponse:
    order = get_order(asker(request), code)
    reason = hangul.tidy(request.POST.get("reason", ""))[:LONGEST_REASON]
    if production.cancel(order, by=asker(request), request=request, reason=reason):
        messages.success(request, _("%(person)s의 의뢰를 취소했습니다.") % {"person": order.person})
    return redirect("orders:desk")


def _order(request: HttpRequest, order: Order) -> dict[str, Any]:
    return (
        _live(order)
        | {
            "order": order,
            "form": OrderForm.of(order),
            "page_code": uuid4(),
            "clock": retention_clock.of(order),
            "links": delivery.links_of(order),
            "may_reopen": delivery.may_leave(order),
            "history": history.of(order),
            "facts": order.facts(),
            "here": "desk",
        }
        | _shared(order)
    )


@for_roles("staff", "manager")
@require_safe
def order_live(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """What is being made, as it is made; and once the first of it is approved, the way to hand it out."""
    order = get_order(asker(request), code)
    looking.note("order.read", order, request)
    context = _live(order) | {"order": order}
    if request.GET.get("can_issue", "") != str(int(context["can_issue"])):
        context |= {"links": delivery.links_of(order), "may_reopen": delivery.may_leave(order), "oob": True}
    return fragment(request, "orders/_live.html", context, version=context["version"])


def _live(order: Order) -> dict[str, Any]:
    [now] = following.now_of([order], showing.of_order(order))
    can_issue = delivery.can_issue(order)
    version = version_of(_state_of(now), can_issue, timezone.now().minute)
    return {"now": now, "can_issue": can_issue, "version": version}
