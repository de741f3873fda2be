"""The family's own words by a link: agreeing, taking it back, objecting. One thing to do on each page, and no haste."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import ResolverMatch, reverse

from orders import consenting, delivery, family_links, objecting, pins
from orders.forms import RELATIONS
from orders.models import Consent, ConsentText, FamilyLink, Order
from orders.views.family import View, for_family, is_visit, with_family_link
from portal import limits

CONSENT = FamilyLink.Purpose.CONSENT
ASKED = ("GET", "HEAD", "POST")


@dataclass(frozen=True)
class Way:
    """The link by which somebody comes: its order, its kind and its token, for addresses."""

    order: Order
    kind: str
    token: str

    @property
    def back(self) -> str:
        return reverse(_BACK[self.kind], args=[self.token])

    @property
    def withdraw(self) -> str:
        return reverse(f"orders:{self.kind}_withdraw", args=[self.token])

    @property
    def objection(self) -> str:
        return reverse(f"orders:{self.kind}_objection", args=[self.token])


# Kind of link to the page that somebody came from.
_BACK = {"family": "orders:family_consent", "choice": "orders:family_choice", "gallery": "orders:gallery"}
Page = Callable[[HttpRequest, Way], HttpResponseBase]


def _by_family_link(page: Page, purpose: str = CONSENT, kind: str = "family") -> View:
    @with_family_link(purpose, *ASKED)
    @wraps(page)
    def opened(request: HttpRequest, link: FamilyLink) -> HttpResponseBase:
        return page(request, _way_of(request, link, kind))

    return opened


def _by_gallery(page: Page) -> View:
    @for_family(*ASKED)
    @wraps(page)
    def opened(request: HttpRequest, token: str) -> HttpResponseBase:
        link = delivery.open_link(token)
        if link is None:
            raise Http404
        if not pins.is_unlocked(request, link):
            return redirect("orders:gallery", token=token)
        return page(request, Way(link.order, "gallery", token))

    return opened


def _way_of(request: HttpRequest, link: FamilyLink, kind: str = "family") -> Way:
    match = cast(ResolverMatch, request.resolver_match)
    return Way(link.order, kind, match.kwargs["token"])


@with_family_link(CONSENT, *ASKED)
@limits.limited("consent")
def family_consent(request: HttpRequest, link: FamilyLink) -> HttpResponseBase:
    """The words, box by box, and a signature; once answered, a plain page that says so."""
    way = _way_of(request, link)
    if request.method != "POST":
        if is_visit(request):
            family_links.record_visit(link, request)
        return (
            _answered(request, way, link) if link.is_used_up else _paper(request, way, consenting.text_for(link.order))
        )
    answer = consenting.Answer.of_family(request)
    try:
        consenting.record(link.order, answer, by=link, request=request)
    except consenting.AlreadyAnswered:
        return _answered(request, way, link, status=409, too_late=True)
    except consenting.NotRecorded as refused:
        if link.is_used_up:
            return _answered(request, way, link, status=409, too_late=True)
        text = consenting.text_for(link.order)
        return _paper(request, way, text, status=422, answer=answer.to(text), consent_errors=refused.errors)
    return redirect(request.path)


def _paper(request: HttpRequest, way: Way, text: ConsentText, *, status: int = 200, **said: object) -> HttpResponse:
    return _shown(request, "family/consent.html", way, status, text=text, relations=RELATIONS, **said)


def _answered(request: HttpRequest, way: Way, link: FamilyLink, *, status: int = 200, **said: object) -> HttpResponse:
    """For whoever comes after: what was agreed to, and no word of who did."""
    consent = Consent.objects.select_related("text").filter(family_link=link).first()
    return _shown(request, "family/consent_answered.html", way, status, consent=consent, **said)


def _withdraw(request: HttpRequest, way: Way) -> HttpResponseBase:
    """What it means, a name, and then the plain word that it is done: by then this link is closed as well."""
    if way.order.standing_consent is None:
        raise Http404
    form = consenting.WithdrawalForm(request.POST if request.method == "POST" else None, order=way.order)
    if not form.is_valid():
        return _shown(request, "family/withdraw.html", way, 422 if form.is_bound else 200, form=form)
    consenting.withdraw(way.order, by="family", request=request)
    way.order.refresh_from_db(fields=["erased_at"])
    return render(request, "family/withdrawn.html", {"order": way.order, "home": way.order.home})


def _object(request: HttpRequest, way: Way) -> HttpResponseBase:
    form = objecting.ObjectionForm(request.POST or None)
    if form.is_valid():
        objecting.record(way.order, form, by=None, request=request)
        return redirect(f"{request.path}?told")
    page = "family/objection_told.html" if "told" in request.GET and not form.is_bound else "family/objection.html"
    return _shown(request, page, way, 422 if form.is_bound else 200, form=form)


def _shown(request: HttpRequest, page: str, way: Way, status: int = 200, **context: object) -> HttpResponse:
    shared = {"way": way, "order": way.order, "home": way.order.home}
    return render(request, page, shared | context, status=status)


family_withdraw = _by_family_link(limits.limited("consent")(_withdraw))
gallery_withdraw = _by_gallery(limits.limited("consent")(_withdraw))
family_objection = _by_family_link(limits.limited("objection")(_object))
choice_objection = _by_family_link(limits.limited("objection")(_object), FamilyLink.Purpose.CHOICE, "choice")
gallery_objection = _by_gallery(limits.limited("objection")(_object))
