"""Photos sent by a family with a link: whoever holds it sees what came by it, and no other photo of the order."""

import re
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from orders import arriving, family_links, photos, uploading
from orders.intake import PhotoRefused, Refusal
from orders.models import Arrival, FamilyLink, Photo
from orders.views import responses
from orders.views.family import is_visit, with_family_link
from portal import given, limits
from portal.ranges import ranged_file

UPLOAD = FamilyLink.Purpose.UPLOAD
_PIECE = re.compile(r"bytes (?P<first>[0-9]{1,15})-(?P<last>[0-9]{1,15})/[0-9]{1,15}")


@with_family_link(UPLOAD, "GET", "HEAD", "POST")
def family_upload(request: HttpRequest, link: FamilyLink) -> HttpResponseBase:
    """The page; a plain form's files are taken in one by one, and each that is not gets its sentence."""
    if request.method != "POST":
        if is_visit(request):
            family_links.record_visit(link, request)
        return _page(request, link)
    refused = [(name, _why_dropped(request, link, why)) for name, why in uploading.dropped(request, "photos")]
    files = request.FILES.getlist("photos")
    for file in files:
        try:
            photos.demand_room_by_link(link)
            arriving.demand_bytes(link, file.size or 0)
            arriving.count_begun(link)
            photos.add_by_family(link, cast(BinaryIO, file), file.name or "", request=request)
        except photos.NotTaken as error:
            error = arriving.no_space(link, request) if error.no_space else error
            refused.append((file.name or "", error.sentence))
    if not files and not refused:
        refused.append(("", _("사진을 먼저 골라 주세요.")))
    if refused:
        said = [{"name": photos.given_name(name), "why": why} for name, why in refused]
        return _page(request, link, status=422, refused=said)
    return redirect(request.path)


def _why_dropped(request: HttpRequest, link: FamilyLink, why: Refusal) -> str:
    return arriving.no_space(link, request).sentence if why is Refusal.OUT_OF_SPACE else PhotoRefused(why).sentence


@with_family_link(UPLOAD, "POST")
def family_send_begin(request: HttpRequest, link: FamilyLink) -> HttpResponseBase:
    """`mark`: what the browser calls the file; `name`, `size`. Answers where to send it and from which byte on.

    429 says in `Retry-After` when the next new photo is taken; one that was begun before goes on.
    """
    address = limits.address_of(request)
    if not limits.allow("upload_from_address", address):
        return limits.too_many(request, "upload_from_address", address)
    bytes_promised = given.whole(request.POST.get("size", ""), digits=15) or 0
    try:
        mark, name = request.POST.get("mark", "")[:500], request.POST.get("name", "")
        arrival = arriving.begin(link, mark, name, bytes_promised)
    except photos.NotTaken as refused:
        if refused.wait:
            answer = responses.sentence(refused.sentence, status=429)
            answer["Retry-After"] = str(refused.wait)
            return answer
        return responses.sentence(refused.sentence)
    return _stand(request, link, arrival, status=201)


@with_family_link(UPLOAD, "GET", "PUT")
def family_send(request: HttpRequest, link: FamilyLink, code: UUID) -> HttpResponseBase:
    """One piece as the body, its place as `Content-Range: bytes first-last/size`; asked by GET, how much is here.

    409 names the byte to go on from, 422 and 507 say why nothing of the file was kept.
    """
    arrival = arriving.arrival_of(link, code)
    if request.method == "GET":
        return _stand(request, link, arrival)
    address = limits.address_of(request)
    if not limits.allow("upload_from_address", address):
        return limits.too_many(request, "upload_from_address", address)
    offset, length = _place(request)
    if offset is None or length > arriving.PIECE:
        return responses.sentence(_("보낸 조각을 읽지 못했습니다. 사진을 다시 골라 주세요."), status=400)
    data = request.read(length)
    if len(data) < length:
        # The connection broke on the way; what came is not counted.
        return _stand(request, link, arrival, status=409)
    try:
        arrival = arriving.take(link, code, offset, data, request=request)
    except arriving.OutOfStep as step:
        return JsonResponse({"offset": step.offset}, status=409)
    except photos.NotTaken as refused:
        return responses.sentence(refused.sentence, status=507 if refused.no_space else 422)
    return _stand(request, link, arrival)


def _place(request: HttpRequest) -> tuple[int | None, int]:
    """Where the piece begins and how long it is, as both headers say; (None, 0) where they disagree."""
    said = _PIECE.fullmatch(request.headers.get("Content-Range", ""))
    length = given.whole(request.headers.get("Content-Length", ""), digits=9) or 0
    if said is None or length < 1 or int(said["last"]) - int(said["first"]) + 1 != length:
        return None, 0
    return int(said["first"]), length


def _stand(request: HttpRequest, link: FamilyLink, arrival: Arrival, *, status: int = 200) -> HttpResponseBase:
    """How far it is; once taken in, with the part of the page that shows the photo."""
    told: dict[str, object] = {"code": str(arrival.code), "offset": arrival.received, "piece": arriving.PIECE}
    if arrival.photo is not None:
        number = link.photos.filter(position__lte=arrival.photo.position).count()
        token = request.resolver_match.kwargs["token"] if request.resolver_match else ""
        context = {"photo": arrival.photo, "number": number, "token": token, "takes_photos": link.order.takes_photos}
        told["photo"] = render_to_string("family/_sent.html", context, request)
    return JsonResponse(told, status=status)


@with_family_link(UPLOAD, "POST")
def family_photo(request: HttpRequest, link: FamilyLink, code: UUID) -> HttpResponseBase:
    """`face`: whose picture it is; `remove`: out again."""
    photo, there = _photo(link, code), request.path.removesuffix(f"{code}/")
    if not link.order.takes_photos:
        raise Http404
    if "remove" in request.POST:
        try:
            photos.remove_by_family(photo, request=request)
        except photos.NotTaken as error:
            return _page(request, link, status=422, refused=[{"name": "", "why": error.sentence}])
        return redirect(f"{there}#photos-title")
    face = given.whole(request.POST.get("face", ""), digits=9)
    if face is None or not photos.choose_face_by_family(photo, face, request=request):
        raise Http404
    return redirect(f"{there}#photo-{photo.code}")


@with_family_link(UPLOAD)
def family_photo_picture(request: HttpRequest, link: FamilyLink, code: UUID) -> HttpResponseBase:
    photo = _photo(link, code)
    name = photo.preview(1280)
    try:
        size = default_storage.size(name)
        etag = f"{photo.sha256}-1280"
        return ranged_file(request, lambda: default_storage.open(name, "rb"), size, "image/webp", etag=etag)
    except FileNotFoundError as error:
        raise Http404 from error


def _page(request: HttpRequest, link: FamilyLink, *, status: int = 200, **said: Any) -> HttpResponse:
    context = {
        "link": link,
        "order": link.order,
        "home": link.order.home,
        "photos": link.photos.all(),
        "left": link.max_uses - link.uses,
        "takes_photos": link.order.takes_photos,
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "megabytes": settings.UPLOAD_MAX_BYTES // 2**20,
    }
    return render(request, "family/upload.html", context | said, status=status)


def _photo(link: FamilyLink, code: UUID) -> Photo:
    return get_object_or_404(link.photos.select_related("order__home"), code=code)
