"""manage.py gpu: add, list, drain, resume and remove GPU hosts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import ProtectedError

from gpujobs import hosts, wakeup
from gpujobs.models import Attempt, GpuHost
from gpujobs.ssh import SshError, fingerprint, scan_host_key


class Command(BaseCommand):
    help = "GPU hosts: add, list, drain, resume, remove."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="add a host after showing its key's fingerprint")
        add.add_argument("name")
        add.add_argument("address", help="user@host or user@host:port")
        add.add_argument("--key", required=True, help="path of the private key on the portal's machine")
        add.add_argument("--port", dest="ports", type=int, action="append", help="of a ComfyUI instance; repeatable")
        add.add_argument("--directory", default="", help="ComfyUI's directory on the host")
        add.add_argument("--fingerprint", help="accept the host key with this fingerprint without asking")
        add.add_argument("--jump", help="name of a host to go through")
        actions.add_parser("list", help="hosts and instances with their state")
        for name, text in (
            ("drain", "give it no new work; what runs there ends"),
            ("resume", "give it work again"),
            ("remove", "forget a host that never worked, or that is drained and clean"),
        ):
            actions.add_parser(name, help=text).add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        action = {"add": self.add, "list": self.list, "drain": self.drain, "resume": self.resume, "remove": self.remove}
        action[options["action"]](options)

    def add(self, options: dict[str, Any]) -> None:
        username, _, place = options["address"].rpartition("@")
        address, _, port = place.partition(":")
        if not username or not address or not (port or "22").isdigit():
            raise CommandError("The address must read user@host or user@host:port.")
        host = GpuHost(
            name=options["name"],
            address=address,
            port=int(port or 22),
            username=username,
            key_path=options["key"],
            jump=_host(options["jump"]) if options["jump"] else None,
        )
        if GpuHost.objects.filter(name=host.name).exists():
            raise CommandError(f"There is a host called {host.name} already.")
        try:
            host.host_key = self._accepted_key(host, options["fingerprint"])
            instances = hosts.add(host, options["ports"] or [8188], directory=options["directory"])
        except (SshError, hosts.HostProblem) as error:
            raise CommandError(str(error)) from error
        wakeup.wake()
        for instance in instances:
            self.stdout.write(f"{instance}: {instance.gpu_name}, {instance.memory_mb} MiB, ComfyUI {instance.version}")

    def _accepted_key(self, host: GpuHost, expected: str | None) -> str:
        key = scan_host_key(host.address, host.port)
        seen = fingerprint(key)
        if expected:
            if seen != expected:
                raise CommandError(f"The host shows {seen}, not {expected}. Nothing was added.")
            return key
        self.stdout.write(f"{host.address}:{host.port} shows the key {seen}")
        if input("Is that the host's own? Compare it on the host, then type yes: ").strip() != "yes":
            raise CommandError("Nothing was added.")
        return key

    def list(self, options: dict[str, Any]) -> None:
        for host in GpuHost.objects.prefetch_related("instances"):
            fault = f"  {host.fault}: {host.fault_text}" if host.fault else ""
            self.stdout.write(f"{host.name}  {host.username}@{host.address}:{host.port}  {host.state}{fault}")
            for instance in host.instances.all():
                fault = f"  {instance.fault}: {instance.fault_text}" if instance.fault else ""
                self.stdout.write(
                    f"  :{instance.port}  {instance.gpu_name}  {instance.memory_mb} MiB  ComfyUI {instance.version}"
                    f"  {instance.state}{fault}"
                )

    def drain(self, options: dict[str, Any]) -> None:
        GpuHost.objects.filter(pk=_host(options["name"]).pk).update(state=GpuHost.State.DRAINING)

    def resume(self, options: dict[str, Any]) -> None:
        GpuHost.objects.filter(pk=_host(options["name"]).pk).update(state=GpuHost.State.ACTIVE)
        wakeup.wake()

    def remove(self, options: dict[str, Any]) -> None:
        host = _host(options["name"])
        attempts = Attempt.objects.filter(instance__host=host)
        if attempts.filter(state__in=Attempt.LIVE).exists() or attempts.filter(cleaned_at=None).exists():
            raise CommandError(f"{host.name} still has work or files of ours; drain it and wait.")
        try:
            host.delete()
        except ProtectedError as error:
            raise CommandError(f"{host.name} has made results and stays on record; drain it instead.") from error


def _host(name: str) -> GpuHost:
    try:
        return GpuHost.objects.get(name=name)
    except GpuHost.DoesNotExist as error:
        raise CommandError(f"There is no host called {name}.") from error
