"""Errands: an operator sends a worker to a host, to look, to search or to restart, and reads later what came of it.

A visit takes seconds at best and minutes where a host is silent; a page that waited for it would hold a web process
for as long. Errands have a queue of their own: the sweep must never wait behind one.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

import django_rq
from django.db import transaction
from django.utils import timezone
from redis import RedisError

from gpujobs import hosts, scanning, wakeup
from gpujobs.faults import HostProblem
from gpujobs.models import Errand, GpuHost, Instance
from gpujobs.ssh import SshError

log = logging.getLogger(__name__)

QUEUE = "hosts"
# One that nobody took up for so long was lost on the way and is sent again; one that lasts so long has died.
LOST_AFTER = timedelta(seconds=30)
DEAD_AFTER = timedelta(minutes=20)
BROKEN_OFF = "broken_off"


def ask(host: GpuHost, kind: str, instance: Instance | None = None) -> bool:
    """Send somebody, in the transaction in hand; false where somebody is on the same errand already."""
    errand, is_new = Errand.objects.get_or_create(host=host, kind=kind, instance=instance, ended_at=None)
    if is_new:
        transaction.on_commit(lambda: _send(errand))
    return is_new


def run(code: UUID) -> None:
    """Do it, once: a second message finds it begun. What came of it is on its row."""
    now = timezone.now()
    if not Errand.objects.filter(code=code, begun_at=None, ended_at=None).update(begun_at=now):
        return
    errand = Errand.objects.select_related("host", "instance__host").get(code=code)
    log.info("errand at %s: %s", errand.instance or errand.host, errand.kind, extra={"host": errand.host.name})
    try:
        _end(errand, *_do(errand))
    except HostProblem as problem:
        _end(errand, problem.code, str(problem))
    except SshError as error:
        _end(errand, type(error).__name__, str(error))
    except BaseException:
        # A mistake of ours, or its time is over: whoever asked may ask again at once.
        _end(errand, BROKEN_OFF)
        raise


def _end(errand: Errand, fault: str, said: str = "", found: int = 0) -> None:
    Errand.objects.filter(pk=errand.pk).update(ended_at=timezone.now(), fault=fault, said=said[:4000], found=found)


def _do(errand: Errand) -> tuple[str, str, int]:
    """(fault, what was said in English, how many were found); without a fault all went well."""
    match errand.kind:
        case Errand.Kind.EXAMINE:
            silent = [f"{instance}: {said}" for instance, said in hosts.examine(errand.host) if isinstance(said, str)]
            return "not_examined" if silent else "", "\n".join(silent), len(silent)
        case Errand.Kind.SCAN:
            scan = scanning.scan(errand.host)
            return "not_searched" if scan.trouble else "", scan.trouble, scan.found
        case Errand.Kind.RESTART if errand.instance is not None:
            hosts.restart(errand.instance)
            wakeup.wake()
            return "", "", 0
    raise ValueError(f"nobody knows how to {errand.kind}")


def sweep(now: datetime) -> None:
    """Send again what was lost on the way, and end what died under way."""
    Errand.objects.filter(ended_at=None, begun_at__lt=now - DEAD_AFTER).update(ended_at=now, fault=BROKEN_OFF)
    for errand in Errand.objects.filter(ended_at=None, begun_at=None, asked_at__lt=now - LOST_AFTER):
        _send(errand)


def _send(errand: Errand) -> None:
    try:
        # Not again while the message may still be waiting its turn.
        if wakeup.redis().set(f"gpujobs:errand:{errand.code}", b"1", nx=True, ex=LOST_AFTER):
            django_rq.get_queue(QUEUE).enqueue("gpujobs.tasks.run_errand", str(errand.code), result_ttl=60)
    except RedisError as error:
        log.warning("errand not sent: %s", type(error).__name__)
