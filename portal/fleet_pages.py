"""One GPU host, for an operator: what it can make and what it lacks, and every act on it and its instances."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from gpujobs import doctor, hosts, overview, scanning, wakeup
from gpujobs.driver import target_of
from gpujobs.faults import HostProblem
from gpujobs.models import GpuHost, Instance
from gpujobs.ssh import SshError, fingerprint, scan_host_key
from portal import audit
from portal.access import asker, for_roles
from portal.fleet_forms import HostForm

# What was typed and the key that was seen travel through the browser between the two steps, signed.
SALT, MINUTES = "host.add", 10
ACTS = ("drain", "resume", "restart")


@for_roles("operator")
@require_safe
def host(request: HttpRequest, code: UUID) -> HttpResponse:
    one = _host(code)
    instances = list(one.instances.select_related("host"))
    return render(
        request,
        "portal/host.html",
        {
            "host": one,
            "instances": instances,
            "workflows": _by_workflow(instances),
            "scan": one.scans.first(),
        },
    )


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
    one = _host(code)
    try:
        problems = [f"{instance}: {said}" for instance, said in hosts.examine(one) if isinstance(said, str)]
    except SshError as error:
        problems = [str(error)]
    _tell(request, problems, _("%(host)s: 모두 살펴봤습니다.") % {"host": one.name})
    return redirect("host", one.code)


@for_roles("operator")
@require_POST
def host_scan(request: HttpRequest, code: UUID) -> HttpResponse:
    one = _host(code)
    scan = scanning.scan(one)
    with transaction.atomic():
        audit.record("host.scanned", by=asker(request), subject=one.code, request=request, found=scan.found)
    said = _("%(n)d개를 찾아 지웠습니다.") % {"n": scan.found} if scan.found else _("남은 것이 없습니다.")
    _tell(request, [scan.trouble] if scan.trouble else [], said)
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
        _tell(request, [str(problem)], "")
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
        _restart(request, instance)
        return redirect("host", instance.host.code)
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


def _restart(request: HttpRequest, instance: Instance) -> None:
    with transaction.atomic():
        # Before it is tried: what was asked for stands, whatever comes of it.
        audit.record("instance.restart", by=asker(request), subject=instance.code, request=request)
    try:
        hosts.restart(instance)
    except (HostProblem, SshError) as error:
        _tell(request, [str(error)], "")
        return
    wakeup.wake()
    said = _("%(one)s: 다시 켰습니다. 작은 시험을 통과하면 일을 받습니다.") % {"one": instance}
    messages.success(request, said)


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
            form.add_error(None, _("호스트에 닿지 못했습니다: %(why)s") % {"why": error})
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
    names = ("name", "address", "port", "username", "key_path", "passphrase_name", "jump")
    return GpuHost(**{name: typed[name] for name in names})


def _add(request: HttpRequest) -> HttpResponse:
    try:
        typed = signing.loads(request.POST["seen"], salt=SALT, max_age=MINUTES * 60)
    except signing.BadSignature:
        messages.error(request, _("시간이 지났습니다. 처음부터 다시 해 주세요."))
        return redirect("host_add")
    typed["jump"] = GpuHost.objects.filter(name=typed["jump"]).first()
    new = _new(typed)
    new.host_key = typed["host_key"]
    if GpuHost.objects.filter(name=new.name).exists():
        # The second of two clicks.
        return redirect("operator")
    try:
        with transaction.atomic():
            hosts.add(new, typed["ports"], directory=typed["directory"])
            audit.record(
                "host.added", by=asker(request), subject=new.code, request=request, key=fingerprint(new.host_key)
            )
    except (HostProblem, SshError) as error:
        _tell(request, [str(error)], "")
        return redirect("host_add")
    wakeup.wake()
    messages.success(request, _("%(host)s: 더했습니다.") % {"host": new.name})
    return redirect("host", new.code)


def _host(code: UUID) -> GpuHost:
    one = overview.get_host(code)
    if one is None or one.state == GpuHost.State.RETIRED:
        raise Http404
    return one


def _tell(request: HttpRequest, problems: list[str], done: str) -> None:
    for problem in problems:
        messages.error(request, _("하지 못했습니다: %(why)s") % {"why": problem})
    if not problems:
        messages.success(request, done)
