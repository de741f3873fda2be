"""What an instance and its host say of themselves, read over SSH."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpujobs.comfyui import BadAnswer, ComfyUI
from gpujobs.faults import HostProblem
from gpujobs.runner import Reach
from gpujobs.ssh import ChannelRefused, CommandFailed, HostConnection

# Where ComfyUI keeps its files unless it is started with an option that says otherwise.
DIRECTORY_OPTIONS = {"input": "--input-directory", "output": "--output-directory", "temp": "--temp-directory"}
COMMAND_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Gpu:
    index: int
    name: str
    memory_mb: int


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an instance says of itself; memory in MiB, directories absolute or empty, ``gpu_index`` -1 if not said.

    ``directory`` is ComfyUI's own. ``on_cpu``: it uses no GPU, and its memory is the machine's.
    """

    version: str
    gpu_name: str
    gpu_index: int
    memory_mb: int
    memory_free_mb: int | None
    on_cpu: bool
    directory: str
    directories: dict[str, str]


def gpus_of(connection: HostConnection) -> list[Gpu]:
    """The host's GPUs as nvidia-smi lists them; none where there is none or our key may not run it."""
    wanted = ["nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits"]
    try:
        finished = connection.run(wanted, timeout=COMMAND_SECONDS)
    except (CommandFailed, ChannelRefused):
        return []
    found = []
    for line in finished.stdout.splitlines() if finished.rc == 0 else ():
        match [word.strip() for word in line.split(",")]:
            case [index, name, memory] if index.isdigit() and memory.isdigit():
                found.append(Gpu(index=int(index), name=name, memory_mb=int(memory)))
    return found


def disk_free_mb(connection: HostConnection, directory: str) -> int | None:
    """MiB free on the disk of a directory; None where our key may not run df."""
    try:
        finished = connection.run(["df", "-B1", "--output=avail", directory], timeout=COMMAND_SECONDS)
    except (CommandFailed, ChannelRefused):
        return None
    last = finished.stdout.split()[-1:] if finished.rc == 0 else []
    return int(last[0]) // 1024**2 if last and last[0].isdigit() else None


def look_at(reach: Reach, *, gpus: Sequence[Gpu] = ()) -> Seen:
    """Fill in what the instance says of itself. Raises HostProblem where it says too little to be used, ComfyError.

    A directory that it does not name is taken from ``instance.directory``, or stays what it was.
    """
    instance = reach.instance
    seen = read_stats(reach.comfy)
    instance.version, instance.memory_mb = seen.version, seen.memory_mb
    instance.memory_free_mb = seen.memory_free_mb
    instance.gpu_name = seen.gpu_name
    if seen.gpu_index >= 0:
        instance.gpu_index = seen.gpu_index
    if gpu := next((gpu for gpu in gpus if gpu.index == instance.gpu_index and not seen.on_cpu), None):
        instance.gpu_name = gpu.name
    instance.directory = seen.directory or instance.directory
    for kind, found in seen.directories.items():
        from_directory = posixpath.join(instance.directory, kind) if instance.directory else ""
        known = found or from_directory or getattr(instance, f"{kind}_dir")
        if not posixpath.isabs(known):
            raise HostProblem(
                f"ComfyUI on port {instance.port} does not say where its {kind} directory is; start it with"
                f" {DIRECTORY_OPTIONS[kind]} or name ComfyUI's directory.",
                code="no_directory",
            )
        setattr(instance, f"{kind}_dir", known)
    return seen


def read_stats(comfy: ComfyUI) -> Seen:
    """Raises ComfyError, SshError; BadAnswer where the answer is none of ComfyUI's."""
    stats: dict[str, Any] = comfy.system_stats()
    system, devices = stats.get("system"), stats.get("devices")
    if not isinstance(system, dict) or not isinstance(devices, list):
        raise BadAnswer("/system_stats answered without system or devices")
    device = devices[0] if devices else {}
    argv = [str(word) for word in system.get("argv", [])]
    index = _option(argv, "--cuda-device")
    return Seen(
        version=str(system.get("comfyui_version", "")).lstrip("v"),
        gpu_name=_gpu_name(str(device.get("name", ""))),
        gpu_index=int(index) if index.isdigit() else -1,
        memory_mb=int(device.get("vram_total", 0)) // 1024**2,
        memory_free_mb=int(device["vram_free"]) // 1024**2 if "vram_free" in device else None,
        on_cpu=device.get("type") == "cpu",
        directory=_own_directory(argv),
        directories={kind: _directory(argv, kind) for kind in DIRECTORY_OPTIONS},
    )


def _gpu_name(said: str) -> str:
    """ "NVIDIA L4" out of "cuda:0 NVIDIA L4 : cudaMallocAsync"."""
    return re.sub(r"^cuda:\d+ | : \w+$", "", said)


def _own_directory(argv: list[str]) -> str:
    """Where ComfyUI says it lies: --base-directory of newer versions, or an absolute path to its main.py."""
    if base := _option(argv, "--base-directory"):
        return base if posixpath.isabs(base) else ""
    return posixpath.dirname(argv[0]) if argv and posixpath.isabs(argv[0]) else ""


def _directory(argv: list[str], kind: str) -> str:
    given = _option(argv, DIRECTORY_OPTIONS[kind])
    # ComfyUI puts a directory called `temp` into the one it is given for temp files.
    return posixpath.join(given, "temp") if given and kind == "temp" else given


def _option(argv: list[str], option: str) -> str:
    for position, word in enumerate(argv):
        if word == option and position + 1 < len(argv):
            return argv[position + 1]
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return ""
