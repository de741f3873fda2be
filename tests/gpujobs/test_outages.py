"""What the fleet stands on goes away and comes back: the network, sshd, Redis, the database, the portal, a host.

Every job ends right, once, and nobody is blamed who could do nothing for it.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import django_rq
import psycopg
import pytest
from django.db import connection as database
from django.utils import timezone
from psycopg import sql

from gpujobs import hosts, queueing, tasks
from gpujobs.busy import busy_and_gaps
from gpujobs.comfyui import Timeouts
from gpujobs.models import Attempt, GpuHost, Instance, Job
from gpujobs.ssh import HostConnection, HostUnreachable, SshError
from gpujobs.standin import StandinHost
from portal.embedded import Valkey
from tests import workers
from tests.gpujobs.fleet import QUICK, SLOW, Fleet, ended, fleet_of, in_state, make_key, wait_until
from tests.gpujobs.making import a_job, a_result
from tests.ssh.openssh import OpenSSHServer
from tests.ssh.relay import Relay
from tests.workers import horse_of, reconcile_until

pytestmark = [pytest.mark.django_db(transaction=True)]
worker = partial(workers.worker, settings="tests.gpujobs.worker_settings")

# As an operator would set it, for a stand-in: it is told to restart over its own HTTP, on its own host.
RESTART = (
    "import sys, urllib.request as u;"
    "u.urlopen(u.Request('http://127.0.0.1:' + sys.argv[1] + '/standin/faults',"
    " b'{\"restart\": 0.5}', {'Content-Type': 'application/json'}), timeout=10)"
)


@pytest.fixture
def fleet(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        yield fleet


class Wired(Fleet):
    """A fleet behind a real sshd at the end of a wire."""

    sshd: OpenSSHServer
    wire: Relay


@pytest.fixture
def wired(tmp_path) -> Iterator[Wired]:
    key = make_key(tmp_path)
    (tmp_path / "sshd").mkdir()
    (tmp_path / "result.png").write_bytes(a_result())
    slow = replace(SLOW, canned_result=tmp_path / "result.png")
    public = Path(f"{key}.pub")
    with ExitStack() as stack:
        standin = stack.enter_context(StandinHost(tmp_path / "host", public, instances=1, settings=slow))
        ports = [instance.port for instance in standin.instances]
        sshd = stack.enter_context(OpenSSHServer(tmp_path / "sshd", [public.read_text().strip()], permit_open=ports))
        wire = stack.enter_context(Relay(sshd.port))
        host = GpuHost(
            name="real",
            address="127.0.0.1",
            port=wire.port,
            username=sshd.username,
            host_key=sshd.host_key,
            key_path=str(key),
        )
        fleet = Wired(standin, host, hosts.add(host, ports))
        fleet.sshd, fleet.wire = sshd, wire
        yield fleet


def driven_until(fleet, happened, seconds=60.0):
    """As the sweep would have it: driven again whenever the driver had to give up."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        with suppress(SshError), fleet.driven() as thread:
            wait_until(lambda: happened() or not thread.is_alive(), seconds)


def blamed():
    return [(one.state, one.faults_in_row) for one in Instance.objects.order_by("pk")]


def is_done_once(fleet, job):
    job.refresh_from_db()
    assert (job.state, job.charged_attempts) == ("succeeded", 0), job.fault_text
    assert len(fleet.executions(job)) == 1


# The way to a host


@pytest.mark.sshd
def test_an_sshd_that_restarts_under_a_running_job_costs_nobody_anything(wired):
    queueing.submit([job := a_job()])
    with suppress(SshError), wired.driven() as thread:
        wait_until(in_state(job, "running"))
        wired.sshd.kill()
        thread.join(15)
    wired.sshd.start()
    driven_until(wired, ended(job))
    is_done_once(wired, job)
    assert Attempt.objects.get(job=job).state == "succeeded"
    assert blamed() == [("active", 0)]


def freeze_while_driving(wired, job):
    """Bytes are taken and nothing comes back: to TCP all is well."""
    with wired.driven() as thread:
        wait_until(in_state(job, "running"))
        wired.wire.freeze()
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.sshd
def test_a_half_open_connection_is_found_out_and_blames_no_instance(wired, monkeypatch):
    monkeypatch.setattr("gpujobs.driver.TIMEOUTS", Timeouts(connect=1, answer=1, file=1))
    monkeypatch.setattr("gpujobs.following.SILENCE_SECONDS", 1.0)
    monkeypatch.setitem(HostConnection.open.__func__.__kwdefaults__, "timeout", 2.0)
    queueing.submit([job := a_job()])
    with pytest.raises(HostUnreachable):
        freeze_while_driving(wired, job)
    assert Attempt.objects.get(job=job).is_live
    assert blamed() == [("active", 0)]
    wired.wire.cut()
    wired.wire.thaw()
    driven_until(wired, ended(job))
    is_done_once(wired, job)


@pytest.mark.sshd
def test_a_channel_that_sshd_refuses_takes_the_instance_out_until_it_is_let_through(wired, monkeypatch):
    configuration = wired.sshd.root / "sshd_config"
    allowed = configuration.read_text()
    closed = "\n".join("PermitOpen none" if "PermitOpen" in line else line for line in allowed.splitlines())
    wired.sshd.kill()
    configuration.write_text(closed)
    wired.sshd.start()
    queueing.submit([job := a_job()])
    driven_until(wired, lambda: Instance.objects.get().state == "out")
    instance = Instance.objects.get()
    assert instance.fault == "no_answer"
    assert "opens no channel to its port" in instance.fault_text
    assert Job.objects.get(pk=job.pk).charged_attempts == 0
    wired.sshd.kill()
    configuration.write_text(allowed)
    wired.sshd.start()
    Instance.objects.update(probe_at=timezone.now())
    driven_until(wired, ended(job))
    is_done_once(wired, job)
    assert Instance.objects.get().state == "active"


@pytest.mark.sshd
def test_a_wedged_process_is_restarted_by_its_own_command_and_comes_back_by_a_probe(wired, settings, monkeypatch):
    settings.GPUJOBS_WEDGED_SECONDS = 3
    monkeypatch.setattr("gpujobs.following.SILENCE_SECONDS", 1.0)
    monkeypatch.setattr("gpujobs.runner.PROBE_AFTER", timedelta(seconds=0.5))
    monkeypatch.setattr("gpujobs.restarting.AFTER_RESTART", timedelta(seconds=1.5))
    port = wired.standin.instances[0].port
    Instance.objects.update(restart_command=[sys.executable, "-c", RESTART, str(port)])
    queueing.submit([job := a_job()])
    with wired.driven():
        wait_until(in_state(job, "running"))
        wired.standin.instances[0].faults.wedged = True
        wait_until(ended(job))
    instance = Instance.objects.get()
    assert instance.restarted_at > instance.fault_at
    assert instance.state == "active"
    tries = Attempt.objects.filter(job=job).order_by("number").values_list("state", "fault", "charged")
    assert list(tries) == [("failed", "wedged", False), ("succeeded", "", False)]


@pytest.mark.sshd
def test_a_comfyui_that_takes_long_to_start_is_restarted_once_and_waited_for(wired, settings, monkeypatch):
    settings.GPUJOBS_WEDGED_SECONDS = 2
    monkeypatch.setattr("gpujobs.following.SILENCE_SECONDS", 0.5)
    monkeypatch.setattr("gpujobs.runner.PROBE_AFTER", timedelta(seconds=0.2))
    monkeypatch.setattr("gpujobs.restarting.AFTER_RESTART", timedelta(seconds=0.5))
    run, restarts = HostConnection.run, []

    def count(self, argv, **given):
        restarts.append(argv)
        return run(self, argv, **given)

    monkeypatch.setattr(HostConnection, "run", count)
    slowly = [sys.executable, "-c", RESTART.replace("0.5", "4.0"), str(wired.standin.instances[0].port)]
    Instance.objects.update(restart_command=slowly)
    queueing.submit([job := a_job()])
    with wired.driven():
        wait_until(in_state(job, "running"))
        wired.standin.instances[0].faults.wedged = True
        wait_until(lambda: Instance.objects.get().fault == "no_answer")
        wait_until(ended(job))
    assert restarts == [slowly]
    instance = Instance.objects.get()
    assert (instance.state, instance.failing_since) == ("active", None)


def test_a_restart_that_takes_longer_than_a_lease_costs_the_driver_nothing(fleet, monkeypatch):
    monkeypatch.setattr("gpujobs.wheel.LEASE", timedelta(seconds=1))
    monkeypatch.setattr("gpujobs.wheel.RENEW_SECONDS", 0.2)
    monkeypatch.setattr("gpujobs.driver.LOST_AFTER", timedelta(seconds=60))
    monkeypatch.setattr("gpujobs.lane.COLLECT_SECONDS", 1.0)
    queueing.submit([job := a_job()])
    with fleet.driven():
        wait_until(in_state(job, "running"))
        mine = GpuHost.objects.get().driver
        # What is slow at the end of a lane, the driver waits for.
        monkeypatch.setattr("gpujobs.following.Following.stop", lambda self: time.sleep(3))
        fleet.standin.instances[0].kill()
        wait_until(lambda: Instance.objects.get().state == "out")
        host = GpuHost.objects.get()
        assert host.driver == mine
        assert not host.take_wheel(uuid4(), timezone.now())
        monkeypatch.undo()


@pytest.mark.parametrize("state", ["active", "draining"])
def test_the_jobs_of_a_comfyui_that_died_go_elsewhere_within_the_same_time(tmp_path, monkeypatch, state):
    """Drained as well: stopping ComfyUI is what one drains an instance for."""
    monkeypatch.setattr("gpujobs.driver.LOST_AFTER", timedelta(seconds=1))
    monkeypatch.setattr("gpujobs.driver.LOOK_AFTER_SECONDS", 0.2)
    monkeypatch.setattr("gpujobs.runner.PROBE_AFTER", timedelta(seconds=0.2))
    with fleet_of(tmp_path, instances=2, settings=SLOW) as fleet:
        queueing.submit([job := a_job()])
        with fleet.driven():
            wait_until(in_state(job, "running"))
            first = Attempt.objects.get(job=job).instance
            Instance.objects.filter(pk=first.pk).update(state=state)
            next(one for one in fleet.standin.instances if one.port == first.port).kill()
            wait_until(ended(job), 20)
        first.refresh_from_db()
        assert first.state == ("out" if state == "active" else "draining")
        assert first.faults_in_row <= 6, "each try in vain doubles the wait"
    assert Attempt.objects.get(job=job, state="succeeded").instance_id != first.pk
    assert Job.objects.get(pk=job.pk).charged_attempts == 0


def test_what_a_late_driver_left_behind_is_taken_over_while_another_drives(fleet):
    with fleet.driven():
        queueing.submit([first := a_job()])
        wait_until(in_state(first, "running"))
        late = a_job(seed=8, state="running")
        late.save()
        Attempt.objects.create(job=late, instance=fleet.instances[0], number=1, driver=uuid4())
        wait_until(ended(first, late))
    for job in (first, late):
        is_done_once(fleet, job)


def test_the_jobs_of_a_host_that_is_gone_are_made_on_another_and_it_is_tidied_when_it_is_back(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "HOST_GONE_AFTER", timedelta(seconds=1))
    monkeypatch.setattr("gpujobs.lane.LEFTOVER_AFTER", timedelta(seconds=0))
    monkeypatch.setattr("gpujobs.lane.FEED_SECONDS", 1.0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with (
        fleet_of(tmp_path / "a", settings=SLOW, name="a") as first,
        fleet_of(tmp_path / "b", settings=SLOW, name="b") as second,
    ):
        queueing.submit([job := a_job()])
        with first.driven():
            wait_until(in_state(job, "running"))
        first.standin.instances[0].faults.slowness = 50
        GpuHost.objects.filter(pk=first.host.pk).update(state="draining")
        time.sleep(1.1)
        tasks.free_gone_hosts(timezone.now())
        tries = Attempt.objects.filter(job=job).values_list("state", "fault", "charged")
        assert list(tries) == [("lost", "host_gone", False)]
        with second.driven():
            wait_until(ended(job))
        assert Attempt.objects.get(job=job, state="succeeded").instance.host_id == second.host.pk
        with first.driven():
            wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
        assert first.executions(job)[0]["outcome"] == "interrupted"
        assert first.residue() == []
        assert blamed() == [("active", 0)] * 2


# What the portal stands on


@pytest.fixture
def own_redis(tmp_path, monkeypatch):
    """A Redis server that this test may stop; workers and wake-ups use it."""
    with Valkey(tmp_path / "valkey", durable=False) as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        for queue in django_rq.settings.QUEUES.values():
            monkeypatch.setitem(queue, "URL", redis.url)
        yield redis


def test_a_redis_that_stops_and_comes_back_empty_delays_nothing_that_runs(fleet, own_redis):
    first, second = a_job(due=1), a_job(due=2)
    with worker():
        queueing.submit([first])
        wait_until(in_state(first, "running"))
        own_redis.stop()
        # Nobody hears of it; it is on record.
        queueing.submit([second])
        wait_until(ended(first))
        own_redis.__enter__()
        reconcile_until(ended(second))
    for job in (first, second):
        is_done_once(fleet, job)
    assert blamed() == [("active", 0)]


@contextmanager
def database_away():
    """As while PostgreSQL restarts: every connection breaks, and no new one is let in."""
    given = database.settings_dict
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (mine,) = cursor.fetchone()
    keys = {"host": given["HOST"], "port": given["PORT"], "user": given["USER"], "password": given["PASSWORD"]}
    named = {key: value for key, value in keys.items() if value}
    with psycopg.connect(dbname="postgres", autocommit=True, **named) as other:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format
        other.execute(allow(sql.Identifier(given["NAME"]), sql.SQL("false")))
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
            [given["NAME"], mine],
        )
        try:
            yield
        finally:
            other.execute(allow(sql.Identifier(given["NAME"]), sql.SQL("true")))


def test_a_database_that_is_away_for_a_while_blames_nobody_and_the_next_driver_goes_on(fleet):
    queueing.submit([job := a_job()])
    with worker() as process:
        wait_until(in_state(job, "running"))
        horse = horse_of(process)
        with database_away():
            wait_until(lambda: not horse.is_running() or horse.status() == "zombie")
        # It could not be given back.
        GpuHost.objects.update(driver_until=timezone.now())
        reconcile_until(ended(job))
        assert process.poll() is None, "the worker itself outlives it"
    is_done_once(fleet, job)
    assert Attempt.objects.get(job=job).state == "succeeded"
    assert blamed() == [("active", 0)]


def test_a_portal_that_reboots_finds_every_job_again(fleet, redis_client):
    jobs = [a_job(due=number, seed=number) for number in range(1, 4)]
    with worker() as gpu, worker() as other:
        queueing.submit(jobs)
        wait_until(in_state(jobs[0], "running"))
        wait_until(in_state(jobs[1], "sent"))
        for process in (gpu, other):
            process.kill()
            process.wait()
        redis_client.flushdb()
    # A machine takes longer to boot than a lease runs.
    GpuHost.objects.update(driver_until=timezone.now())
    with worker(), worker():
        reconcile_until(ended(*jobs))
    for job in jobs:
        is_done_once(fleet, job)
        assert Attempt.objects.filter(job=job).count() == 1


# Clocks


@pytest.mark.parametrize("ahead", [timedelta(hours=9), timedelta(days=-400)])
def test_a_host_whose_clock_is_hours_apart_makes_no_difference(tmp_path, ahead):
    before = timezone.now()
    with fleet_of(tmp_path, settings=replace(QUICK, clock_ahead=ahead.total_seconds())) as fleet:
        queueing.submit([job := a_job()])
        with fleet.driven():
            wait_until(ended(job))
            wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
        is_done_once(fleet, job)
        attempt = Attempt.objects.get(job=job)
        moments = [attempt.claimed_at, attempt.sent_at, attempt.started_at, attempt.executed_at, attempt.finished_at]
        assert moments == sorted(moments)
        assert before < moments[0]
        assert moments[-1] < timezone.now()
        assert attempt.execution_ms < 60_000
        (busy,) = busy_and_gaps(timezone.now()).values()
        assert 0 < busy.share < 1
