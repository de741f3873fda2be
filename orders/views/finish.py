"""What becomes of an approval: made again after a failure, cut otherwise, looked at, taken to the print shop."""

import io
import math
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders import authority, delivery, finishing, looking, production, tasks
from orders.access import get_item, get_order
from orders.finishing import cutting, enlarging, pieces, prints
from orders.finishing.course import picture_of
from orders.finishing.cutting import Head, Size, Wish
from orders.models import Candidate, Deliverable, Finish, Item, Order
from orders.views.responses import zip_response
from portal import audit
from portal.access import asker, for_roles
from portal.models import User
from portal.ranges import ranged_file

for_home_and_reviewers = for_roles(User.Role.STAFF, User.Role.MANAGER, User.Role.REVIEWER)
# Long side of the pictures that show a cut before it is made, in pixels.
SHOWN = 720


@for_home_and_reviewers
@require_POST
def finish_again(request: HttpRequest, code: UUID) -> HttpResponse:
    """Make the files of an item's approvals again, where that failed; or where a GPU is now to do what none could."""
    item = get_item(asker(request), code)
    if "enlarge" in request.POST and not enlarging.is_possible(item.product_key):
        messages.warning(request, _("지금도 맡길 장비가 없습니다. 만들어 둔 파일은 그대로 있습니다."))
        return redirect(_page_of(request, item))
    with transaction.atomic():
        order = production.locked(item.order)
        started = [_start(each) for each in _to_be_made_again(item, order, enlarge="enlarge" in request.POST)]
        if any(started):
            _record("approval.finished_again", item, request)
    if any(started):
        messages.success(request, _("마무리를 다시 시작했습니다."))
    return redirect(_page_of(request, item))


@require_http_methods(["GET", "HEAD", "POST"])
@for_home_and_reviewers
def item_cut(request: HttpRequest, code: UUID) -> HttpResponse:
    """How a portrait is cut: head size and place by dragging or by numbers, with the result shown."""
    item, candidate = _portrait(request, code)
    if request.method == "POST":
        return _cut(request, item, candidate)
    looking.note("order.read", item.order, request)
    wish = _asked(request, candidate) if request.GET else Wish.read(item.cut)
    context = {
        "item": item,
        "order": item.order,
        "finish": next(iter(_finishes(item)), None),
        "numbers": _numbers(wish, candidate),
        "ribbon": wish.ribbon,
        "is_usual": wish == Wish(),
        "back": _page_of(request, item),
        "frames": [
            {"key": preset.key, "label": preset.label, "size": preset.pixels}
            for preset in prints.wanted(item.order.home)[:1]
        ]
        + [{"key": key, "label": label, "size": size} for key, (size, label) in pieces.SCREENS.items()],
        "here": "review" if asker(request).is_reviewer else "desk",
    }
    return render(request, "orders/cut.html", context)


@require_safe
@for_home_and_reviewers
def item_cut_shown(request: HttpRequest, code: UUID, frame: str) -> HttpResponse:
    """The cut as it would be, small, from the still."""
    item, candidate = _portrait(request, code)
    looking.note("candidate.read", item.order, request)
    source = pieces.Source(
        product_key=item.product_key,
        picture=picture_of(candidate.preview),
        face=candidate.face,
        wish=_asked(request, candidate),
    )
    cut = pieces.cut_print(source, _small(_frame(item, frame)))
    target = io.BytesIO()
    cut.save(target, "JPEG", quality=85)
    response = HttpResponse(target.getvalue(), content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=300"
    return response


@require_safe
@for_home_and_reviewers
def finished_file(request: HttpRequest, code: UUID) -> HttpResponseBase:
    file = _finished(request, code)
    return _ranged(request, file.file, file.media_type, etag=file.sha256, filename=file.download_name)


@require_safe
@for_home_and_reviewers
def finished_preview(request: HttpRequest, code: UUID) -> HttpResponseBase:
    file = _finished(request, code)
    return _ranged(request, file.preview, "image/webp", etag=f"{file.sha256}-still")


@require_safe
@for_roles("staff", "manager")
def print_shop_zip(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """Every print of an order, its PDFs and the preview sheet, under Korean names."""
    order = get_order(asker(request), code)
    files = delivery.print_shop_files(order)
    if not delivery.may_leave(order) or not (count := files.count()):
        raise Http404
    if request.method == "GET":
        with transaction.atomic():
            _record_order("print_shop.taken", order, request, files=count)
    response = zip_response(request, files, _("%(person)s 인쇄용.zip") % {"person": order.person})
    response["Cache-Control"] = "private, no-store"
    return response


def _cut(request: HttpRequest, item: Item, candidate: Candidate) -> HttpResponse:
    wish = Wish() if "usual" in request.POST else _read(request.POST, candidate, Wish.read(item.cut))
    with transaction.atomic():
        order = production.locked(item.order)
        if not authority.has_authority(order):
            messages.error(request, _("동의가 철회되었거나 의뢰가 취소되어 바꿀 수 없습니다."))
            return redirect("orders:item_cut", code=item.code)
        if order.is_on_hold:
            messages.error(
                request, _("법적 보존이 걸려 있어 파일을 바꾸지 않았습니다. 보존이 끝나면 바꿀 수 있습니다.")
            )
            return redirect("orders:item_cut", code=item.code)
        Item.objects.filter(pk=item.pk).update(cut={} if wish == Wish() else wish.as_dict())
        for finish in _finishes(item):
            _start(finish)
        _record("item.cut", item, request, cut=wish.as_dict())
    messages.success(request, _("자르기를 바꾸었습니다. 파일을 다시 만들고 있습니다."))
    return redirect(_page_of(request, item))


def _to_be_made_again(item: Item, order: Order, *, enlarge: bool) -> list[Finish]:
    if not enlarge:
        return [each for each in _finishes(item) if each.state == Finish.State.FAILED]
    # What is finished stays so where the family's word no longer stands.
    return [each for each in _finishes(item) if each.is_makeshift] if authority.has_authority(order) else []


def _start(finish: Finish) -> bool:
    started = finishing.again(finish)
    if started:
        tasks.after_commit("finish", finish.approval_id)
    return started


def _portrait(request: HttpRequest, code: UUID) -> tuple[Item, Candidate]:
    item = get_item(asker(request), code)
    approved = item.candidates.filter(approval__isnull=False, item__order__erased_at=None).exclude(file="").first()
    if item.product_key != "portrait" or approved is None:
        raise Http404
    return item, approved


def _asked(request: HttpRequest, candidate: Candidate) -> Wish:
    return _read(request.GET, candidate, Wish())


def _read(given: Any, candidate: Candidate, kept: Wish) -> Wish:
    """The numbers of a form, in percent. A head size left as the usual one stays free to differ by print."""
    numbers = {name: _percent(given.get(name)) for name in ("head", "eyes", "x")}
    wish = Wish.read(numbers | {"ribbon": given.get("ribbon") == "on"})
    usual = _numbers(Wish(), candidate)["head"]
    if kept.head is None and numbers["head"] is not None and round(100 * numbers["head"]) == usual:
        wish = Wish(head=None, eyes=wish.eyes, x=wish.x, ribbon=wish.ribbon)
    return wish


def _percent(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number / 100 if math.isfinite(number) else None


def _numbers(wish: Wish, candidate: Candidate) -> dict[str, int]:
    """The wish in whole percents, with the head as large as the usual print has it where it is free."""
    size = candidate.width, candidate.height
    head = Head.of(candidate.face, size) or Head.assumed(size)
    width, height = prints.USUAL[0].pixels
    crop = cutting.around_head(head, size, width / height, wish)
    return {"head": round(100 * head.height / crop.height), "eyes": round(100 * wish.eyes), "x": round(100 * wish.x)}


def _frame(item: Item, key: str) -> Size:
    if key in pieces.SCREENS:
        return pieces.SCREENS[key][0]
    found = next((preset for preset in prints.presets_of(item.order.home) if preset.key == key), None)
    if found is None:
        raise Http404
    return found.pixels


def _small(frame: Size) -> Size:
    scale = SHOWN / max(frame)
    return max(1, round(frame[0] * scale)), max(1, round(frame[1] * scale))


def _finishes(item: Item) -> list[Finish]:
    made = Finish.objects.filter(approval__candidate__item=item).select_related("approval__candidate")
    return list(made.order_by("approval__candidate__number"))


def _finished(request: HttpRequest, code: UUID) -> Deliverable:
    seen = Order.objects.for_user(asker(request)).filter(erased_at=None)
    file = get_object_or_404(
        Deliverable.objects.select_related("item__order__home").filter(item__order__in=seen), code=code
    )
    if not delivery.may_leave(file.item.order):
        raise Http404
    looking.note("file.read", file.item.order, request)
    return file


def _ranged(
    request: HttpRequest, name: str, media_type: str, *, etag: str, filename: str | None = None
) -> HttpResponseBase:
    try:
        size = default_storage.size(name)
        return ranged_file(
            request, lambda: default_storage.open(name, "rb"), size, media_type, etag=etag, filename=filename
        )
    except FileNotFoundError as error:
        raise Http404 from error


def _page_of(request: HttpRequest, item: Item) -> str:
    """Where the asker works on the item."""
    if asker(request).is_reviewer:
        return reverse("orders:review_item", args=[item.code])
    return f"{reverse('orders:order', args=[item.order.code])}#item-{item.code}"


def _record(action: str, item: Item, request: HttpRequest, **details: Any) -> None:
    _record_order(action, item.order, request, product=item.product_key, **details)


def _record_order(action: str, order: Order, request: HttpRequest, **details: Any) -> None:
    audit.record(action, by=asker(request), home=order.home, subject=order.code, request=request, **details)
