"""Who may come in: the asker's role, and from where they ask."""

from collections.abc import Callable
from functools import wraps
from ipaddress import IPv6Address, ip_address
from typing import Concatenate, ParamSpec, cast

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from portal.models import User

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

# Stands for every address that cannot be told, where one is needed to count by.
UNKNOWN = "::"


def asker(request: HttpRequest) -> User:
    """The logged-in user of a view behind `for_roles`."""
    return cast(User, request.user)


def for_roles(*roles: str) -> Callable[[View[P]], View[P]]:
    """A login with one of these roles; anyone else who is logged in learns nothing, not even that the page exists.

    Whoever needs a second factor and has none yet gets no further than to where one is turned on.
    """

    def decorate(view: View[P]) -> View[P]:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if asker(request).role not in roles or not _may_work_from_here(request):
                raise Http404
            if asker(request).must_enrol:
                return redirect("mfa_index")
            return view(request, *args, **kwargs)

        guarded.roles = roles  # type: ignore[attr-defined]  # for portal.handover
        return cast(View[P], guarded)

    return decorate


def _may_work_from_here(request: HttpRequest) -> bool:
    """Whether an operator or admin asks from one of ADMIN_NETWORKS; nobody else is held to them."""
    user = asker(request)
    if not settings.ADMIN_NETWORKS or not (user.is_operator or user.is_admin):
        return True
    said = client_address(request)
    return said is not None and any(ip_address(said) in network for network in settings.ADMIN_NETWORKS)


def recently_authenticated(view: View[P]) -> View[P]:
    """Below `for_roles`: whoever erases or exports has shown within the last five minutes that it is they.

    Others are asked for their password or second factor first; what they had sent is then done as they sent it.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not did_recently_reauthenticate(request):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return cast(View[P], guarded)


def client_address(request: HttpRequest) -> str | None:
    """The address of the browser: as many steps left of the connection's as there are proxies of ours.

    The leftmost part of X-Forwarded-For is what the browser itself claims, so it is never trusted. None where nothing
    can be read as an address; an IPv4 address that came over IPv6 is the IPv4 address.
    """
    steps = settings.TRUSTED_PROXY_COUNT
    said: str = request.META.get("REMOTE_ADDR") or ""
    if steps:
        forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        said = forwarded[-steps] if len(forwarded) >= steps else said
    # Without the name of the server's own network card, which a link-local address may carry.
    try:
        address = ip_address(said.partition("%")[0])
    except ValueError:
        return None
    return str(address.ipv4_mapped or address) if isinstance(address, IPv6Address) else str(address)
