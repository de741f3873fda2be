"""Hosts and what is on them: adding one, and looking at its instances over SSH."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from gpujobs.comfyui import ComfyError, ComfyUI
from gpujobs.driver import reach_of, target_of
from gpujobs.models import GpuHost, Instance
from gpujobs.ssh import HostConnection, SshError

# Where ComfyUI keeps its files unless it is started with an option that says otherwise.
DIRECTORY_OPTIONS = {"input": "--input-directory", "output": "--output-directory", "temp": "--temp-directory"}


class HostProblem(Exception):
    """A host or instance is not as it must be; the message says in words what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an instance says of itself; memory in MiB, directories absolute or empty."""

    version: str
    gpu_name: str
    memory_mb: int
    directories: dict[str, str]


def add(host: GpuHost, ports: Sequence[int], *, directory: str = "") -> list[Instance]:
    """Save a host with an instance for each port, after having looked at each.

    ``directory``: ComfyUI's own on the host, where it is not started with directory options. Raises SshError,
    HostProblem; nothing is saved then.
    """
    with HostConnection.open(target_of(host)) as connection, transaction.atomic():
        host.save()
        instances = []
        for index, port in enumerate(ports):
            instance = Instance(host=host, port=port, gpu_index=index)
            look_at(instance, connection, directory=directory)
            instance.save()
            instances.append(instance)
    return instances


def look_at(instance: Instance, connection: HostConnection, *, directory: str = "") -> None:
    """Fill in what the instance says of itself. Raises HostProblem where it says too little to be used."""
    try:
        seen = read_stats(reach_of(instance, connection).comfy)
    except (ComfyError, SshError) as error:
        raise HostProblem(f"ComfyUI on port {instance.port} does not answer: {error}") from error
    instance.version, instance.gpu_name, instance.memory_mb = seen.version, seen.gpu_name, seen.memory_mb
    for kind, found in seen.directories.items():
        known = found or (posixpath.join(directory, kind) if directory else getattr(instance, f"{kind}_dir"))
        if not posixpath.isabs(known):
            raise HostProblem(
                f"ComfyUI on port {instance.port} does not say where its {kind} directory is; start it with"
                f" {DIRECTORY_OPTIONS[kind]} or name ComfyUI's directory."
            )
        setattr(instance, f"{kind}_dir", known)


def read_stats(comfy: ComfyUI) -> Seen:
    stats: dict[str, Any] = comfy.system_stats()
    system, devices = stats["system"], stats["devices"]
    device = devices[0] if devices else {}
    argv = [str(word) for word in system.get("argv", [])]
    return Seen(
        version=str(system.get("comfyui_version", "")).lstrip("v"),
        gpu_name=str(device.get("name", "")),
        memory_mb=int(device.get("vram_total", 0)) // 1024**2,
        directories={kind: _option(argv, option, kind) for kind, option in DIRECTORY_OPTIONS.items()},
    )


def _option(argv: list[str], option: str, kind: str) -> str:
    for position, word in enumerate(argv):
        if word == option and position + 1 < len(argv):
            # ComfyUI puts a directory called `temp` into the one it is given for temp files.
            return posixpath.join(argv[position + 1], "temp") if kind == "temp" else argv[position + 1]
    return ""
