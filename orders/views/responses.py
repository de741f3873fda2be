"""Small answers that several views give."""

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header

from orders import archive
from orders.models import Deliverable


def by_script(request: HttpRequest) -> bool:
    """Whether draft.js or upload.js asks, who take a fragment or a sentence instead of a page."""
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def sentence(text: str, status: int = 422) -> HttpResponse:
    """A refusal in words, as the scripts show it."""
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def zip_response(request: HttpRequest, files: QuerySet[Deliverable], name: str) -> HttpResponseBase:
    """Its length is known before it is made: a phone shows how far it is and notices when the end is missing."""
    response: StreamingHttpResponse | HttpResponse
    if request.method == "GET":
        try:
            body = archive.open_zip(files)
        except FileNotFoundError as error:
            raise Http404 from error
        response, length = StreamingHttpResponse(body, content_type="application/zip"), body.length
    else:
        response, length = HttpResponse(content_type="application/zip"), archive.zip_length(list(files))
    response["Content-Length"] = str(length)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def page_of(code: UUID, anchor: str) -> str:
    return f"{reverse('orders:order', args=[code])}#{anchor}"


def remember_language(request: HttpRequest) -> HttpResponseBase | None:
    """Remember the language that was pressed. A link rather than a form: from a page that sends no referrer a browser
    posts a form with the origin "null", which the check against forged forms refuses."""
    language = request.GET.get("language")
    if language not in dict(settings.LANGUAGES):
        return None
    response = redirect(request.path)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )
    return response
