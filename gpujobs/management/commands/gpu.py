"""manage.py gpu: GPU hosts, what they do and what waits for them; needs: what a host is made of."""

import json
import shlex
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gpujobs import hosts, overview, scanning, wakeup
from gpujobs.doctor import Result, Verdict, table, verdicts_of
from gpujobs.driver import target_of
from gpujobs.faults import HostProblem
from gpujobs.models import GpuHost, Instance
from gpujobs.ssh import SshError, fingerprint, scan_host_key
from gpujobs.workflows.needs import needs


class Command(BaseCommand):
    help = (
        "GPU hosts: add, list, queue, doctor, scan, needs, look, move, drain, resume, restart, restart-command, remove."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        self._add_arguments_of_add(actions.add_parser("add", help="add a host after showing its key's fingerprint"))
        again = actions.add_parser("look", help="find instances that were silent when the host was added")
        again.add_argument("name", help="a host")
        _add_arguments_of_instances(again)
        move = actions.add_parser("move", help="another address, user or host key of a host whose disk is the same")
        move.add_argument("name", help="a host")
        move.add_argument("address", help="user@host or user@host:port")
        move.add_argument("--fingerprint", help="accept the host key with this fingerprint without asking")
        actions.add_parser("queue", help="what waits, in the order in which it is wanted, and why it waits")
        listing = actions.add_parser("list", help="hosts and instances with their state and what they do, and why")
        listing.add_argument("--all", action="store_true", help="removed ones as well")
        look = actions.add_parser("doctor", help="what each instance can make, or exactly what it lacks; looks now")
        look.add_argument("name", nargs="?", help="a host; all of them without")
        look.add_argument("--json", action="store_true")
        search = actions.add_parser("scan", help="search hosts for what attempts left behind, and remove it")
        search.add_argument("name", nargs="?", help="a host; all of them without")
        actions.add_parser("needs", help="what a host needs, as JSON: deploy/gpu-host/needs.json")
        for name, text in (
            ("drain", "give it no new work; what runs there ends"),
            ("resume", "give it work again"),
            ("restart", "run the instance's restart command; a probe brings it back"),
            ("remove", "forget a host that never worked; take one that is drained and clean off the list"),
        ):
            action = actions.add_parser(name, help=text)
            action.add_argument("name", help="a host" if name == "remove" else "a host, or an instance as host:port")

        command = actions.add_parser("restart-command", help="set the command that restarts an instance; empty: none")
        command.add_argument("name", help="a host, or an instance as host:port")
        command.add_argument("command", help='with {index} or {port}, e.g. "systemctl --user restart comfyui@{index}"')

    def _add_arguments_of_add(self, add: ArgumentParser) -> None:
        add.add_argument("name")
        add.add_argument("address", help="user@host or user@host:port")
        key = add.add_mutually_exclusive_group(required=True)
        key.add_argument("--key", default="", metavar="PATH", help="of the private key on the portal's machine")
        key.add_argument(
            "--key-secret",
            default="",
            metavar="NAME",
            help="the environment's GPU_PRIVATE_KEY_NAME holds the key itself",
        )
        add.add_argument(
            "--passphrase",
            metavar="NAME",
            default="",
            help="the key opens with the environment's GPU_KEY_PASSPHRASE_NAME; the value itself is kept nowhere",
        )
        _add_arguments_of_instances(add)
        add.add_argument("--only-jump", action="store_true", help="no GPUs there: other hosts are reached through it")
        add.add_argument("--fingerprint", help="accept the host key with this fingerprint without asking")
        add.add_argument("--jump", help="name of a host to go through")

    def handle(self, *args: Any, **options: Any) -> None:
        actions = {
            "add": self.add,
            "look": self.look,
            "move": self.move,
            "list": self.list,
            "queue": self.queue,
            "doctor": self.doctor,
            "scan": self.scan,
            "needs": self.needs,
            "drain": self.drain,
            "resume": self.resume,
            "restart": self.restart,
            "restart-command": self.restart_command,
            "remove": self.remove,
        }
        try:
            actions[options["action"]](options)
        except (SshError, HostProblem) as error:
            raise CommandError(str(error)) from error

    def add(self, options: dict[str, Any]) -> None:
        host = _new_host(options)
        host.host_key = self._accepted_key(host, options["fingerprint"])
        ports = [] if options["only_jump"] else options["ports"]
        self._say_found(hosts.add(host, ports, directory=options["directory"], restart=options["restart"]))

    def look(self, options: dict[str, Any]) -> None:
        host, how = _host(options["name"]), {"directory": options["directory"], "restart": options["restart"]}
        found = hosts.look_again(host, options["ports"], **how)
        if not found:
            self.stdout.write(f"{host.name}: nothing new")
        self._say_found(found)

    def move(self, options: dict[str, Any]) -> None:
        host = _host(options["name"])
        host.username, host.address, host.port = _place(options["address"])
        host.host_key = self._accepted_key(host, options["fingerprint"])
        hosts.move(host)
        wakeup.wake()
        self.stdout.write(f"{host.name}: at {host.username}@{host.address}:{host.port}")

    def _say_found(self, instances: Sequence[Instance]) -> None:
        wakeup.wake()
        for instance in instances:
            self.stdout.write(f"{_described(instance)}  restart: {shlex.join(instance.restart_command) or 'none'}")
        self._say_verdicts([(instance, verdicts_of(instance)) for instance in instances])

    def _accepted_key(self, host: GpuHost, expected: str | None) -> str:
        key = scan_host_key(host.address, host.port, jump=target_of(host.jump) if host.jump else None)
        seen = fingerprint(key)
        if expected:
            if seen != expected:
                raise CommandError(f"The host shows {seen}, not {expected}. Nothing was changed.")
            return key
        self.stdout.write(f"{host.address}:{host.port} shows the key {seen}")
        if input("Is that the host's own? Compare it on the host, then type yes: ").strip() != "yes":
            raise CommandError("Nothing was changed.")
        return key

    def list(self, options: dict[str, Any]) -> None:
        at_work = {one.instance.pk: one.at_work for each in overview.hosts() for one in each.instances}
        every = GpuHost.objects.prefetch_related("instances")
        for host in every if options["all"] else every.exclude(state=GpuHost.State.RETIRED):
            through = f"  through {host.jump.name}" if host.jump else ""
            fault = f"  {host.fault}: {host.fault_text}" if host.fault else ""
            self.stdout.write(f"{host.name}  {host.username}@{host.address}:{host.port}{through}  {host.state}{fault}")
            for instance in host.instances.all():
                fault = f"  {instance.fault}: {instance.fault_text}" if instance.fault else ""
                self.stdout.write(f"  {_described(instance)}  {instance.state}{fault}")
                for work in at_work.get(instance.pk, ()):
                    self.stdout.write(f"    {_at_work(work)}")

    def queue(self, options: dict[str, Any]) -> None:
        for each in overview.queue():
            warm = f"; warm on {', '.join(each.warm_on)}" if each.warm_on else ""
            self.stdout.write(
                f"{each.place:3}  {each.job.workflow}  {each.job.pk}  wanted {each.wanted_at:%Y-%m-%dT%H:%MZ}"
                f"  due {each.job.due_at:%Y-%m-%dT%H:%MZ}  {each.waits}{warm}"
            )

    def doctor(self, options: dict[str, Any]) -> None:
        results: list[Result] = []
        for host in _hosts(options["name"]):
            try:
                results += hosts.examine(host)
            except SshError as error:
                results += [(instance, str(error)) for instance in host.instances.select_related("host")]
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(*result) for result in results], indent=2))
        else:
            self._say_verdicts(results)

    def _say_verdicts(self, results: Sequence[Result]) -> None:
        for line in table(results):
            self.stdout.write(line)

    def scan(self, options: dict[str, Any]) -> None:
        searched = [scanning.scan(host) for host in _hosts(options["name"])]
        for one in searched:
            self.stdout.write(
                f"{one.host.name}: {one.found} left behind and removed"
                if one.found
                else f"{one.host.name}: nothing left behind"
            )
            for each in one.details:
                self.stdout.write(f"  :{each['instance']}  {each['kind']}  {each['what']}")
        if troubles := [one.trouble for one in searched if one.trouble]:
            raise CommandError("\n".join(troubles))

    def needs(self, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(needs(), ensure_ascii=False, indent=1))

    def drain(self, options: dict[str, Any]) -> None:
        self._say(hosts.drain(_target(options["name"])), options["name"], "draining", "was not at work")

    def resume(self, options: dict[str, Any]) -> None:
        self._say(hosts.resume(_target(options["name"])), options["name"], "at work again", "was not draining")

    def restart(self, options: dict[str, Any]) -> None:
        target = _target(options["name"])
        for instance in target.instances.select_related("host") if isinstance(target, GpuHost) else [target]:
            hosts.restart(instance)
            self.stdout.write(f"{instance}: restarted; it is tried before it gets work again")
        wakeup.wake()

    def restart_command(self, options: dict[str, Any]) -> None:
        target = _target(options["name"])
        for instance in target.instances.select_related("host") if isinstance(target, GpuHost) else [target]:
            words = hosts.set_restart_command(instance, options["command"])
            self.stdout.write(f"{instance}: {shlex.join(words) or 'none'}")

    def remove(self, options: dict[str, Any]) -> None:
        forgotten = hosts.remove(_host(options["name"]))
        self._say(forgotten, options["name"], "forgotten", "off the list; what it made stays on record")

    def _say(self, done: bool, name: str, yes: str, no: str) -> None:
        self.stdout.write(f"{name}: {yes if done else no}")


def _as_json(instance: Instance, verdicts: list[Verdict] | str) -> dict[str, Any]:
    if isinstance(verdicts, str):
        return {"instance": str(instance), "error": verdicts}
    found = {v.workflow: [{"kind": f.kind, "what": f.what, "detail": f.detail} for f in v.findings] for v in verdicts}
    return {"instance": str(instance), "ready": [v.workflow for v in verdicts if v.ready], "findings": found}


def _at_work(work: overview.AtWork) -> str:
    attempt, told = work.attempt, work.progress
    step = f" {told.step}/{told.steps}" if told and told.steps else ""
    return f"{attempt.job.workflow} {attempt.job_id}  {attempt.state}{step}: {attempt.why or 'no reason recorded'}"


def _described(instance: Instance) -> str:
    free = "" if instance.disk_free_mb is None else f"  {instance.disk_free_mb // 1024} GiB free"
    of_memory = "" if instance.memory_free_mb is None else f" ({instance.memory_free_mb} free)"
    return (
        f":{instance.port}  GPU {instance.gpu_index} {instance.gpu_name}  {instance.memory_mb} MiB{of_memory}"
        f"  ComfyUI {instance.version}{free}"
    )


def _add_arguments_of_instances(action: ArgumentParser) -> None:
    action.add_argument(
        "--port",
        dest="ports",
        type=int,
        action="append",
        help="of a ComfyUI instance; repeatable; without it one is looked for on 8188 and up for each GPU",
    )
    action.add_argument("--directory", default="", help="ComfyUI's directory on the host")
    action.add_argument(
        "--restart",
        default="",
        help='restarts an instance, e.g. "sudo -n systemctl restart comfyui@{index}.service"; {port} works too',
    )


def _place(typed: str) -> tuple[str, str, int]:
    """User, address and port."""
    username, _, place = typed.rpartition("@")
    address, _, port = place.partition(":")
    if not username or not address or not (port or "22").isdigit():
        raise CommandError("The address must read user@host or user@host:port.")
    return username, address, int(port or 22)


def _new_host(options: dict[str, Any]) -> GpuHost:
    username, address, port = _place(options["address"])
    if not hosts.is_free(options["name"]):
        raise CommandError(f"There is a host called {options['name']} already.")
    return GpuHost(
        name=options["name"],
        address=address,
        port=port,
        username=username,
        key_path=options["key"],
        key_name=options["key_secret"],
        passphrase_name=options["passphrase"],
        jump=_host(options["jump"]) if options["jump"] else None,
    )


def _hosts(name: str | None) -> list[GpuHost]:
    """The one named, or all that have instances."""
    if name:
        return [_host(name)]
    every = GpuHost.objects.exclude(state=GpuHost.State.RETIRED)
    return list(every.filter(instances__isnull=False).distinct())


def _target(name: str) -> GpuHost | Instance:
    found = hosts.find(name)
    if found is None:
        raise CommandError(f"There is no host or instance called {name}.")
    return found


def _host(name: str) -> GpuHost:
    found = _target(name)
    if not isinstance(found, GpuHost):
        raise CommandError(f"{name} is an instance; name its host.")
    return found
