"""Proving that nothing stays on the hosts: no file and no history of an attempt that is over.

Whatever is found was left behind by a mistake or an accident; it is removed, written down and told.
"""

import logging
import posixpath
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

import paramiko
from django.utils import timezone

from gpujobs.comfyui import ComfyError, ComfyUI
from gpujobs.driver import reach_of, target_of
from gpujobs.models import Attempt, GpuHost, Instance, Scan
from gpujobs.runner import Reach
from gpujobs.ssh import HostConnection, SshError

log = logging.getLogger(__name__)

EVERY = timedelta(hours=23)
# What ended a moment ago is still being cleaned by its own driver.
GRACE = timedelta(minutes=2)
DETAILS_KEPT = 100


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """``kind``: input, output, temp, queue or history. ``what``: the path below that folder, or the prompt's id.
    ``attempt``: its UUID, empty where it is of none."""

    instance: int
    kind: str
    what: str
    attempt: str = ""


def due_hosts() -> list[GpuHost]:
    """Hosts with instances that have not been searched to the end for a day."""
    lately = Scan.objects.filter(at__gt=timezone.now() - EVERY, trouble="").values("host")
    every = GpuHost.objects.exclude(state=GpuHost.State.RETIRED).filter(instances__isnull=False)
    return list(every.exclude(pk__in=lately).distinct())


def scan(host: GpuHost) -> Scan:
    """Search every instance of the host and remove what is left. Trouble on the way is on the record it returns."""
    found: list[Leftover] = []
    troubles: list[str] = []
    try:
        with HostConnection.open(target_of(host)) as connection:
            for instance in host.instances.select_related("host"):
                try:
                    found += _search(reach_of(instance, connection))
                except (ComfyError, OSError, EOFError) as error:
                    if not connection.is_alive:
                        raise
                    troubles.append(f"{instance}: {error}")
    except (SshError, ComfyError, OSError, EOFError) as error:
        troubles.append(str(error))
    for leftover in found:
        log.warning(
            "left behind on %s:%s and removed: %s %s",
            *(host.name, leftover.instance, leftover.kind, leftover.what),
            extra={"host": host.name, "attempt": leftover.attempt or None},
        )
    details = [asdict(leftover) for leftover in found[:DETAILS_KEPT]]
    return Scan.objects.create(host=host, found=len(found), details=details, trouble="\n".join(troubles)[:4000])


def _search(reach: Reach) -> list[Leftover]:
    # A probe belongs to no attempt, and instances may share their folders: while one is out, what nobody knows stays.
    probing = Instance.objects.filter(host=reach.instance.host_id, state=Instance.State.OUT).exists()
    return [*_search_prompts(reach), *_search_folders(reach, strangers=not probing)]


def _search_prompts(reach: Reach) -> Iterator[Leftover]:
    """Prompts that nobody waits for any more. One that already runs is left to end; the next search finds it."""
    comfy: ComfyUI = reach.comfy
    ours = {each.prompt_id: str(each.extra_data.get("portal_attempt", "")) for each in comfy.queue().pending}
    pending = _over({prompt: attempt for prompt, attempt in ours.items() if attempt})
    if pending:
        comfy.delete_pending(pending)
    yield from (_of_prompt(reach, "queue", prompt, attempt) for prompt, attempt in pending.items())
    records = {each.prompt_id: str(each.extra_data.get("portal_attempt", "")) for each in comfy.histories().values()}
    ended = _over({prompt: attempt for prompt, attempt in records.items() if attempt})
    if ended:
        comfy.delete_history(ended)
    yield from (_of_prompt(reach, "history", prompt, attempt) for prompt, attempt in ended.items())


def _of_prompt(reach: Reach, kind: str, prompt: str, attempt: str) -> Leftover:
    return Leftover(instance=reach.instance.port, kind=kind, what=prompt, attempt=attempt)


def _search_folders(reach: Reach, *, strangers: bool) -> Iterator[Leftover]:
    """Below each of the instance's folders, portal/ holds one folder for each attempt and nothing else."""
    sftp, instance = reach.connection.sftp(), reach.instance
    for kind, directory in (
        ("input", instance.input_dir),
        ("output", instance.output_dir),
        ("temp", instance.temp_dir),
    ):
        top = posixpath.join(directory, "portal")
        names = _names(sftp, top)
        for name, attempt in _over({name: name for name in names}, strangers=strangers).items():
            for path in remove_tree(sftp, posixpath.join(top, name)):
                yield Leftover(
                    instance=instance.port, kind=kind, what=posixpath.relpath(path, directory), attempt=attempt
                )
            if attempt:
                Attempt.objects.filter(pk=attempt, cleaned_at=None).update(cleaned_at=timezone.now())


def _over(named: dict[str, str], *, strangers: bool = True) -> dict[str, str]:
    """Of what bears an attempt's UUID, that of attempts that are over and, with ``strangers``, that nobody knows.

    The list on the host was made before the rows are read: an attempt begun since cannot be on it.
    """
    ids = {thing: _uuid(name) for thing, name in named.items()}
    rows = Attempt.objects.filter(pk__in=[each for each in ids.values() if each])
    known = dict(rows.values_list("pk", "state"))
    fresh = set(rows.filter(finished_at__gt=timezone.now() - GRACE).values_list("pk", flat=True))
    kept = {pk for pk, state in known.items() if state in Attempt.LIVE or pk in fresh}
    return {thing: str(each or "") for thing, each in ids.items() if each not in kept and (strangers or each in known)}


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _names(sftp: paramiko.SFTPClient, path: str) -> list[str]:
    try:
        return sftp.listdir(path)
    except FileNotFoundError:
        return []


def remove_tree(sftp: paramiko.SFTPClient, path: str) -> Iterator[str]:
    """Remove a file, or a folder with all in it; yields the files, or the folder where it was empty."""
    with suppress(FileNotFoundError):
        if not stat.S_ISDIR(sftp.lstat(path).st_mode or 0):
            sftp.remove(path)
            yield path
            return
        names = sftp.listdir(path)
        for name in names:
            yield from remove_tree(sftp, posixpath.join(path, name))
        sftp.rmdir(path)
        if not names:
            yield path
