"""What is thrown: every kind of the plan is known, and each does to the scene what it is called."""

import errno
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import requests

from chaos.deeds import DOINGS, HEALED, TOLD, Doer
from chaos.plan import KINDS, Deed
from gpujobs.standin.control import DEEDS
from gpujobs.standin.faults import Faults


class Wire:
    def __init__(self):
        self.is_frozen = False

    def freeze(self):
        self.is_frozen = True

    def thaw(self):
        self.is_frozen = False


class Sshd:
    def __init__(self):
        self.starts = 0

    def kill(self):
        self.starts = 0

    def start(self):
        self.starts += 1


class Place:
    """A host of the scene that keeps what it was told."""

    def __init__(self, *, is_down=False):
        self.told, self.is_down = [], is_down
        self.wire, self.sshd = Wire(), Sshd()
        self.frozen_until, self.is_shut = 0.0, False

    def tell(self, place, **faults):
        if self.is_down:
            raise requests.ConnectionError
        self.told.append((place, faults))


def deed(kind, *, lasts=None, place=1):
    return Deed(at=1.0, kind=kind, host=0, place=place, lasts=KINDS[kind][2] if lasts is None else lasts, dice=3)


def doer_of(host, **scene):
    return Doer(SimpleNamespace(hosts=[host], **scene))


def test_every_kind_is_done_in_one_way():
    assert set(KINDS) == TOLD.keys() | DOINGS.keys()
    assert not TOLD.keys() & DOINGS.keys()


@pytest.mark.parametrize("kind", TOLD)
def test_the_stand_in_knows_what_it_is_told(kind):
    for told in (TOLD[kind], HEALED.get(kind, {})):
        Faults().set({name: value for name, value in told.items() if name not in DEEDS})


def test_an_instance_is_told_and_healed_when_the_time_is_over():
    host = Place()
    doer = doer_of(host)
    assert doer.do(deed("frozen process", lasts=60))
    doer.finish()
    assert host.told == [(1, {"frozen": True}), (1, {"frozen": False})]


def test_what_is_over_by_itself_is_not_ended_a_second_time():
    host = Place()
    doer = doer_of(host)
    doer.do(deed("late history", lasts=0.0))
    while any(isinstance(thread, threading.Timer) for thread in threading.enumerate()):
        time.sleep(0.01)
    doer.finish()
    assert host.told == [(1, {"history_lag": 1.5}), (1, {"history_lag": 0.0})]


def test_one_that_is_down_finds_nothing_to_strike():
    assert not doer_of(Place(is_down=True)).do(deed("out of memory"))


def test_a_short_frost_does_not_end_a_long_one():
    host = Place()
    doer = doer_of(host)
    doer.do(deed("network frozen for long", lasts=60))
    doer.do(deed("network frozen", lasts=0.0))
    time.sleep(0.3)
    assert host.wire.is_frozen
    doer.finish()
    assert not host.wire.is_frozen


def test_an_sshd_that_is_dead_already_is_not_killed_and_started_twice():
    host = Place()
    doer = doer_of(host)
    assert doer.do(deed("sshd killed", lasts=60))
    assert not doer.do(deed("sshd killed", lasts=60))
    doer.finish()
    assert host.sshd.starts == 1


def test_the_portals_disk_is_full_for_a_while(tmp_path):
    doer = doer_of(Place(), disk_full=tmp_path / "full")
    doer.do(deed("portal's disk full", lasts=60))
    assert (tmp_path / "full").exists()
    doer.finish()
    assert not (tmp_path / "full").exists()


def test_on_a_full_disk_nothing_of_the_storage_is_opened_for_writing(tmp_path):
    """In a process of its own: what it does to a process cannot be undone."""
    storage, sign = tmp_path / "files", tmp_path / "full"
    storage.mkdir()
    (storage / "old").write_text("old")
    (tmp_path / "elsewhere").write_text("")
    script = f"""
from pathlib import Path
from chaos.portal import fill_on_demand
storage, sign = Path({str(storage)!r}), Path({str(sign)!r})
fill_on_demand(storage, sign)
(storage / "before").open("xb").close()
sign.touch()
assert (storage / "old").read_text() == "old"
(storage.parent / "elsewhere").write_text("written")
try:
    (storage / "new").open("xb")
except OSError as error:
    assert error.errno == {errno.ENOSPC}
else:
    raise AssertionError("it was opened")
sign.unlink()
(storage / "after").write_text("written")
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert sorted(path.name for path in storage.iterdir()) == ["after", "before", "old"]
