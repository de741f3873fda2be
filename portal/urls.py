"""Every address of the portal; tests/portal/test_permissions.py says who may go where."""

from django.urls import include, path
from django.views.i18n import set_language

from orders.views import keeping, prints
from portal import audit_pages, everyone, fleet_pages, homes, message_queues, metrics, operations, people, places
from portal.health import health
from portal.notices.stopping import notice_stop
from portal.start import start

urlpatterns = [
    path("", start, name="start"),
    path("health/", health, name="health"),
    path("metrics", metrics.metrics, name="metrics"),
    path("language/", set_language, name="set_language"),
    path("accounts/", include("portal.account_urls")),
    path("stop/<str:token>/", notice_stop, name="notice_stop"),
    path("people/", people.people, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/invitations/<uuid:code>/resend/", people.invitation_resend, name="invitation_resend"),
    path("people/invitations/<uuid:code>/revoke/", people.invitation_revoke, name="invitation_revoke"),
    path("people/<uuid:code>/stop/", people.person_stop, name="person_stop"),
    path("people/<uuid:code>/resume/", people.person_resume, name="person_resume"),
    path("join/<str:token>/", people.join, name="join"),
    path("admin/homes/", homes.homes, name="homes"),
    path("admin/homes/add/", homes.home_add, name="home_add"),
    path("admin/homes/<uuid:code>/", homes.home, name="home"),
    path("admin/homes/<uuid:code>/stop/", homes.home_stop, name="home_stop"),
    path("admin/homes/<uuid:code>/resume/", homes.home_resume, name="home_resume"),
    path("admin/people/", everyone.everyone, name="everyone"),
    path("admin/people/invite/", everyone.everyone_invite, name="everyone_invite"),
    path("admin/companies/add/", homes.company_add, name="company_add"),
    path("admin/people/<uuid:code>/", places.person, name="person"),
    path("admin/people/<uuid:code>/places/add/", places.place_add, name="place_add"),
    path("admin/people/<uuid:code>/places/<uuid:place_code>/remove/", places.place_remove, name="place_remove"),
    path("admin/people/<uuid:code>/second-factor/reset/", places.second_factor_reset, name="second_factor_reset"),
    path("places/<uuid:code>/", places.place_switch, name="place_switch"),
    path("operator/", operations.fleet, name="operator"),
    path("operator/live/", operations.fleet_live, name="operator_live"),
    path("operator/queue/live/", operations.queue_live, name="operator_queue_live"),
    path("operator/messages/", message_queues.shown, name="operator_messages"),
    path("operator/hosts/add/", fleet_pages.host_add, name="host_add"),
    path("operator/hosts/<uuid:code>/", fleet_pages.host, name="host"),
    path("operator/hosts/<uuid:code>/live/", fleet_pages.host_live, name="host_live"),
    path("operator/hosts/<uuid:code>/restart-command/", fleet_pages.host_restart_command, name="host_restart_command"),
    path("operator/hosts/<uuid:code>/examine/", fleet_pages.host_examine, name="host_examine"),
    path("operator/hosts/<uuid:code>/scan/", fleet_pages.host_scan, name="host_scan"),
    path("operator/hosts/<uuid:code>/remove/", fleet_pages.host_remove, name="host_remove"),
    path("operator/instances/<uuid:code>/<str:act>/", fleet_pages.instance_act, name="instance_act"),
    path("operator/hosts/<uuid:code>/drain/", operations.host_drain, name="host_drain"),
    path("operator/hosts/<uuid:code>/resume/", operations.host_resume, name="host_resume"),
    path("audit/", audit_pages.audit_page, name="audit"),
    path("audit/export/", audit_pages.audit_export, name="audit_export"),
    path("keeping/", keeping.periods, name="periods"),
    path("settings/", prints.home_settings, name="home_settings"),
    path("settings/family/", prints.home_family, name="home_family"),
    path("settings/prints/add/", prints.print_size_add, name="print_size_add"),
    path("settings/prints/<slug:key>/remove/", prints.print_size_remove, name="print_size_remove"),
    path("", include("orders.urls")),
]
