"""Photos of an order: upload, order, whose face, take out."""

from typing import BinaryIO, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from orders import family_links, looking, photos, uploading
from orders.access import get_order
from orders.intake import PhotoRefused
from orders.models import Order
from orders.views import responses
from portal import given
from portal.access import asker, for_roles
from portal.live import fragment, version_of


@for_roles("staff", "manager")
@require_POST
def photos_add(request: HttpRequest, code: UUID) -> HttpResponse:
    """One file from upload.js is answered with nothing, as the list asks for itself, or with a sentence; a plain
    form's files with the page."""
    refused = [(name, PhotoRefused(why).sentence) for name, why in uploading.dropped(request, "photos")]
    added = []
    for file in request.FILES.getlist("photos"):
        try:
            added.append(photos.add(code, cast(BinaryIO, file), file.name or "", by=asker(request), request=request))
        except photos.NotTaken as error:
            refused.append((file.name or "", error.sentence))
    if responses.by_script(request):
        if not added:
            sentence = refused[0][1] if refused else _("파일이 오지 않았습니다. 다시 올려 주세요.")
            return responses.sentence(sentence)
        return HttpResponse(status=201)
    for name, why in refused:
        messages.error(request, f"{photos.given_name(name)}: {why}")
    if not added and not refused:
        messages.error(request, _("사진을 먼저 골라 주세요."))
    return redirect(responses.page_of(code, "photos"))


@for_roles("staff", "manager")
@require_POST
def photo_change(request: HttpRequest, code: UUID, photo_code: UUID) -> HttpResponse:
    """`to`: its new number; `face`: the main face; `others`: whether somebody else is in it; `remove`: out."""
    order = _changeable(request, code)
    photo = photos.photo_of(order, photo_code)
    asked = request.POST
    if "remove" in asked:
        try:
            photos.remove(photo, by=asker(request), request=request)
        except photos.NotTaken as error:
            messages.error(request, error.sentence)
    elif (number := given.whole(asked.get("to", ""), digits=4)) is not None:
        photos.place(photo, number, by=asker(request), request=request)
    elif (face := given.whole(asked.get("face", ""), digits=4)) is not None:
        if not photos.choose_face(photo, face, by=asker(request), request=request):
            raise Http404
    elif "others" in asked:
        photos.say_others(photo, asked["others"] == "yes", by=asker(request), request=request)
    if request.headers.get("HX-Request"):
        response = _list(request, code)
        response["HX-Trigger"] = "draft-changed"
        return response
    return redirect(responses.page_of(code, "photos"))


def _changeable(request: HttpRequest, code: UUID) -> Order:
    """An order whose photos may still change; 404 otherwise."""
    order = get_order(asker(request), code)
    if not order.takes_photos:
        raise Http404
    return order


@for_roles("staff", "manager")
@require_safe
def photos_list(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """The tiles, asked for again whenever a photo came, and while a family may send one; with its link's count."""
    order = get_order(asker(request), code)
    looking.note("order.read", order, request)
    panels = family_links.panels(order)
    shown = [(photo.code, photo.position, photo.main_face, photo.shows_others) for photo in order.photos.all()]
    version = version_of(shown, [panel.state for panel in panels])
    context = {"order": order, "family_panels": panels, "oob": True}
    response = fragment(request, "orders/_photos_live.html", context, version=version)
    if response.status_code == 200:
        response["HX-Trigger"] = "draft-changed"
    return response


def _list(request: HttpRequest, code: UUID) -> HttpResponse:
    return render(request, "orders/_photos.html", {"order": get_order(asker(request), code)})
