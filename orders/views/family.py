"""What every family's page behind a link shares: who may ask, one look of all that is not there, the headers.

The token is the only key, so these pages send no referrer, are kept by no cache and found by no search engine. They
work without an account, a cookie or a script. Forms carry no token against forgery: whoever could forge one needs the
address, and with the address needs no forgery; and a page without a referrer posts with the origin "null".
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from orders import family_links
from orders.models import FamilyLink
from orders.views.responses import remember_language
from portal import limits

P = ParamSpec("P")
View = Callable[..., HttpResponseBase]
FamilyView = Callable[Concatenate[HttpRequest, FamilyLink, P], HttpResponseBase]

READ = ("GET", "HEAD")
# Messengers that open a link to draw a card of it; KakaoTalk's says kakaotalk-scrap.
CARD_MAKERS = ("kakaotalk-scrap", "facebookexternalhit", "telegrambot", "twitterbot", "slackbot", "line-poker")


def for_family(*methods: str) -> Callable[[View], View]:
    """These methods, the language asked for, a quiet 404 for all that is not there, and the headers."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @require_http_methods(methods or READ)
        @wraps(view)
        def guarded(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
            response = remember_language(request) if request.method in READ else None
            if response is None:
                try:
                    response = view(request, **kwargs)
                except Http404:
                    response = _not_there(request)
            response["X-Robots-Tag"] = "noindex, nofollow"
            response.setdefault("Cache-Control", "private, no-store")
            return response

        return guarded

    return decorate


def with_family_link(purpose: str, *methods: str) -> Callable[[FamilyView[P]], View]:
    """A page of /f/<token>/: called with the open link of that purpose in the token's place."""

    def decorate(view: FamilyView[P]) -> View:
        @for_family(*methods)
        @wraps(view)
        def opened(request: HttpRequest, token: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return view(request, family_links.opened(token, purpose), *args, **kwargs)

        return opened

    return decorate


def is_visit(request: HttpRequest) -> bool:
    """Whether a person opens the page, rather than a messenger that draws a card of it."""
    agent = request.headers.get("User-Agent", "").lower()
    return request.method == "GET" and not any(name in agent for name in CARD_MAKERS)


@for_family("GET", "HEAD", "POST")
def family_unknown(request: HttpRequest, rest: str) -> HttpResponseBase:
    """Anything else under /f/ and /g/: a link that lost a piece looks like one that never was."""
    raise Http404


def _not_there(request: HttpRequest) -> HttpResponseBase:
    # Misses alone are counted: a guesser is slowed, and nobody who has a link, though a whole hall shares one address.
    if not limits.allow("family_miss", limits.address_of(request)):
        return limits.too_many(request, "family_miss")
    return render(request, "family/closed.html", status=404)
