"""Which workflows are possible on an instance, or exactly what each of them lacks there.

The verdict is stored with the instance and claims go by it: what the doctor has not found possible is not sent
there. `examine` asks the live ComfyUI for its node classes and the lists of its loaders, and the disk by SFTP for
models that no loader lists.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone

from gpujobs import workflows
from gpujobs.disk import Disk
from gpujobs.faults import MISSING_MODEL, MISSING_NODE
from gpujobs.looking import Gpu, Seen, disk_free_mb, look_at
from gpujobs.models import Attempt, Instance
from gpujobs.runner import Reach
from gpujobs.workflows import Workflow
from gpujobs.workflows.graphs import Graph
from gpujobs.workflows.model_files import ModelFile
from gpujobs.workflows.packages import COMFYUI, NODE_CLASSES, Package
from gpujobs.workflows.parameters import ANY, Choice

log = logging.getLogger(__name__)

STALE_AFTER = timedelta(hours=1)
# Pictures and videos are small; below this the disk is about to fill up with something else.
DISK_NEEDED_MB = 2_000
# A package of another version differs in many inputs; a few of them show which.
PROBLEMS_SAID = 4
MISSING = (MISSING_NODE.code, MISSING_MODEL.code)


class Kind(StrEnum):
    """What a finding is about. NOTE alone keeps no workflow from being made."""

    NODE = "node"
    VERSION = "version"
    MODEL = "model"
    MEMORY = "memory"
    DISK = "disk"
    REFUSED = "refused"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``what`` is a name (class, package, path), ``detail`` says in English what is the matter with it."""

    kind: Kind
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.what}: {self.detail}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    workflow: str
    findings: tuple[Finding, ...]

    @property
    def missing(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.kind != Kind.NOTE)

    @property
    def ready(self) -> bool:
        return not self.missing


# An instance with its verdicts, or with a sentence where it could not be examined.
Result = tuple[Instance, list[Verdict] | str]


def is_stale(instance: Instance) -> bool:
    """Whether nobody looked for a while, or the instance has refused something as missing since."""
    if instance.examined_at is None or instance.examined_at < timezone.now() - STALE_AFTER:
        return True
    return bool(instance.fault in MISSING and instance.fault_at and instance.fault_at > instance.examined_at)


def examine(reach: Reach, *, gpus: Sequence[Gpu] = (), forgive: bool = False) -> list[Verdict]:
    """Look at the instance, say what is possible there, and write it down where the instance is on record.

    A workflow whose job was refused here for want of something in the last hour is not possible, whatever the lists
    say, unless it is to be forgiven: otherwise that job would come here again and again. Raises HostProblem,
    ComfyError, SshError.
    """
    instance = reach.instance
    seen = look_at(reach, gpus=gpus)
    object_info = reach.comfy.object_info()
    disk = Disk(reach.connection.sftp(), instance)
    free_mb = disk_free_mb(reach.connection, instance.output_dir)
    common = [*_of_disk(free_mb, instance.output_dir), *_of_process(seen)]
    refused = {} if forgive or instance.pk is None else _refused(instance)
    verdicts = []
    for name in workflows.names():
        workflow = workflows.get(name)
        findings = [
            *_of_nodes(workflow, object_info),
            *_of_models(workflow, object_info, disk),
            *_of_memory(workflow, instance),
            *refused.get(name, ()),
            *common,
        ]
        verdicts.append(Verdict(workflow=name, findings=tuple(findings)))
    _write_down(instance, verdicts, free_mb)
    return verdicts


def verdicts_of(instance: Instance) -> list[Verdict]:
    """What the last examination said; nothing for an instance that nobody examined."""
    if instance.examined_at is None:
        return []
    return [
        Verdict(
            workflow=name,
            findings=tuple(
                Finding(kind=Kind(each["kind"]), what=each["what"], detail=each["detail"])
                for each in instance.findings.get(name, ())
            ),
        )
        for name in workflows.names()
    ]


def table(results: Sequence[Result]) -> list[str]:
    """For a terminal: the lines of a table of instances and workflows; under it what is missing, each thing once
    with all that it keeps from being made."""
    names = workflows.names()
    width = max([len(str(instance)) for instance, _ in results], default=0)
    lines = ["  ".join([" " * width, *names])] if results else []
    reasons: dict[str, list[str]] = {}
    for instance, verdicts in results:
        if isinstance(verdicts, str):
            lines.append(f"{instance!s:{width}}  {verdicts}")
            continue
        marks = {verdict.workflow: "ready" if verdict.ready else "-" for verdict in verdicts}
        cells = [f"{marks.get(name, '?'):{len(name)}}" for name in names]
        lines.append("  ".join([f"{instance!s:{width}}", *cells]).rstrip())
        for verdict in verdicts:
            for finding in verdict.findings:
                reasons.setdefault(f"{instance}  {finding.kind}  {finding}", []).append(verdict.workflow)
    kept = {reason: "all" if len(of) == len(names) else ", ".join(of) for reason, of in reasons.items()}
    return lines + [f"{reason}  [{of}]" for reason, of in kept.items()]


def _write_down(instance: Instance, verdicts: Sequence[Verdict], free_mb: int | None) -> None:
    before = set(instance.workflows)
    instance.workflows = [verdict.workflow for verdict in verdicts if verdict.ready]
    instance.findings = {
        verdict.workflow: [asdict(finding) for finding in verdict.findings] for verdict in verdicts if verdict.findings
    }
    instance.disk_free_mb, instance.examined_at = free_mb, timezone.now()
    if lost := before - set(instance.workflows):
        log.warning(
            "instance %s can no longer make %s", instance.pk, ", ".join(sorted(lost)), extra={"instance": instance.pk}
        )
    if instance.pk is not None:
        instance.save(
            update_fields=[
                *("version", "gpu_name", "gpu_index", "memory_mb", "memory_free_mb", "directory", "input_dir"),
                *("output_dir", "temp_dir", "workflows", "findings", "disk_free_mb", "examined_at"),
            ]
        )


# Node classes and their versions


def _of_nodes(workflow: Workflow, object_info: Mapping[str, Any]) -> Iterator[Finding]:
    graphs = list(_variants(workflow))
    classes = {node["class_type"] for graph in graphs for node in graph.values()}
    for name in sorted(classes - object_info.keys()):
        package = NODE_CLASSES[name].package if name in NODE_CLASSES else COMFYUI
        yield Finding(
            kind=Kind.NODE,
            what=name,
            detail=f"no such node class; it comes with {package.name} {package.version}, {package.repository}"
            f" at {package.commit[:7]}",
        )
    if classes <= object_info.keys():
        yield from _of_versions(graphs, object_info)


def _of_versions(graphs: Sequence[Graph], object_info: Mapping[str, Any]) -> Iterator[Finding]:
    """A class that is there and takes other inputs than the graph gives it: its package is another version."""
    problems: dict[Package, dict[str, None]] = {}
    for graph in graphs:
        for problem in workflows.validate(graph, object_info):
            # Problems begin with the node they are about: "sampler (CogVideoSampler): ...".
            named = graph.get(problem.partition(" (")[0])
            node_class = NODE_CLASSES.get(named["class_type"]) if named else None
            problems.setdefault(node_class.package if node_class else COMFYUI, {})[problem] = None
    for package, found in problems.items():
        said, more = list(found)[:PROBLEMS_SAID], len(found) - PROBLEMS_SAID
        rest = f"; and {more} more like these" if more > 0 else ""
        detail = f"another version than {package.version} ({package.commit[:7]}): {'; '.join(said)}{rest}"
        yield Finding(kind=Kind.VERSION, what=package.name, detail=detail)


def _variants(workflow: Workflow) -> Iterator[Graph]:
    """The graph by default, and with each other option of each choice: options add and remove nodes."""
    yield _built(workflow, {})
    for param in workflow.params:
        if isinstance(param, Choice):
            yield from (_built(workflow, {param.name: value}) for value in param.options if value != param.default)


def _built(workflow: Workflow, params: dict[str, Any]) -> Graph:
    slots = {each.slot: "mp4" if each.kind == "video" else "png" for each in workflow.inputs}
    images = {slot: f"portal/doctor/{slot}.{suffix}" for slot, suffix in slots.items()}
    return workflow.build(params, images=images, seed=0, output_prefix="portal/doctor/out")


# Model files


def _of_models(workflow: Workflow, object_info: Mapping[str, Any], disk: Disk) -> Iterator[Finding]:
    looked = {model: _why_not_there(model, object_info, disk) for model in workflow.models}
    missing = {model: detail for model, detail in looked.items() if detail}
    for model, detail in missing.items():
        if other := _other_for(model, workflow, missing):
            yield Finding(kind=Kind.NOTE, what=model.path, detail=f"{detail}; {other.file} does its work")
        else:
            yield Finding(kind=Kind.MODEL, what=model.path, detail=f"{detail}; {model.size_mb} MB, {model.source}")


def _why_not_there(model: ModelFile, object_info: Mapping[str, Any], disk: Disk) -> str:
    """In words, or nothing where it is there."""
    if not model.listed:
        return disk.why_not_there(model)
    for loader, name in model.loaders:
        if loader not in object_info:
            continue
        choices = _choices(object_info[loader], name)
        if model.file in choices:
            continue
        if near := _near(model.file, choices):
            return f"{loader} lists it as {near}; it must lie in {model.folder} itself under just this name"
        return f"{loader} does not list it"
    return ""


def _choices(node_class: Mapping[str, Any], name: str) -> list[str]:
    declared = node_class["input"]
    spec = {**declared.get("optional", {}), **declared.get("required", {})}.get(name, [[]])
    # Newer versions say ["COMBO", {"options": [...]}].
    listed = spec[0] if isinstance(spec[0], list) else spec[1].get("options", []) if len(spec) > 1 else []
    return [str(each) for each in listed]


def _near(file: str, choices: Sequence[str]) -> str:
    """The same file in a folder below, or written otherwise."""
    wanted = file.casefold()
    return next((each for each in choices if each.replace("\\", "/").rpartition("/")[2].casefold() == wanted), "")


def _other_for(model: ModelFile, workflow: Workflow, missing: Collection[ModelFile]) -> ModelFile | None:
    """The file that is there and does this one's work, where it is all the same to a job which of them does."""
    if model.only_if is None:
        return None
    name, _value = model.only_if
    default = next(param.default for param in workflow.params if param.name == name)
    chosen = workflow.settled({}, {each.path for each in missing})[name]
    others = (each for each in workflow.models if each.only_if == (name, chosen) and each not in missing)
    return next(others, None) if default == ANY else None


# Memory, disk and what was refused


def _of_memory(workflow: Workflow, instance: Instance) -> Iterator[Finding]:
    if 0 < instance.memory_mb < workflow.min_vram_mb:
        detail = f"{instance.memory_mb} MiB of GPU memory, {workflow.min_vram_mb} are needed"
        yield Finding(kind=Kind.MEMORY, what=instance.gpu_name or "GPU", detail=detail)


def _of_disk(free_mb: int | None, directory: str) -> Iterator[Finding]:
    if free_mb is None:
        detail = "how much space is left is not known: our key may not run df there"
        yield Finding(kind=Kind.NOTE, what=directory, detail=detail)
    elif free_mb < DISK_NEEDED_MB:
        detail = f"{free_mb} MiB are free, {DISK_NEEDED_MB} are needed"
        yield Finding(kind=Kind.DISK, what=directory, detail=detail)


def _of_process(seen: Seen) -> Iterator[Finding]:
    if seen.version != COMFYUI.version:
        detail = f"version {seen.version or 'unknown'}; the workflows were written for {COMFYUI.version}"
        yield Finding(kind=Kind.NOTE, what="ComfyUI", detail=detail)
    if seen.on_cpu:
        yield Finding(kind=Kind.NOTE, what="ComfyUI", detail="it runs on the CPU, not on a GPU")


def _refused(instance: Instance) -> dict[str, list[Finding]]:
    lately = Attempt.objects.filter(
        instance=instance, fault__in=MISSING, finished_at__gt=timezone.now() - STALE_AFTER
    ).select_related("job")
    found: dict[str, list[Finding]] = {}
    for attempt in lately.order_by("finished_at"):
        detail = f"refused a job at {attempt.finished_at:%H:%M}Z: {attempt.fault_text[:300]}"
        found[attempt.job.workflow] = [Finding(kind=Kind.REFUSED, what=attempt.fault, detail=detail)]
    return found
