"""Letting a colleague in: invited by the home's manager or by an admin, by e-mail, once.

Whoever has an account already gets another place to work at; who invites is not told which of the two it was.
"""

import logging

from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from portal import audit
from portal.absolute import absolute_url
from portal.models import FuneralHome, Invitation, Membership, User, hash_token

log = logging.getLogger(__name__)


class AlreadyUsed(Exception):
    """The invitation was spent, taken back or renewed, or made useless by an account or a place come by meanwhile."""


def invite(home: FuneralHome | None, email: str, role: str, *, by: User, request: HttpRequest | None = None) -> bool:
    """Invite, or renew an invitation that waits, so that its older link dies. False if the mail could not be sent."""
    with transaction.atomic():
        invitation, token = Invitation.issue(home=home, email=email, role=role, invited_by=by)
        audit.record(
            "invitation.sent", by=by, home=home, subject=invitation.code, request=request, role=invitation.role
        )
    return _send(invitation, token)


def take_back(invitation: Invitation, *, by: User, request: HttpRequest | None = None) -> bool:
    """Remove an invitation that waits; false if it was just accepted."""
    with transaction.atomic():
        removed, _rows = Invitation.objects.filter(pk=invitation.pk, accepted_at=None).delete()
        if removed:
            audit.record("invitation.taken_back", by=by, home=invitation.home, subject=invitation.code, request=request)
    return removed == 1


def open_invitation(token: str) -> Invitation | None:
    """The invitation of a token while it may be used; expired, used and unknown ones are all None."""
    invitation = Invitation.objects.filter(token_hash=hash_token(token)).select_related("home", "invited_by").first()
    if invitation is None or not invitation.is_open or _works_there(account_of(invitation), invitation):
        return None
    return invitation if invitation.home is None or invitation.home.is_active else None


def account_of(invitation: Invitation) -> User | None:
    return User.objects.filter(email__iexact=invitation.email).first()


def bring(user: User, invitation: Invitation, *, request: HttpRequest | None = None) -> Membership:
    """Another place for somebody who has an account, where they are from now on. Raises AlreadyUsed."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if _works_there(user, invitation) or not invitation.use():
            raise AlreadyUsed
        place = Membership.objects.create(user=user, home=invitation.home, role=invitation.role)
        user.work_at(place)
        _record_accepted(user, invitation, request)
    return place


def _works_there(user: User | None, invitation: Invitation) -> bool:
    place = {"home": invitation.home} if invitation.home else {"home": None, "role": invitation.role}
    return user is not None and user.memberships.filter(**place).exists()


def accept(invitation: Invitation, *, name: str, password: str, request: HttpRequest | None = None) -> User:
    """The new colleague. Raises AlreadyUsed."""
    with transaction.atomic():
        if not invitation.use() or User.objects.filter(email__iexact=invitation.email).exists():
            raise AlreadyUsed
        user = User.objects.create_user(
            invitation.email, password, name=name, role=invitation.role, home=invitation.home
        )
        _record_accepted(user, invitation, request)
    return user


def _record_accepted(user: User, invitation: Invitation, request: HttpRequest | None) -> None:
    audit.record(
        "invitation.accepted",
        by=user,
        home=invitation.home,
        subject=user.code,
        request=request,
        invitation=str(invitation.code),
        role=invitation.role,
    )


def _send(invitation: Invitation, token: str) -> bool:
    url = absolute_url(reverse("join", args=[token]))
    context = {"invitation": invitation, "home": invitation.home, "by": invitation.invited_by, "url": url}
    context["account"] = account_of(invitation)
    subject = " ".join(render_to_string("portal/email/invitation_subject.txt", context).split())
    message = render_to_string("portal/email/invitation_message.txt", context)
    try:
        send_mail(subject, message, None, [invitation.email])
    except OSError as error:  # smtplib's errors are OSErrors too
        log.warning("invitation %s not sent: %s", invitation.code, type(error).__name__)
        return False
    return True
