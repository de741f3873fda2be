"""Logins: given by invitation, ended at once, each of them written down."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal import audit, handover
from portal.absolute import absolute_url
from portal.access import UNKNOWN, client_address
from portal.models import User

log = logging.getLogger(__name__)


class HomeBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth is untyped
    """E-mail and password, for people who are active in a home that is."""

    def user_can_authenticate(self, user: User) -> bool:
        return user.may_log_in

    def get_user(self, user_id: int) -> User | None:
        """Asked on every request, so whoever is deactivated is out with the next one. The home comes along."""
        user = User.objects.select_related("home").filter(pk=user_id).first()
        return user if user and user.may_log_in else None


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    error_messages = DefaultAccountAdapter.error_messages | {
        # Said alike of an address that nobody has.
        "too_many_login_attempts": _(
            "비밀번호를 여러 번 틀려 이 계정을 잠시 잠갔습니다. 5분 뒤에 다시 하시거나 비밀번호를 다시 정해 주세요."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Read as everywhere else; all of whom it is unknown count as one."""
        return client_address(request) or UNKNOWN

    def get_reset_password_from_key_url(self, key: str) -> str:
        # allauth would build it on the Host that the request claims.
        uidb36, _, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uidb36, "key": token})
        return absolute_url(path)

    def format_email_subject(self, subject: str) -> str:
        return f"[ConnectDream] {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:  # smtplib's errors are OSErrors too
            # What was done stands, and whoever asked for a link asks again.
            log.error("mail %s not sent: %s", template_prefix, type(error).__name__)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            self._record_attempt("login.locked", request, credentials)
            raise

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        if not user.may_log_in:
            return self.respond_user_inactive(request, user)
        return super().pre_login(request, user, **kwargs)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        if isinstance(response, HttpResponseRedirect) and not handover.may_come_back(request, user, response.url):
            response = HttpResponseRedirect(reverse("start"))
        handover.remember(response, request, user)
        return response

    @transaction.atomic
    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        _record("login.succeeded", user, request)

    @transaction.atomic
    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            _record("login.ended", request.user, request)
        super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        self._record_attempt("login.failed", request, credentials)

    @transaction.atomic
    def _record_attempt(self, action: str, request: HttpRequest, credentials: dict[str, Any]) -> None:
        user = User.objects.filter(email__iexact=credentials.get("email", "")).first()
        audit.record(
            action,
            by="system",
            home=user.home if user else None,
            subject=user.code if user else None,
            request=request,
        )

    @transaction.atomic
    def set_password(self, user: User, password: str) -> None:
        super().set_password(user, password)
        _record("password.changed", user, self.request)


def _record(action: str, user: User, request: HttpRequest) -> None:
    audit.record(action, by=user, home=user.home, subject=user.code, request=request)
