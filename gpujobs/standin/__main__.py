"""python -m gpujobs.standin --root DIR --authorized-key FILE [...]: a stand-in GPU host until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from .host import StandinHost
from .settings import Settings


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gpujobs.standin", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder for the host key and the instances' files")
    parser.add_argument("--authorized-key", type=Path, required=True, help="public keys that may log in")
    parser.add_argument("--instances", type=int, default=2)
    parser.add_argument("--ssh-port", type=int, default=0, help="0: a free one")
    parser.add_argument("--ports", default="", help="the instances' ports, comma-separated; 0: a free one")
    parser.add_argument("--further-ports", default="", help="other loopback ports that tunnels may reach")
    parser.add_argument("--step-seconds", type=float, default=0.02, help="one sampler step")
    parser.add_argument("--frame-seconds", type=float, default=0.0, help="one interpolated or upscaled frame")
    parser.add_argument("--load-seconds", type=float, default=0.0, help="loading another checkpoint")
    parser.add_argument("--absent-model", action="append", default=[], help="a model file that this host lacks")
    parser.add_argument("--broken-model", action="append", default=[], help="a model file that cannot be read")
    parser.add_argument("--gpu-name", default="NVIDIA L4")
    parser.add_argument("--gpu-memory-mb", type=int, default=23034)
    parser.add_argument("--canned-result", type=Path, help="every output is a copy of this file and nothing is drawn")
    parser.add_argument("--canned-video", type=Path, help="the same for every video")
    parser.add_argument("--control", action="store_true", help="serve /standin/faults, /standin/ledger and requests")
    parser.add_argument("--die-with-parent", action="store_true", help="stop when the starting process is gone")
    return parser.parse_args()


def host_from(options: argparse.Namespace) -> StandinHost:
    settings = Settings(
        step_seconds=options.step_seconds,
        frame_seconds=options.frame_seconds,
        load_seconds=options.load_seconds,
        absent_models=frozenset(options.absent_model),
        broken_models=frozenset(options.broken_model),
        canned_result=options.canned_result,
        canned_video=options.canned_video,
        gpu_name=options.gpu_name,
        gpu_memory_mb=options.gpu_memory_mb,
        control=options.control,
    )
    return StandinHost(
        options.root,
        options.authorized_key,
        instances=options.instances,
        ssh_port=options.ssh_port,
        ports=[int(port) for port in options.ports.split(",") if port],
        further_ports=[int(port) for port in options.further_ports.split(",") if port],
        settings=settings,
    )


def ready_line(host: StandinHost) -> str:
    return json.dumps(
        {
            "ssh_port": host.ssh_port,
            "host_key": host.host_key,
            "username": host.username,
            "instances": [{"port": instance.port} for instance in host.instances],
            "root": str(host.root),
        }
    )


async def serve(host: StandinHost, *, die_with_parent: bool) -> None:
    stop = asyncio.Event()
    parent = os.getppid()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await host.astart()
        sys.stdout.write(ready_line(host) + "\n")
        sys.stdout.flush()
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=1.0)
            if die_with_parent and os.getppid() != parent:
                stop.set()
    finally:
        await host.astop()


def main() -> int:
    options = arguments()
    try:
        asyncio.run(serve(host_from(options), die_with_parent=options.die_with_parent))
    except OSError as problem:
        sys.stderr.write(f"The stand-in host cannot start: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
