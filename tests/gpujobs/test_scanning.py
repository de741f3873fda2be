"""Nothing stays on the hosts, and where something did, it is found, removed and told."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import django_rq
import pytest
import requests
from django.core.management import CommandError, call_command
from django.utils import timezone

from gpujobs import queueing, scanning, tasks
from gpujobs.models import Attempt, GpuHost, Instance, Job, Scan
from tests.gpujobs.fleet import SLOW, ended, fleet_of, in_state, wait_until
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def fleet(tmp_path):
    with fleet_of(tmp_path) as fleet:
        yield fleet


def an_attempt(fleet, **fields):
    (job,) = Job.objects.bulk_create([a_job(images={}, state="running")])
    return Attempt.objects.create(job=job, instance=fleet.instances[0], number=1, driver=uuid4(), **fields)


def an_ended_attempt(fleet, ago=timedelta(hours=1), **fields):
    return an_attempt(fleet, state="failed", finished_at=timezone.now() - ago, **fields)


def plant(fleet, name, kind="output", file="out_00001_.png"):
    folder = Path(fleet.standin.root) / "gpu0" / kind / "portal" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(b"somebody's face")


def prompt(fleet, attempt_id):
    """A prompt in the host's own queue and, a moment later, in its history."""
    graph = {
        "plain": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        "save": {"class_type": "PreviewImage", "inputs": {"images": ["plain", 0]}},
    }
    address = f"http://127.0.0.1:{fleet.standin.instances[0].port}"
    body = {"prompt": graph, "extra_data": {"portal_attempt": str(attempt_id)}}
    prompt_id = requests.post(f"{address}/prompt", json=body, timeout=10).json()["prompt_id"]
    wait_until(lambda: prompt_id in requests.get(f"{address}/history", timeout=10).json())
    return prompt_id


def history(fleet):
    return list(requests.get(f"http://127.0.0.1:{fleet.standin.instances[0].port}/history", timeout=10).json())


def test_after_real_work_there_is_nothing_to_find(fleet):
    job = a_job("print_master")
    queueing.submit([job])
    with fleet.driven():
        wait_until(ended(job))
        wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
    Attempt.objects.update(finished_at=timezone.now() - timedelta(hours=1))
    scan = scanning.scan(fleet.host)
    assert (scan.found, scan.trouble) == (0, "")


@pytest.mark.parametrize("kind", ["input", "output", "temp"])
def test_files_of_an_attempt_that_is_over_are_removed_and_told(fleet, kind, caplog):
    attempt = an_ended_attempt(fleet)
    plant(fleet, attempt.pk.hex, kind)
    plant(fleet, f"{attempt.pk.hex}/deeper", kind)
    scan = scanning.scan(fleet.host)
    assert fleet.residue() == []
    assert scan.found == 2
    assert scan.details[0]["kind"] == kind
    assert scan.details[0]["attempt"] == str(attempt.pk)
    assert "left behind on l4" in caplog.text
    attempt.refresh_from_db()
    assert attempt.cleaned_at is not None
    assert scanning.scan(fleet.host).found == 0


@pytest.mark.parametrize("name", ["4f399357bd1c413c857c0e0802d5e5c4", "not-a-uuid"])
def test_files_of_nobody_are_removed_too(fleet, name):
    plant(fleet, name)
    assert scanning.scan(fleet.host).found == 1
    assert fleet.residue() == []


def test_files_beside_ours_are_none_of_our_business(fleet):
    other = Path(fleet.standin.root) / "gpu0/output/somebody_elses.png"
    other.write_bytes(b"")
    assert scanning.scan(fleet.host).found == 0
    assert other.exists()


@pytest.mark.parametrize("known", [True, False])
def test_history_of_an_attempt_that_is_over_is_forgotten(fleet, known):
    prompt_id = prompt(fleet, an_ended_attempt(fleet).pk if known else uuid4())
    scan = scanning.scan(fleet.host)
    assert [(each["kind"], each["what"]) for each in scan.details] == [("history", prompt_id)]
    assert history(fleet) == []


def test_what_is_at_work_or_just_over_is_left_alone(fleet):
    at_work = an_attempt(fleet, state="executed")
    just_over = an_ended_attempt(fleet, ago=timedelta(seconds=5))
    for attempt in (at_work, just_over):
        plant(fleet, attempt.pk.hex)
    prompt_id = prompt(fleet, at_work.pk)
    assert scanning.scan(fleet.host).found == 0
    assert len(fleet.residue()) == 2
    assert history(fleet) == [prompt_id]


def test_a_search_during_work_does_not_disturb_it(tmp_path):
    with fleet_of(tmp_path, settings=SLOW) as fleet:
        jobs = [a_job(), a_job()]
        queueing.submit(jobs)
        with fleet.driven():
            wait_until(in_state(jobs[0], "running"))
            assert scanning.scan(fleet.host).found == 0
            wait_until(ended(*jobs), 120)
        assert [Job.objects.get(pk=job.pk).state for job in jobs] == ["succeeded"] * 2


def test_an_instance_that_does_not_answer_is_searched_again_later(fleet):
    fleet.standin.instances[0].kill()
    scan = scanning.scan(fleet.host)
    assert str(fleet.instances[0]) in scan.trouble
    assert scanning.due_hosts() == [fleet.host]


def test_each_host_is_due_once_a_day(fleet):
    assert scanning.due_hosts() == [fleet.host]
    tasks.scan_host(str(fleet.host.code))
    assert scanning.due_hosts() == []
    Scan.objects.update(at=timezone.now() - timedelta(days=1))
    assert scanning.due_hosts() == [fleet.host]


def test_the_terminal_lists_what_was_found(fleet):
    plant(fleet, uuid4().hex)
    out = StringIO()
    call_command("gpu", "scan", stdout=out)
    assert "l4: 1 left behind and removed" in out.getvalue()
    fleet.standin.instances[0].kill()
    with pytest.raises(CommandError, match="l4"):
        call_command("gpu", "scan", stdout=out)


def test_a_probe_at_work_is_left_alone(fleet):
    Instance.objects.update(state="out")
    plant(fleet, uuid4().hex)
    assert scanning.scan(fleet.host).found == 0


def test_once_a_day_somebody_is_sent_to_every_host_that_was_not_searched_whole(redis_client):
    late, lately, in_vain, gone, empty = (make_host(name) for name in ("late", "lately", "in-vain", "gone", "empty"))
    for host in (late, lately, in_vain, gone):
        make_instance(host)
    GpuHost.objects.filter(pk=gone.pk).update(state="retired")
    Scan.objects.create(host=late, at=timezone.now() - scanning.EVERY)
    Scan.objects.create(host=lately)
    Scan.objects.create(host=in_vain, trouble="no answer")
    tasks.scan()
    sent = [(job.func_name, *job.args) for job in django_rq.get_queue("hosts").jobs]
    assert sorted(sent) == sorted(("gpujobs.tasks.scan_host", str(host.code)) for host in (late, in_vain))
    assert empty.instances.count() == 0
