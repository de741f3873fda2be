"""Hosts and what is on them: adding one, taking it out of work and back in, restarting, removing."""

import logging
import shlex
from collections.abc import Iterator, Sequence
from itertools import count

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from gpujobs import doctor, wakeup
from gpujobs.comfyui import ComfyError
from gpujobs.driver import reach_of, target_of
from gpujobs.faults import HostProblem
from gpujobs.looking import Gpu, gpus_of
from gpujobs.models import Attempt, GpuHost, Instance
from gpujobs.restarting import AFTER_RESTART, RESTART_SECONDS
from gpujobs.ssh import CommandFailed, Finished, HostConnection, SshError

log = logging.getLogger(__name__)

FIRST_PORT = 8188
# The fault on record of an instance that somebody has restarted by hand; it is tried before it gets work again.
RESTARTED = "restarted"


def add(host: GpuHost, ports: Sequence[int] | None = None, *, directory: str = "", restart: str = "") -> list[Instance]:
    """Save a host with its instances, after having looked at each and examined what it can make.

    ``ports``: of its instances, one after the other for its GPUs; None looks from 8188 up, a port for each GPU; an
    empty list is a host that is only gone through. ``directory``: ComfyUI's own, where it is not started with
    directory options. ``restart``: a command with {index} and {port}. Raises SshError, HostProblem; nothing is saved
    then.
    """
    with HostConnection.open(target_of(host)) as connection, transaction.atomic():
        gpus = gpus_of(connection) if ports is None or ports else []
        # The port's place is the GPU's, whichever of those before it is silent.
        placed = _answering(host, connection, gpus) if ports is None else dict(enumerate(ports))
        host.last_seen_at = timezone.now()
        host.save()
        return [
            _found(Instance(host=host, port=port, gpu_index=index, directory=directory), connection, gpus, restart)
            for index, port in placed.items()
        ]


def look_again(
    host: GpuHost, ports: Sequence[int] | None = None, *, directory: str = "", restart: str = ""
) -> list[Instance]:
    """Save the host's instances that were silent, or not there yet, when it was added; arguments as for `add`.

    Raises SshError, HostProblem; nothing is saved then.
    """
    with HostConnection.open(target_of(host)) as connection, transaction.atomic():
        known = {one.port: one.gpu_index for one in host.instances.all()}
        gpus = gpus_of(connection)
        if ports is None:
            placed = _answering(host, connection, gpus)
        else:
            free = (gpu for gpu in count() if gpu not in known.values())
            placed = dict(zip(free, (port for port in ports if port not in known), strict=False))
        return [
            _found(Instance(host=host, port=port, gpu_index=index, directory=directory), connection, gpus, restart)
            for index, port in placed.items()
            if port not in known
        ]


def move(host: GpuHost) -> None:
    """Keep where it is now, once it lets us in there: its address, port, user or key changed, its disk did not.

    A driver on the old way ends by itself when that way does. Raises SshError; nothing is saved then.
    """
    with HostConnection.open(target_of(host)):
        host.last_seen_at = timezone.now()
    where = ["address", "port", "username", "host_key", "key_path", "key_name", "passphrase_name", "jump"]
    host.save(update_fields=[*where, "last_seen_at"])
    log.warning("host %s is at %s:%s now", host.name, host.address, host.port, extra={"host": host.name})


def is_free(name: str) -> bool:
    """Whether a host may be called so: those off the list keep their names only for the record."""
    return not GpuHost.objects.filter(name=name).exclude(state=GpuHost.State.RETIRED).exists()


def _answering(host: GpuHost, connection: HostConnection, gpus: Sequence[Gpu]) -> dict[int, int]:
    """{GPU: port}"""
    candidates = dict(enumerate(range(FIRST_PORT, FIRST_PORT + max(1, len(gpus)))))
    placed = {gpu: port for gpu, port in candidates.items() if _answers(Instance(host=host, port=port), connection)}
    if not placed:
        raise HostProblem(
            f"No ComfyUI answers on {candidates[0]} to {max(candidates.values())}; name its ports.", code="no_comfyui"
        )
    return placed


def _answers(instance: Instance, connection: HostConnection) -> bool:
    try:
        reach_of(instance, connection).comfy.system_stats()
    except (ComfyError, SshError):
        return False
    return True


def _found(instance: Instance, connection: HostConnection, gpus: Sequence[Gpu], restart: str) -> Instance:
    try:
        doctor.examine(reach_of(instance, connection), gpus=gpus)
    except ComfyError as error:
        raise HostProblem(f"ComfyUI on port {instance.port} does not answer: {error}", code="no_answer") from error
    instance.restart_command = restart_words(restart, instance)
    instance.save()
    return instance


def restart_words(command: str, instance: Instance) -> list[str]:
    """The command's words, with the instance's own GPU and port put in. Raises HostProblem for unmatched quotes."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise HostProblem(f"The restart command cannot be read: {error}", code="unreadable_command") from error
    return [word.replace("{index}", str(instance.gpu_index)).replace("{port}", str(instance.port)) for word in words]


def set_restart_command(instance: Instance, command: str) -> list[str]:
    """Change it; returns its words. Raises HostProblem."""
    instance.restart_command = restart_words(command, instance)
    instance.save(update_fields=["restart_command"])
    log.info("instance %s restarts by %s", instance, instance.restart_command, extra={"instance": instance.pk})
    return instance.restart_command


def find(name: str) -> GpuHost | Instance | None:
    """A host by its name, or an instance by "host:port". Of several hosts of a name the one on the list, or else the
    one that left it last."""
    called, _, port = name.partition(":")
    every = GpuHost.objects.filter(name=called)
    host = every.exclude(state=GpuHost.State.RETIRED).first() or every.order_by("created_at").last()
    if host is None or not port:
        return host
    return host.instances.select_related("host").filter(port=port).first() if port.isdigit() else None


def drain(target: GpuHost | Instance) -> bool:
    """Give it nothing new; what runs there ends. False if it was so already, or is out by itself."""
    return _change(target, from_state="active", to_state="draining")


def resume(target: GpuHost | Instance) -> bool:
    """Give it work again; a host that was removed comes back by this as well. False if it had work.

    Raises HostProblem where another host has its name by now.
    """
    if isinstance(target, GpuHost) and target.state == GpuHost.State.RETIRED and not is_free(target.name):
        raise HostProblem(f"There is another host called {target.name} now.", code="name_taken")
    if isinstance(target, GpuHost) and _change(target, from_state=GpuHost.State.RETIRED, to_state="active"):
        return True
    # An instance that failed while it was drained is tried at once: whoever resumes it says that it works.
    fresh = {"failing_since": None, "probe_at": None, "probes_failed": 0} if isinstance(target, Instance) else {}
    return _change(target, from_state="draining", to_state="active", **fresh)


def _change(target: GpuHost | Instance, *, from_state: str, to_state: str, **more: object) -> bool:
    changed = type(target).objects.filter(pk=target.pk, state=from_state).update(state=to_state, **more)
    if changed:
        log.info("%s is %s", target, to_state)
        # Its driver looks at the state when it is woken.
        wakeup.after_commit()
    return changed == 1


def restart(instance: Instance) -> Finished:
    """Run the instance's restart command; a probe proves that it works before it is given work again.

    What runs there is lost and made again elsewhere. Raises HostProblem, SshError.
    """
    if not instance.restart_command:
        raise HostProblem(f"{instance} has no restart command.", code="no_command")
    with HostConnection.open(target_of(instance.host)) as connection:
        now = timezone.now()
        Instance.objects.filter(pk=instance.pk, state__in=[Instance.State.ACTIVE, Instance.State.OUT]).update(
            state=Instance.State.OUT,
            fault=RESTARTED,
            fault_text="",
            fault_at=now,
            failing_since=now,
            restarted_at=now,
            probe_at=now + AFTER_RESTART,
            probes_failed=0,
        )
        finished = connection.run(instance.restart_command, timeout=RESTART_SECONDS)
    log.warning("instance %s restarted by hand, status %s", instance.pk, finished.rc, extra={"instance": instance.pk})
    if finished.rc != 0:
        said = f"The restart command ended with {finished.rc}: {finished.stderr.strip()[:500]}"
        raise HostProblem(said, code="restart_failed")
    return finished


def remove(host: GpuHost) -> bool:
    """Forget a host that never worked; one that did is taken off the list and stays on record. True if forgotten.

    Raises HostProblem while it has work, files of ours or hosts that are reached through it.
    """
    attempts = Attempt.objects.filter(instance__host=host)
    if attempts.filter(state__in=Attempt.LIVE).exists() or attempts.filter(cleaned_at=None).exists():
        raise HostProblem(f"{host.name} still has work or files of ours; drain it and wait.", code="not_clean")
    if GpuHost.objects.filter(jump=host).exclude(state=GpuHost.State.RETIRED).exists():
        raise HostProblem(f"Other hosts are reached through {host.name}.", code="gone_through")
    try:
        with transaction.atomic():
            host.delete()
    except ProtectedError:
        GpuHost.objects.filter(pk=host.pk).update(state=GpuHost.State.RETIRED)
        return False
    return True


def examine(host: GpuHost) -> Iterator[doctor.Result]:
    """Have the doctor look at each instance now; a sentence instead of verdicts where it does not answer.

    Raises SshError where the host itself cannot be reached.
    """
    with HostConnection.open(target_of(host)) as connection:
        gpus = gpus_of(connection)
        for instance in host.instances.select_related("host"):
            try:
                yield instance, doctor.examine(reach_of(instance, connection), gpus=gpus, forgive=True)
            except (HostProblem, ComfyError, CommandFailed) as error:
                yield instance, str(error)
    wakeup.wake()
