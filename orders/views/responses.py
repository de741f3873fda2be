"""Small answers that several views give."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse


def by_script(request: HttpRequest) -> bool:
    """Whether draft.js or upload.js asks, who take a fragment or a sentence instead of a page."""
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def sentence(text: str, status: int = 422) -> HttpResponse:
    """A refusal in words, as the scripts show it."""
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def page_of(code: UUID, anchor: str) -> str:
    return f"{reverse('orders:order', args=[code])}#{anchor}"
