"""/metrics for Prometheus: whoever brings the token, or an operator who is logged in."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from gpujobs.metrics import Fleet
from portal.access import for_roles

REGISTRY = CollectorRegistry(auto_describe=False)
REGISTRY.register(Fleet())


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponseBase:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        if not settings.METRICS_TOKEN or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
            raise Http404
        return _written(request)
    return for_roles("operator")(_written)(request)


def _written(request: HttpRequest) -> HttpResponse:
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
