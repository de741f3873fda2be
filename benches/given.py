"""A real ComfyUI that somebody wants to have measured."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Given:
    """What to measure. Without ``username`` it is on this machine, and an SSH server of our own leads to it."""

    ports: tuple[int, ...]
    address: str = "127.0.0.1"
    ssh_port: int = 22
    username: str = ""
    key_path: Path | None = None
    directory: str = ""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--comfyui-url", help="measure turns at this real ComfyUI on this machine, not at stand-ins")
    parser.add_argument("--comfyui-ssh", help="user@host:port; the same behind this SSH server")
    parser.add_argument("--key", type=Path, help="the private key for it")
    parser.add_argument("--comfyui-port", default="8188", help="its ports there, comma-separated (default 8188)")
    parser.add_argument("--comfyui-directory", default="", help="ComfyUI's directory, where it does not say it itself")


def given_by(options: argparse.Namespace) -> Given | None:
    """None where stand-ins are to be measured. Raises ValueError with a sentence for whoever asked."""
    if options.comfyui_ssh:
        where = urlsplit(f"ssh://{options.comfyui_ssh}")
        if not (where.username and where.hostname and options.key):
            raise ValueError("--comfyui-ssh is user@host:port, and needs --key.")
        return Given(
            ports=tuple(int(port) for port in options.comfyui_port.split(",")),
            address=where.hostname,
            ssh_port=where.port or 22,
            username=where.username,
            key_path=options.key,
            directory=options.comfyui_directory,
        )
    if options.comfyui_url:
        where = urlsplit(options.comfyui_url)
        if where.hostname not in LOOPBACK:
            raise ValueError("A ComfyUI on another machine is reached as the portal reaches it: say --comfyui-ssh.")
        return Given(ports=(where.port or 80,), directory=options.comfyui_directory)
    return None
