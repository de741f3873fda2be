"""Of allauth's pages those that are used: nobody signs up, changes address or logs in by another site's account."""

from allauth.account import views as account
from django.urls import include, path, re_path

from portal import handover, session_pages

urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("handover/", handover.handover, name="handover"),
    path("handover/forget/", handover.forget_colleagues, name="forget_colleagues"),
    path("logins/", session_pages.logins, name="logins"),
    path("logins/end-others/", session_pages.logins_end_others, name="logins_end_others"),
    path("logins/<uuid:code>/end/", session_pages.login_end, name="login_end"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("2fa/", include("allauth.mfa.urls")),
]
