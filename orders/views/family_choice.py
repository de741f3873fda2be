"""A family chooses one of the portraits that a reviewer picked for it, by one tap, or says how else it should be."""

from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from orders import choosing, family_links, review
from orders.models import FamilyLink, Showing
from orders.products import PORTRAIT
from orders.views.family import is_visit, with_family_link
from portal import given
from portal.ranges import ranged_file

CHOICE = FamilyLink.Purpose.CHOICE


@with_family_link(CHOICE, "GET", "HEAD", "POST")
def family_choice(request: HttpRequest, link: FamilyLink) -> HttpResponseBase:
    """`choice`: the code of a candidate; `wish`: one of orders.choosing.WISHES."""
    if request.method != "POST":
        if is_visit(request):
            family_links.record_visit(link, request)
        return _page(request, link)
    item = choosing.offered_item(link.order)
    try:
        if item is None:
            return _page(request, link)
        if "wish" in request.POST:
            choosing.wish(item, request.POST["wish"], link=link, request=request)
        else:
            choosing.choose(item, given.code(request.POST.get("choice", "")), by=None, link=link, request=request)
    except review.Refused as refused:
        link.order = type(link.order).objects.select_related("home").get(pk=link.order_id)
        # While a relative objects the page says so in its own neutral words.
        said = {} if link.order.is_paused else {"refused": str(refused)}
        return _page(request, link, status=422, **said)
    return redirect(request.path)


@with_family_link(CHOICE)
def family_proof(request: HttpRequest, link: FamilyLink, code: UUID) -> HttpResponseBase:
    """The proof of what is offered, or was chosen; the clean picture has no address here."""
    if link.order.is_paused:
        raise Http404
    shown = Showing.objects.filter(candidate__item__order=link.order, candidate__state="ready")
    showing = get_object_or_404(shown.select_related("candidate__item"), candidate__code=code)
    if showing.candidate.item.offered_at is None and not hasattr(showing.candidate, "approval"):
        raise Http404
    etag = f"{showing.sha256}-proof"
    try:
        size = default_storage.size(showing.proof)
        return ranged_file(request, lambda: default_storage.open(showing.proof, "rb"), size, "image/webp", etag=etag)
    except FileNotFoundError as error:
        raise Http404 from error


def _page(request: HttpRequest, link: FamilyLink, *, status: int = 200, **said: Any) -> HttpResponse:
    order = link.order
    item = next((each for each in order.related("items") if each.product_key == PORTRAIT.key), None)
    if item is None:
        raise Http404
    answer = item.answers.select_related("candidate").first()
    context = {
        "link": link,
        "order": order,
        "home": order.home,
        "item": item,
        "showings": [] if order.is_paused else choosing.showings(item),
        "wishes": choosing.wishes(item),
        "wished": choosing.WISHES[answer.wish] if answer and answer.wish and answer.round == item.round else None,
        "chosen": Showing.objects.filter(candidate__item=item, candidate__approval__isnull=False).first(),
    }
    return render(request, "family/choice.html", context | said, status=status)
