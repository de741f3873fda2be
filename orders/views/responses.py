"""Small answers that several views give."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse


def by_script(request: HttpRequest) -> bool:
    """Whether draft.js or upload.js asks, who take a fragment or a sentence instead of a page."""
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def sentence(text: str, status: int = 422) -> HttpResponse:
    """A refusal in words, as the scripts show it."""
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


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
