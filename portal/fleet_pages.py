"""One GPU host, for an operator: what it can make and what it lacks, and every act on it and its instances."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from gpujobs import doctor, errands, hosts, overview, wakeup
from gpujobs.driver import target_of
from gpujobs.faults import HostProblem
from gpujobs.models import Errand, GpuHost, Instance
from gpujobs.ssh import SshError, fingerprint, scan_host_key
from portal import audit, live
from portal.access import asker, for_roles
from portal.fault_words import in_words
from portal.fleet_forms import HostForm, RestartForm, restart_choices

# What was typed and the key that was seen travel through the browser between the two steps, signed.
SALT, MINUTES = "host.add", 10
ACTS = ("drain", "resume", "restart")
ERRANDS_SHOWN = 5


@for_roles("operator")
@require_safe
def host(request: HttpRequest, code: UUID) -> HttpResponse:
    one = _host(code)
    shown = _shown(one)
    return render(request, "portal/host.html", shown | {"restart": RestartForm(initial=_chosen(shown["instances"]))})


@for_roles("operator")
@require_safe
def host_live(request: HttpRequest, code: UUID) -> HttpResponseBase:
    """The page's changing part; 304 while nothing changed."""
    shown = _shown(_host(code))
    return live.fragment(request, "portal/_host.html", shown | {"oob": True}, version=shown["version"])


def _shown(one: GpuHost) -> dict[str, Any]:
    instances = list(one.instances.select_related("host"))
    shown: dict[str, Any] = {
        "host": one,
        "instances": instances,
        "workflows": _by_workflow(instances),
        "scan": one.scans.first(),
        "errands": list(one.errands.select_related("instance__host")[:ERRANDS_SHOWN]),
    }
    state = [
        one.state,
        [
            (i.code, i.state, i.fault, i.examined_at, i.restart_command, i.disk_free_mb, i.memory_free_mb)
            for i in instances
        ],
        shown["scan"] and shown["scan"].pk,
        [(errand.code, errand.begun_at, errand.ended_at) for errand in shown["errands"]],
    ]
    return shown | {"version": live.version_of(state)}


def _chosen(instances: list[Instance]) -> dict[str, str]:
    """Which of the commands to choose from the first instance has."""
    for instance in instances[:1]:
        for command, _label in restart_choices():
            if hosts.restart_words(command, instance) == instance.restart_command:
                return {"command": command}
    return {}


def _by_workflow(instances: list[Instance]) -> list[dict[str, Any]]:
    """For each workflow where it can be made, and what is missing where it cannot."""
    rows = []
    verdicts = {instance: {v.workflow: v for v in doctor.verdicts_of(instance)} for instance in instances}
    for name in doctor.workflows.names():
        seen = [(instance, verdicts[instance].get(name)) for instance in instances]
        findings: dict[doctor.Finding, list[int]] = {}
        for instance, verdict in seen:
            for finding in verdict.findings if verdict else ():
                findings.setdefault(finding, []).append(instance.port)
        # What keeps it from being made first; each thing once, with the instances it is true of.
        ordered = sorted(findings.items(), key=lambda each: each[0].kind == doctor.Kind.NOTE)
        rows.append({"name": name, "seen": seen, "findings": ordered})
    return rows


@for_roles("operator")
@require_POST
def host_examine(request: HttpRequest, code: UUID) -> HttpResponse:
    return _send(request, _host(code), Errand.Kind.EXAMINE)


@for_roles("operator")
@require_POST
def host_scan(request: HttpRequest, code: UUID) -> HttpResponse:
    return _send(request, _host(code), Errand.Kind.SCAN)


def _send(request: HttpRequest, one: GpuHost, kind: Errand.Kind, instance: Instance | None = None) -> HttpResponse:
    """Somebody goes there; the page shows how far they are and what came of it."""
    with transaction.atomic():
        if errands.ask(one, kind, instance):
            subject = instance.code if instance else one.code
            action = f"instance.{kind}" if instance else f"host.{kind}"
            audit.record(action, by=asker(request), subject=subject, request=request)
    return redirect("host", one.code)


@for_roles("operator")
@require_POST
def host_restart_command(request: HttpRequest, code: UUID) -> HttpResponse:
    """Choose the command by which the host's instances are restarted."""
    one, form = _host(code), RestartForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("목록에 있는 명령만 고를 수 있습니다."))
        return redirect("host", one.code)
    command = form.cleaned_data["command"]
    with transaction.atomic():
        for instance in one.instances.select_related("host"):
            hosts.set_restart_command(instance, command)
        audit.record("host.restart_command", by=asker(request), subject=one.code, request=request, command=command)
    messages.success(request, _("%(host)s: 다시 켜는 명령을 바꿨습니다.") % {"host": one.name})
    return redirect("host", one.code)


@for_roles("operator")
@require_POST
def host_remove(request: HttpRequest, code: UUID) -> HttpResponse:
    one = _host(code)
    if request.POST.get("typed") != one.name:
        messages.error(request, _("지우려면 호스트 이름을 그대로 적어 주세요."))
        return redirect("host", one.code)
    try:
        with transaction.atomic():
            forgotten = hosts.remove(one)
            audit.record("host.removed", by=asker(request), subject=code, request=request, forgotten=forgotten)
    except HostProblem as problem:
        messages.error(request, _why(problem))
        return redirect("host", code)
    messages.success(request, _("%(host)s: 목록에서 뺐습니다.") % {"host": one.name})
    return redirect("operator")


@for_roles("operator")
@require_POST
def instance_act(request: HttpRequest, code: UUID, act: str) -> HttpResponse:
    """Drain, resume or restart one instance."""
    instance = Instance.objects.select_related("host").filter(code=code).first()
    if act not in ACTS or instance is None or instance.host.state == GpuHost.State.RETIRED:
        raise Http404
    if act == "restart":
        return _send(request, instance.host, Errand.Kind.RESTART, instance)
    with transaction.atomic():
        changed = hosts.drain(instance) if act == "drain" else hosts.resume(instance)
        if changed:
            audit.record(f"instance.{act}", by=asker(request), subject=instance.code, request=request)
    said = {
        "drain": _("%(one)s: 하던 일까지만 하고 쉽니다. 새 일은 받지 않습니다."),
        "resume": _("%(one)s: 다시 일을 받습니다."),
    }[act]
    messages.success(request, said % {"one": instance})
    return redirect("host", instance.host.code)


@for_roles("operator")
def host_add(request: HttpRequest) -> HttpResponse:
    """Two steps: what is typed is answered with the fingerprint that the host shows; only a yes to that adds it."""
    if request.method == "POST" and "seen" in request.POST:
        return _add(request)
    form = HostForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        new = _new(form.cleaned_data)
        try:
            key = scan_host_key(new.address, new.port, jump=target_of(new.jump) if new.jump else None)
        except SshError as error:
            form.add_error(None, _why(error))
        else:
            return render(
                request,
                "portal/host_confirm.html",
                {"new": new, "fingerprint": fingerprint(key), "seen": _signed(form.cleaned_data, key)},
            )
    return render(request, "portal/host_add.html", {"form": form}, status=422 if form.errors else 200)


def _signed(typed: dict[str, Any], key: str) -> str:
    jump = typed["jump"].name if typed["jump"] else ""
    return signing.dumps(typed | {"jump": jump, "host_key": key}, salt=SALT)


def _new(typed: dict[str, Any]) -> GpuHost:
    names = ("name", "address", "port", "username", "key_path", "key_name", "passphrase_name", "jump")
    return GpuHost(**{name: typed[name] for name in names if name in typed})


def _add(request: HttpRequest) -> HttpResponse:
    try:
        typed = signing.loads(request.POST["seen"], salt=SALT, max_age=MINUTES * 60)
    except signing.BadSignature:
        messages.error(request, _("시간이 지났습니다. 처음부터 다시 해 주세요."))
        return redirect("host_add")
    typed["jump"] = hosts.find(typed["jump"])
    new = _new(typed)
    new.host_key = typed["host_key"]
    if not hosts.is_free(new.name):
        # The second of two clicks.
        return redirect("operator")
    try:
        with transaction.atomic():
            hosts.add(new, typed["ports"], directory=typed["directory"], restart=typed["restart"])
            audit.record(
                "host.added", by=asker(request), subject=new.code, request=request, key=fingerprint(new.host_key)
            )
    except (HostProblem, SshError) as error:
        messages.error(request, _why(error))
        return redirect("host_add")
    wakeup.wake()
    messages.success(request, _("%(host)s: 더했습니다.") % {"host": new.name})
    return redirect("host", new.code)


def _host(code: UUID) -> GpuHost:
    one = overview.get_host(code)
    if one is None or one.state == GpuHost.State.RETIRED:
        raise Http404
    return one


def _why(error: HostProblem | SshError) -> str:
    """Our own sentence, and what the machine said."""
    code = error.code if isinstance(error, HostProblem) else type(error).__name__
    return f"{in_words(code)} ({error})"
