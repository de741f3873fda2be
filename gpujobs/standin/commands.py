"""The two commands that the host's SSH server answers: nvidia-smi --query-gpu and df. There is no shell."""

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from .settings import Settings

DRIVER = "550.127.05"


@dataclass(frozen=True)
class Answer:
    status: int
    stdout: str = ""
    stderr: str = ""


def answer(command: str, settings: Settings, root: Path, gpus: int) -> Answer:
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    match words:
        case ["nvidia-smi", *options] if any(option.startswith("--query-gpu=") for option in options):
            return nvidia_smi(options, settings, gpus)
        case ["df", *options]:
            return df(options, root)
    name = words[0] if words else command
    return Answer(127, stderr=f"bash: line 1: {name}: command not found\n")


def nvidia_smi(options: list[str], settings: Settings, gpus: int) -> Answer:
    wanted = next(option for option in options if option.startswith("--query-gpu=")).split("=", 1)[1].split(",")
    style = next((option.split("=", 1)[1] for option in options if option.startswith("--format=")), "csv").split(",")
    units = "nounits" not in style
    lines = [] if "noheader" in style else [", ".join(wanted)]
    for index in range(gpus):
        values = gpu(index, settings, units=units)
        unknown = next((name for name in wanted if name.strip() not in values), None)
        if unknown is not None:
            return Answer(2, stdout=f'Field "{unknown}" is not a valid field to query.\n\n')
        lines.append(", ".join(values[name.strip()] for name in wanted))
    return Answer(0, stdout="\n".join(lines) + "\n")


def gpu(index: int, settings: Settings, *, units: bool) -> dict[str, str]:
    def measured(value: int | float, unit: str) -> str:
        return f"{value} {unit}" if units else f"{value}"

    used = 458
    return {
        "index": str(index),
        "name": settings.gpu_name,
        "uuid": f"GPU-00000000-0000-4000-8000-{index:012}",
        "pci.bus_id": f"00000000:{index + 30:02X}:00.0",
        "driver_version": DRIVER,
        "compute_cap": "8.9",
        "memory.total": measured(settings.gpu_memory_mb, "MiB"),
        "memory.used": measured(used, "MiB"),
        "memory.free": measured(settings.gpu_memory_mb - used, "MiB"),
        "utilization.gpu": measured(0, "%"),
        "temperature.gpu": "41",
        "power.draw": measured(16.84, "W"),
    }


def df(options: list[str], root: Path) -> Answer:
    """Sizes of the disk that the host's root is on, in 1-KiB blocks or in bytes (-B1), whole or by --output=."""
    paths = [Path(option) for option in options if not option.startswith("-")] or [root]
    for path in paths:
        if not path.exists():
            return Answer(1, stderr=f"df: {path}: No such file or directory\n")
    usage = shutil.disk_usage(root)
    in_bytes = any(option in {"-B1", "--block-size=1"} for option in options)
    block = 1 if in_bytes else 1024
    chosen = next((option.split("=", 1)[1].split(",") for option in options if option.startswith("--output=")), None)
    percent = f"{round(100 * usage.used / usage.total)}%"
    columns = {
        "source": ("Filesystem", "/dev/nvme0n1p1"),
        "size": ("1B-blocks" if in_bytes else "1K-blocks", str(usage.total // block)),
        "used": ("Used", str(usage.used // block)),
        "avail": ("Avail" if chosen else "Available", str(usage.free // block)),
        "pcent": ("Use%", percent),
        "target": ("Mounted on", "/"),
    }
    if chosen and not set(chosen) <= columns.keys():
        return Answer(1, stderr="df: option --output: unknown field\n")
    names = chosen or list(columns)
    lines = [" ".join(columns[name][0] for name in names)]
    lines += [" ".join(columns[name][1] for name in names) for _ in paths]
    return Answer(0, stdout="\n".join(lines) + "\n")
