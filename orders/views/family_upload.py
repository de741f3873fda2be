"""Photos sent by a family with a link: whoever holds it sees what came by it, and no other photo of the order."""

from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from orders import family_links, photos, uploading
from orders.intake import PhotoRefused, Refusal
from orders.models import FamilyLink, Photo
from orders.views.family import is_visit, with_family_link
from portal.ranges import ranged_file

UPLOAD = FamilyLink.Purpose.UPLOAD


@with_family_link(UPLOAD, "GET", "HEAD", "POST")
def family_upload(request: HttpRequest, link: FamilyLink) -> HttpResponseBase:
    """The page; a plain form's files are taken in one by one, and each that is not gets its sentence."""
    if request.method != "POST":
        if is_visit(request):
            family_links.record_visit(link, request)
        return _page(request, link)
    refused = [(name, PhotoRefused(Refusal.TOO_BIG).sentence) for name in uploading.too_large(request, "photos")]
    files = request.FILES.getlist("photos")
    for file in files:
        try:
            photos.add_by_family(link, cast(BinaryIO, file), file.name or "", request=request)
        except photos.NotTaken as error:
            refused.append((file.name or "", error.sentence))
    if not files and not refused:
        refused.append(("", _("사진을 먼저 골라 주세요.")))
    if refused:
        said = [{"name": photos.given_name(name), "why": why} for name, why in refused]
        return _page(request, link, status=422, refused=said)
    return redirect(request.path)


@with_family_link(UPLOAD, "POST")
def family_photo(request: HttpRequest, link: FamilyLink, code: UUID) -> HttpResponseBase:
    """`face`: whose picture it is; `remove`: out again."""
    photo = _photo(link, code)
    if not link.order.takes_photos:
        raise Http404
    if "remove" in request.POST:
        try:
            photos.remove_by_family(photo, request=request)
        except photos.NotTaken as error:
            return _page(request, link, status=422, refused=[{"name": "", "why": error.sentence}])
    elif not photos.choose_face(photo, _number(request.POST.get("face", ""))):
        raise Http404
    return redirect(f"{request.path.rsplit('/', 2)[0]}/#photos")


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
    }
    return render(request, "family/upload.html", context | said, status=status)


def _photo(link: FamilyLink, code: UUID) -> Photo:
    return get_object_or_404(link.photos.select_related("order__home"), code=code)


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 4 else -1
