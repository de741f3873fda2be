"""Counting what `portal.rates` bounds, in the cache that every process shares."""

import hashlib
import math
import time
from collections.abc import Callable
from functools import wraps
from ipaddress import IPv6Network, ip_address
from typing import Concatenate, ParamSpec, cast

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from portal.access import UNKNOWN, client_address
from portal.rates import PORTAL

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def allow(name: str, key: str) -> bool:
    """Count one more of this kind under this key; false once there are more than the rate of that name lets through.

    ``name`` is one of `portal.rates.PORTAL`; ``key`` is whose count it is: an address, a person's code, a link's
    token. It is stored hashed. What is refused is counted too, so that whoever keeps on trying keeps on waiting.
    """
    now = time.time()
    older, share = _older(name, key, now)
    current = _key(name, key, now)
    cache.add(current, 0, timeout=2 * PORTAL[name].seconds)
    count: int = cache.incr(current)
    return count + older * share <= PORTAL[name].times


def used_up(name: str, key: str) -> bool:
    """Whether the next one would be too many, without counting any: for what only counts when it fails."""
    now = time.time()
    older, share = _older(name, key, now)
    count: int = cache.get(_key(name, key, now), 0)
    return count + older * share >= PORTAL[name].times


def seconds_until_next(name: str, key: str) -> int:
    """How long until one more would be let through, if nobody tries meanwhile; 0: now. Counts none."""
    rate, now = PORTAL[name], time.time()
    older, share = _older(name, key, now)
    count: int = cache.get(_key(name, key, now), 0)
    if count + 1 + older * share <= rate.times:
        return 0
    left = rate.seconds * (1 - (now % rate.seconds) / rate.seconds)
    if count < rate.times:
        # Enough of what was counted before this window lies too long ago while the window lasts.
        return math.ceil(left - rate.seconds * (rate.times - 1 - count) / older)
    return math.ceil(left + rate.seconds * (1 - (rate.times - 1) / count))


def forget(name: str, key: str) -> None:
    """Begin anew, e.g. after the right code."""
    now = time.time()
    cache.delete_many([_key(name, key, now), _key(name, key, now - PORTAL[name].seconds)])


def limited(name: str) -> Callable[[View[P]], View[P]]:
    """For a view: each POST counts for the address that it comes from; too many are answered with 429."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def counted(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method == "POST" and not allow(name, address_of(request)):
                return too_many(request, name)
            return view(request, *args, **kwargs)

        return cast(View[P], counted)

    return decorate


def address_of(request: HttpRequest) -> str:
    """Where a request comes from, as a key; an IPv6 customer has a whole /64 and is counted as one, and so are all of
    whom it is unknown."""
    address = ip_address(client_address(request) or UNKNOWN)
    return str(address) if address.version == 4 else str(IPv6Network((address, 64), strict=False))


def too_many(request: HttpRequest, name: str, key: str = "") -> HttpResponse:
    """The page that says so; for a script that waits, with the very time after which the next one of this key is let
    through."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(max(1, seconds_until_next(name, key)) if key else PORTAL[name].seconds)
    return response


def _older(name: str, key: str, now: float) -> tuple[int, float]:
    """What the window before this one counted, and the share of it that still lies within the last `seconds`.

    Two counters thus slide like a list of times, without a lock and without the list.
    """
    seconds = PORTAL[name].seconds
    return cache.get(_key(name, key, now - seconds), 0), 1 - (now % seconds) / seconds


def _key(name: str, key: str, at: float) -> str:
    window = int(at // PORTAL[name].seconds)
    return f"limit:{name}:{hashlib.sha256(key.encode()).hexdigest()}:{window}"
