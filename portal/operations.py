"""The operator's page: what every GPU does now, what waits, what ended, and taking a host out of work or back in."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from gpujobs import history, overview, wakeup
from gpujobs.models import GpuHost
from portal import audit, charts, live
from portal.access import asker, for_roles


@for_roles("operator")
@require_safe
def fleet(request: HttpRequest) -> HttpResponse:
    day = charts.of_day(history.last_day(timezone.now()))
    return render(request, "portal/operator.html", {"fleet": _fleet(), "queue": _queue(), "charts": day})


@for_roles("operator")
@require_safe
def fleet_live(request: HttpRequest) -> HttpResponseBase:
    """What can be made, and the hosts; 304 while nothing changed."""
    shown = _fleet()
    return live.fragment(request, "portal/_fleet.html", {"fleet": shown}, version=shown["version"])


@for_roles("operator")
@require_safe
def queue_live(request: HttpRequest) -> HttpResponseBase:
    """What waits and what ended; 304 while nothing changed."""
    shown = _queue()
    return live.fragment(request, "portal/_queue.html", {"queue": shown}, version=shown["version"])


@for_roles("operator")
@require_POST
def host_drain(request: HttpRequest, code: UUID) -> HttpResponse:
    """Let the host finish what it has and give it nothing new."""
    host = _set_state(request, code, GpuHost.State.DRAINING, "host.drained")
    messages.success(request, _("%(host)s: 하던 일까지만 하고 쉽니다. 새 일은 받지 않습니다.") % {"host": host.name})
    return redirect("operator")


@for_roles("operator")
@require_POST
def host_resume(request: HttpRequest, code: UUID) -> HttpResponse:
    host = _set_state(request, code, GpuHost.State.ACTIVE, "host.resumed")
    messages.success(request, _("%(host)s: 다시 일을 받습니다.") % {"host": host.name})
    return redirect("operator")


def _set_state(request: HttpRequest, code: UUID, state: str, action: str) -> GpuHost:
    host = overview.get_host(code)
    if host is None or host.state == GpuHost.State.RETIRED:
        raise Http404
    with transaction.atomic():
        if GpuHost.objects.filter(pk=host.pk).exclude(state=state).update(state=state):
            audit.record(action, by=asker(request), subject=host.code, request=request)
            # Its driver looks at the state when it is woken: to stop taking work, or to begin.
            wakeup.after_commit()
    return host


def _fleet() -> dict[str, Any]:
    """``version`` stands for all of it that changes."""
    hosts, makeable = overview.hosts(), overview.makeable()
    instances = [one for each in hosts for one in each.instances]
    state: list[Any] = [
        [(each.workflow, each.on, [(lack.kind, lack.what, lack.instances) for lack in each.lacks]) for each in makeable]
    ]
    for each in hosts:
        host = each.host
        state.append((host.code, host.state, each.driven, host.fault, host.fault_at))
        for one in each.instances:
            instance = one.instance
            state.append((instance.code, instance.state, instance.warm_workflow, instance.fault, instance.fault_at))
            state.append(instance.memory_free_mb)
            state += [(work.attempt.pk, work.attempt.state, _step(work.progress)) for work in one.at_work]
    return {
        "hosts": hosts,
        "makeable": makeable,
        "impossible": [each for each in makeable if not each.on],
        "instances": len(instances),
        "working": sum(bool(one.at_work) for one in instances),
        "version": live.version_of(state),
    }


def _queue() -> dict[str, Any]:
    waiting, ended, length = overview.queue(), overview.ended(), overview.queue_length()
    state: list[Any] = [length, [attempt.pk for attempt in ended]]
    state += [(each.job.pk, each.waits, each.possible, each.warm_on, each.put_off_until) for each in waiting]
    return {"waiting": waiting, "ended": ended, "length": length, "version": live.version_of(state)}


def _step(progress: overview.Progress | None) -> tuple[int, int] | None:
    return (progress.step, progress.steps) if progress else None
