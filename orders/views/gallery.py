"""What was finished, handed to a family behind a link. Whatever is closed, revoked or unknown looks the same."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from itertools import groupby
from operator import attrgetter
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.utils.translation import gettext as _

from orders import delivery, pins
from orders.finishing import naming
from orders.models import Deliverable, DownloadLink
from orders.views.family import View, for_family, is_visit
from orders.views.responses import zip_response
from portal.absolute import absolute_url
from portal.ranges import Unsatisfiable, asked_range, ranged_file

P = ParamSpec("P")
LinkView = Callable[Concatenate[HttpRequest, DownloadLink, P], HttpResponseBase]


def with_open_link(view: LinkView[P]) -> View:
    @for_family()
    @wraps(view)
    def opened(request: HttpRequest, token: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        link = delivery.open_link(token)
        if link is None:
            raise Http404
        if link.order.is_paused:
            return _paused(request, link)
        if not pins.is_unlocked(request, link):
            # The page asks for the digits; what lies behind it leads back to the page.
            return _asked(request, link) if view is _gallery else redirect("orders:gallery", token=token)
        return view(request, link, *args, **kwargs)

    return opened


@dataclass(frozen=True)
class _Piece:
    """One approved picture or video with every size it is cut to; the first is shown."""

    files: list[Deliverable]

    @property
    def shown(self) -> Deliverable:
        return self.files[0]

    @property
    def tall(self) -> Deliverable | None:
        """Of a video, the one that fills a phone held upright."""
        return next((file for file in self.files if file.is_video and file.height > file.width), None)

    @property
    def players(self) -> list[tuple[str, Deliverable]]:
        """[(its class, the video)]: of two shapes the page shows the one that fits; a script is not needed for it."""
        if self.tall is None or self.tall == self.shown:
            return [("", self.shown)]
        return [("on-upright", self.tall), ("on-broad", self.shown)]

    @property
    def groups(self) -> list[tuple[str, list[tuple[str, Deliverable]]]]:
        """[(what for, [(which size, the file)])], without what is not there."""
        named = [(naming.label_of(file), file) for file in self.files]
        groups = [
            (_("인쇄용"), [each for each in named if each[1].is_print]),
            (_("영상"), [each for each in named if each[1].is_video]),
            (_("화면용"), [each for each in named if not each[1].is_print and not each[1].is_video]),
        ]
        return [group for group in groups if group[1]]


def _gallery(request: HttpRequest, link: DownloadLink) -> HttpResponse:
    if is_visit(request):
        delivery.record_visit(link, request)
    # One figure for each approved picture, whatever sizes it is cut to.
    pieces = [_Piece(list(files)) for _, files in groupby(delivery.family_files(link.order), attrgetter("approval_id"))]
    card = absolute_url(static("family/card.png"))
    context = {"link": link, "order": link.order, "home": link.order.home, "pieces": pieces, "card": card}
    in_chat = "kakaotalk" in request.headers.get("User-Agent", "").lower()
    return render(request, "family/gallery.html", context | {"in_chat": in_chat})


gallery = with_open_link(_gallery)


@for_family("POST")
def gallery_code(request: HttpRequest, token: str) -> HttpResponseBase:
    """`code`: the digits that were told beside the link."""
    link = delivery.open_link(token)
    if link is None or not link.pin_hash:
        raise Http404
    outcome = pins.unlock(request, link, request.POST.get("code", "").strip()[:12])
    if outcome is pins.Outcome.RIGHT:
        return redirect("orders:gallery", token=token)
    return _asked(request, link, outcome)


def _asked(request: HttpRequest, link: DownloadLink, outcome: pins.Outcome | None = None) -> HttpResponse:
    locked = link.is_locked or outcome is pins.Outcome.LOCKED
    context = {"home": link.order.home, "locked": locked, "said": outcome.value if outcome else ""}
    context["card"] = absolute_url(static("family/card.png"))
    return render(request, "family/code.html", context, status=_STATUS[outcome] if outcome else 200)


_STATUS = {pins.Outcome.WRONG: 422, pins.Outcome.LOCKED: 403, pins.Outcome.WAIT: 429}


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
    )


@with_open_link
def gallery_video(request: HttpRequest, link: DownloadLink, code: UUID) -> HttpResponseBase:
    """A video to be played in the page; an iPhone asks for it range by range."""
    return _whole(request, _file_of(link, code, media_type="video/mp4"))


@with_open_link
def gallery_file(request: HttpRequest, link: DownloadLink, code: UUID) -> HttpResponseBase:
    file = _file_of(link, code)
    if _is_download(request, link, file) and not delivery.record_download(link, file, request):
        return _used_up(request, link)
    return _whole(request, file, attachment=True)


@with_open_link
def gallery_zip(request: HttpRequest, link: DownloadLink) -> HttpResponseBase:
    files = delivery.family_files(link.order)
    if not files.exists():
        raise Http404
    if request.method == "GET" and not delivery.record_download(link, None, request):
        return _used_up(request, link)
    return zip_response(request, files, _("%(person)s 사진과 영상.zip") % {"person": link.order.person})


def _file_of(link: DownloadLink, code: UUID, **having: str) -> Deliverable:
    return get_object_or_404(delivery.family_files(link.order), code=code, **having)


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


def _is_download(request: HttpRequest, link: DownloadLink, file: Deliverable) -> bool:
    """Whether this answer counts. One that goes on after a lost connection is the same download, if there was one."""
    if request.method != "GET":
        return False
    try:
        part = asked_range(request, file.byte_count, file.sha256)
    except Unsatisfiable:
        return False
    # What is answered decides, not how the range is spelled.
    return part is None or part[0] == 0 or not link.log.filter(deliverable=file).exists()


def _paused(request: HttpRequest, link: DownloadLink) -> HttpResponse:
    """The page opens and says so; a file, which would be saved under that name, does not."""
    asks_for_page = request.resolver_match is not None and request.resolver_match.url_name == "gallery"
    return render(request, "family/paused.html", {"home": link.order.home}, status=200 if asks_for_page else 409)


def _used_up(request: HttpRequest, link: DownloadLink) -> HttpResponse:
    return render(request, "family/used_up.html", {"order": link.order, "home": link.order.home}, status=403)
