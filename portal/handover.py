"""One desk, many people, each with a login of their own: handing over in one press, and who comes next in two.

A device remembers in a signed cookie who of a home logged in on it, by their codes alone. The login page offers their
names; the password or passkey is asked for each time. A short PIN is not offered: at a desk that the public passes,
what protects the families' pictures would be four digits that everybody at the desk has seen typed.
"""

from urllib.parse import urlsplit
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm as AllauthLoginForm
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from portal.models import User

COOKIE, SALT = f"{settings.COOKIE_PREFIX}desk", "portal.handover"
DAYS = 30
MOST = 8


class LoginForm(AllauthLoginForm):  # type: ignore[misc]  # allauth is untyped
    """With the names of those who were at this device lately; one that is pressed needs only the password."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.colleagues = colleagues(self.request)
        who = self.request.GET.get("who", "")
        self.chosen = next((person for person in self.colleagues if str(person.code) == who), None)
        if self.chosen:
            self.fields["login"].initial = self.chosen.email
            self.fields["password"].widget.attrs["autofocus"] = True


@require_POST
def handover(request: HttpRequest) -> HttpResponse:
    """End this login; the next person comes back to the same page if they may see it."""
    page = request.POST.get("next", "")
    get_adapter().logout(request)
    login = reverse("account_login")
    if not url_has_allowed_host_and_scheme(page, allowed_hosts=None):
        return redirect(login)
    query = QueryDict(mutable=True)
    query["next"] = page
    return redirect(f"{login}?{query.urlencode(safe='/')}")


@require_POST
def forget_colleagues(request: HttpRequest) -> HttpResponse:
    response = redirect("account_login")
    response.delete_cookie(COOKIE, samesite="Lax")
    return response


def colleagues(request: HttpRequest) -> list[User]:
    """Who logged in on this device lately, the last first; of one home, that of the last of them."""
    known = User.objects.select_related("home").filter(code__in=_codes(request), role__in=User.HOME_ROLES)
    people = sorted((user for user in known if user.may_log_in), key=lambda user: _codes(request).index(user.code))
    return [person for person in people if person.home_id == people[0].home_id]


def remember(response: HttpResponseBase, request: HttpRequest, user: User) -> None:
    if not user.works_at_home:
        return
    codes = [user.code, *(code for code in _codes(request) if code != user.code)][:MOST]
    response.set_signed_cookie(
        COOKIE,
        ",".join(map(str, codes)),
        salt=SALT,
        max_age=DAYS * 24 * 60 * 60,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def may_come_back(request: HttpRequest, user: User, url: str) -> bool:
    """Whether this page is there for whoever comes after the last one on this device: their role, the same home."""
    try:
        view = resolve(urlsplit(url).path).func
    except Resolver404:
        return False
    if user.role not in getattr(view, "roles", User.Role.values):
        return False
    last = User.objects.filter(code__in=_codes(request)[:1]).first()
    return last is None or last.home_id == user.home_id


def _codes(request: HttpRequest) -> list[UUID]:
    cookie = request.get_signed_cookie(COOKIE, "", salt=SALT, max_age=DAYS * 24 * 60 * 60)
    # Signed by us, so what is there is what we wrote.
    return [UUID(code) for code in cookie.split(",") if code]
