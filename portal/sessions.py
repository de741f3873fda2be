"""Open logins: what each is (device, address, last seen), ending them, and ending by itself what nobody uses.

A login is a row beside Django's session. Ending it removes both, so that the next request of that browser is nobody's.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account.signals import password_changed, password_reset
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import audit
from portal.access import client_address
from portal.models import OpenLogin, User

# In the session: which login it is, when it began and when somebody last did something (seconds since 1970).
LOGIN, STARTED_AT, ACTIVE_AT = "open_login", "started_at", "active_at"
# Written down no more often than this, and so the precision of everything here.
EVERY_SECONDS = 60


def end_when_idle(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Log out whoever did nothing for as long as their role allows, and everybody at the end of a long day; the page
    asked for then leads to the login."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if isinstance(request.user, User):
            now = time.time()
            # Each time a session is kept its end moves on; the login's own end stands.
            if now - request.session.setdefault(STARTED_AT, int(now)) > settings.SESSION_COOKIE_AGE:
                _end(request, request.user, "login.expired", _("로그인하신 지 오래되어 로그인을 끝냈습니다."))
            elif now - request.session.get(ACTIVE_AT, now) > idle_seconds(request.user):
                _end(request, request.user, "login.idle", _("오래 쓰지 않아 로그인을 끝냈습니다."))
            elif not _asked_by_the_page_itself(request):
                _keep_alive(request)
        response = get_response(request)
        if "HX-Request" in request.headers and _leads_to_login(response):
            return _whole_page_to_login(request)
        return response

    return answer


def idle_seconds(user: User) -> int:
    minutes = settings.IDLE_MINUTES_HOME if user.works_at_home else settings.IDLE_MINUTES_PORTAL
    return minutes * 60


def of(user: User) -> QuerySet[OpenLogin]:
    """The logins that may still be used."""
    return user.open_logins.filter(started_at__gt=_earliest()).order_by("-last_seen_at")


def end(logins: QuerySet[OpenLogin], *, by: User, request: HttpRequest) -> int:
    """Close them at once; returns how many. Each is written down."""
    with transaction.atomic():
        closed = list(logins.select_for_update(of=("self",)).select_related("user__home"))
        Session.objects.filter(session_key__in=[login.session_key for login in closed]).delete()
        for login in closed:
            user = login.user
            audit.record("login.closed", by=by, home=user.home, subject=user.code, request=request)
        OpenLogin.objects.filter(pk__in=[login.pk for login in closed]).delete()
    return len(closed)


def is_this(login: OpenLogin, request: HttpRequest) -> bool:
    return request.session.get(LOGIN) == str(login.code)


@receiver(user_logged_in)
def begun(request: HttpRequest, user: User, **kwargs: Any) -> None:
    _forget_old_ones(user)
    login = OpenLogin.objects.create(
        user=user,
        session_key=request.session.session_key or "",
        address=client_address(request),
        browser=request.headers.get("User-Agent", "")[: OpenLogin.LONGEST_BROWSER],
    )
    request.session[LOGIN] = str(login.code)
    request.session[STARTED_AT] = request.session[ACTIVE_AT] = int(time.time())


@receiver(user_logged_out)
def ended(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    OpenLogin.objects.filter(code=request.session.get(LOGIN)).delete()


@receiver([password_changed, password_reset])
def only_this_one_remains(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Django has made the other sessions useless and given this one a new key."""
    current = request.session.get(LOGIN)
    end(user.open_logins.exclude(code=current), by=user, request=request)
    user.open_logins.filter(code=current).update(session_key=request.session.session_key or "")


def _end(request: HttpRequest, user: User, action: str, why: str) -> None:
    with transaction.atomic():
        audit.record(action, by=user, home=user.home, subject=user.code, request=request)
        logout(request)
    back = _("다시 로그인하시면 보던 화면으로 돌아갑니다.")
    messages.info(request, f"{why} {back}")


def _keep_alive(request: HttpRequest) -> None:
    now = int(time.time())
    if now - request.session.get(ACTIVE_AT, 0) < EVERY_SECONDS:
        return
    request.session[ACTIVE_AT] = now
    login = OpenLogin.objects.filter(code=request.session.get(LOGIN))
    login.update(last_seen_at=timezone.now(), address=client_address(request))


def _leads_to_login(response: HttpResponseBase) -> bool:
    return response.status_code == 302 and response["Location"].startswith(resolve_url(settings.LOGIN_URL))


def _whole_page_to_login(request: HttpRequest) -> HttpResponse:
    """The login is a page of its own, and no part of the one that asked for a part of itself."""
    page = urlsplit(request.headers.get("HX-Current-URL", ""))
    query = QueryDict(mutable=True)
    query["next"] = urlunsplit(("", "", page.path or "/", page.query, ""))
    login = f"{resolve_url(settings.LOGIN_URL)}?{query.urlencode(safe='/')}"
    return HttpResponse(status=204, headers={"HX-Redirect": login})


def _asked_by_the_page_itself(request: HttpRequest) -> bool:
    """A page that is left open goes on asking what is new; that is nobody at work."""
    return request.method in ("GET", "HEAD") and "HX-Request" in request.headers


def _earliest() -> datetime:
    """When a login that may still be used has begun at the earliest."""
    return timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)


def _forget_old_ones(user: User) -> None:
    user.open_logins.filter(started_at__lt=_earliest()).delete()


def forget_expired() -> None:
    """Remove sessions that are over: what was sent while a password was asked for may still stand in one."""
    SessionStore.clear_expired()
