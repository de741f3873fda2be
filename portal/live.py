"""Parts of a page that ask for themselves again and again; unchanged, they cost a status line and no redraw.

The page says which version it shows, so that even its first question can be answered with "nothing new":

    <div hx-get="{% url … %}?shown={{ version }}" hx-trigger="every 3s" hx-swap="outerHTML">

static/js/live.js sends the ETag of the last answer from then on, and asks nothing while the page is hidden.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language


def version_of(*state: Any) -> str:
    """A short name for what is shown; it differs when the state or the language does."""
    said = json.dumps([get_language(), *state], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def fragment(request: HttpRequest, template: str, context: Mapping[str, Any], *, version: str) -> HttpResponseBase:
    """The part rendered, 304 for a browser that holds this version, 204 for a page that was made with it.

    ``context`` gets ``version``. Nothing is rendered for an answer without a body.
    """
    etag = f'"{version}"'
    response = get_conditional_response(request, etag=etag)
    if response is None and request.GET.get("shown") == version:
        response = HttpResponse(status=204)
    if response is None:
        response = HttpResponse(render_to_string(template, {**context, "version": version}, request))
    response["ETag"] = etag
    # no-store: the script asks with If-None-Match itself, and a browser that answered from its cache would redraw.
    response["Cache-Control"] = "private, no-store"
    return response
