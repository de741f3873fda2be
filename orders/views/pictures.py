"""Photos and candidates: a home sees its own, a reviewer every home's. What families see is in views/gallery."""

from uuid import UUID

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from orders import looking
from orders.access import get_candidate, get_photo
from portal.access import asker, for_roles
from portal.models import User
from portal.ranges import ranged_file

for_home_and_reviewers = for_roles(User.Role.STAFF, User.Role.MANAGER, User.Role.REVIEWER)


@require_safe
@for_home_and_reviewers
def photo_preview(request: HttpRequest, code: UUID, size: int) -> HttpResponseBase:
    """A photo at most ``size`` pixels long: 320 or 1280."""
    photo = get_photo(asker(request), code)
    if str(size) not in photo.previews:
        raise Http404
    looking.note("photo.read", photo.order, request)
    return _stored(request, photo.preview(size), "image/webp", etag=f"{photo.sha256}-{size}")


@require_safe
@for_home_and_reviewers
def candidate_file(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """The very bytes that were made; a video is asked for range by range."""
    candidate = get_candidate(asker(request), code)
    if not candidate.file:
        raise Http404
    looking.note("candidate.read", candidate.item.order, request)
    return _stored(request, candidate.file, candidate.media_type, etag=candidate.sha256)


@require_safe
@for_home_and_reviewers
def candidate_preview(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """A still of at most 1280 pixels."""
    candidate = get_candidate(asker(request), code)
    looking.note("candidate.read", candidate.item.order, request)
    return _stored(request, candidate.preview, "image/webp", etag=f"{candidate.sha256}-still")


def _stored(request: HttpRequest, name: str, media_type: str, *, etag: str) -> HttpResponseBase:
    try:
        size = default_storage.size(name)
        return ranged_file(request, lambda: default_storage.open(name, "rb"), size, media_type, etag=etag)
    except FileNotFoundError as error:
        raise Http404 from error
