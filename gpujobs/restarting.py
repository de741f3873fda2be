"""Restarting a ComfyUI by the command that its host has for it."""

import logging
import threading
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from gpujobs import faults
from gpujobs.models import Instance
from gpujobs.ssh import HostConnection, SshError

log = logging.getLogger(__name__)

# A restart command's time, and how long a restarted ComfyUI gets before it is tried.
RESTART_SECONDS = 60.0
AFTER_RESTART = timedelta(seconds=10)
# So long a ComfyUI with its node packages may take to start: one that fails meanwhile is only starting.
START_ALLOWANCE = timedelta(minutes=2)
# One that a restart did not bring back is restarted again after so long.
RESTART_AGAIN = timedelta(minutes=10)


def is_due(instance: Instance) -> bool:
    """Whether a restart may mend what an instance is out for: once for each time it is out, and now and then again."""
    if not instance.restart_command or instance.fault not in faults.RESTART_HELPS:
        return False
    if instance.restarted_at is None:
        return True
    since = timezone.now() - instance.restarted_at
    worked_since = instance.failing_since is not None and instance.restarted_at < instance.failing_since
    return since >= (START_ALLOWANCE if worked_since else RESTART_AGAIN)


def begin(instance: Instance, connection: HostConnection) -> None:
    """Restart it in a thread of its own, since nobody else on the host need wait; it is tried a little later."""
    now = timezone.now()
    Instance.objects.filter(pk=instance.pk).update(
        restarted_at=now, probe_at=now + timedelta(seconds=RESTART_SECONDS) + AFTER_RESTART
    )
    threading.Thread(target=_restart, args=(instance, connection), name=f"restart-{instance.pk}", daemon=True).start()


def _restart(instance: Instance, connection: HostConnection) -> None:
    marks = {"instance": instance.pk}
    try:
        finished = connection.run(instance.restart_command, timeout=RESTART_SECONDS)
    except SshError as error:
        log.error("instance %s not restarted: %s", instance.pk, error, extra=marks)
    else:
        log.warning("instance %s restarted, status %s", instance.pk, finished.rc, extra=marks)
        Instance.objects.filter(pk=instance.pk, state=Instance.State.OUT).update(
            probe_at=timezone.now() + AFTER_RESTART
        )
    finally:
        connections.close_all()
