"""Every address of the portal; tests/portal/test_permissions.py says who may go where."""

from django.urls import include, path
from django.views.i18n import set_language

from portal import metrics, operations, people
from portal.health import health
from portal.start import start

urlpatterns = [
    path("", start, name="start"),
    path("health/", health, name="health"),
    path("metrics", metrics.metrics, name="metrics"),
    path("language/", set_language, name="set_language"),
    path("accounts/", include("portal.account_urls")),
    path("people/", people.people, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/invitations/<uuid:code>/resend/", people.invitation_resend, name="invitation_resend"),
    path("people/invitations/<uuid:code>/revoke/", people.invitation_revoke, name="invitation_revoke"),
    path("people/<uuid:code>/stop/", people.person_stop, name="person_stop"),
    path("people/<uuid:code>/resume/", people.person_resume, name="person_resume"),
    path("join/<str:token>/", people.join, name="join"),
    path("operator/", operations.fleet, name="operator"),
    path("operator/live/", operations.fleet_live, name="operator_live"),
    path("operator/hosts/<uuid:code>/drain/", operations.host_drain, name="host_drain"),
    path("operator/hosts/<uuid:code>/resume/", operations.host_resume, name="host_resume"),
    path("", include("orders.urls")),
]
