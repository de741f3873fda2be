"""The family's pages behind a link. Whatever is closed, revoked or unknown looks the same: a quiet 404.

The token is the only key, so these pages send no referrer, are kept by no cache and found by no search engine.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from orders import delivery
from orders.models import Deliverable, DownloadLink
from portal.ranges import ranged_file

P = ParamSpec("P")
LinkView = Callable[Concatenate[HttpRequest, DownloadLink, P], HttpResponseBase]


def with_open_link(view: LinkView[P]) -> Callable[Concatenate[HttpRequest, str, P], HttpResponseBase]:
    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, token: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        link = delivery.open_link(token)
        response = view(request, link, *args, **kwargs) if link else render(request, "family/closed.html", status=404)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        response.setdefault("Cache-Control", "private, no-store")
        return response

    return guarded


@with_open_link
def gallery(request: HttpRequest, link: DownloadLink) -> HttpResponse:
    if request.method == "GET":
        delivery.record_visit(link, request)
    files = delivery.ready_files(link.order)
    return render(request, "family/gallery.html", {"link": link, "order": link.order, "files": files})


@with_open_link
def gallery_picture(request: HttpRequest, link: DownloadLink, code: UUID) -> HttpResponseBase:
    """The still that the page shows."""
    file = _file_of(link, code)
    size = default_storage.size(file.preview)
    return ranged_file(
        request,
        lambda: default_storage.open(file.preview, "rb"),
        size,
        "image/webp",
        etag=f"{file.sha256}-still",
        max_age=600,
    )


@with_open_link
def gallery_video(request: HttpRequest, link: DownloadLink, code: UUID) -> HttpResponseBase:
    """A video to be played in the page; an iPhone asks for it range by range."""
    return _whole(request, _file_of(link, code, media_type="video/mp4"))


@with_open_link
def gallery_file(request: HttpRequest, link: DownloadLink, code: UUID) -> HttpResponseBase:
    file = _file_of(link, code)
    if _begins_download(request) and not delivery.record_download(link, file, request):
        return _used_up(request, link)
    return _whole(request, file, attachment=True)


@with_open_link
def gallery_zip(request: HttpRequest, link: DownloadLink) -> HttpResponseBase:
    if request.method == "GET" and not delivery.record_download(link, None, request):
        return _used_up(request, link)
    name = _("%(person)s 사진과 영상.zip") % {"person": link.order.person}
    body = delivery.zip_of(delivery.ready_files(link.order)) if request.method == "GET" else iter(())
    response = StreamingHttpResponse(body, content_type="application/zip")
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _file_of(link: DownloadLink, code: UUID, **having: str) -> Deliverable:
    return get_object_or_404(delivery.ready_files(link.order), code=code, **having)


def _whole(request: HttpRequest, file: Deliverable, *, attachment: bool = False) -> HttpResponseBase:
    return ranged_file(
        request,
        lambda: default_storage.open(file.file, "rb"),
        file.byte_count,
        file.media_type,
        etag=file.sha256,
        filename=file.download_name,
        disposition="attachment" if attachment else "inline",
    )


def _begins_download(request: HttpRequest) -> bool:
    # A download that goes on after a lost connection asks for the rest, and is still the same download.
    wanted = request.headers.get("Range", "").replace(" ", "")
    return request.method == "GET" and (not wanted or wanted.startswith("bytes=0-"))


def _used_up(request: HttpRequest, link: DownloadLink) -> HttpResponse:
    return render(request, "family/used_up.html", {"order": link.order}, status=403)
