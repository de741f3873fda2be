"""Everybody who can log in, for an admin: who they are, where they work, when last seen; and invitations."""

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from portal import limits
from portal.access import for_roles
from portal.forms import InviteAnyoneForm
from portal.models import Invitation, User
from portal.people import may_invite_more, send_invitation

PER_PAGE = 50
LONGEST_SEARCH = 60


@for_roles("admin")
@require_safe
def everyone(request: HttpRequest) -> HttpResponse:
    return _page(request, InviteAnyoneForm())


@for_roles("admin")
@require_POST
def everyone_invite(request: HttpRequest) -> HttpResponse:
    if not may_invite_more(request):
        return limits.too_many(request, "invite")
    form = InviteAnyoneForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    given = form.cleaned_data
    return send_invitation(request, given["home"], given["email"], given["role"])


def _page(request: HttpRequest, form: InviteAnyoneForm, *, status: int = 200) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    role = request.GET.get("role", "")
    people = User.objects.select_related("home").order_by("-is_active", "home__name", "name", "pk")
    if query:
        people = people.filter(Q(name__icontains=query) | Q(email__icontains=query) | Q(home__name__icontains=query))
    if role in User.Role.values:
        people = people.filter(role=role)
    context = {
        "form": form,
        "q": query,
        "role": role,
        "roles": User.Role.choices,
        "page": Paginator(people, PER_PAGE).get_page(request.GET.get("page")),
        "invitations": Invitation.objects.filter(accepted_at=None).select_related("invited_by", "home")[:PER_PAGE],
    }
    return render(request, "portal/everyone.html", context, status=status)
