import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gpujobs import progress
from gpujobs.models import Attempt, GpuHost, Instance, Job
from portal.models import AuditEvent
from tests.gpujobs.making import a_job, make_host, make_instance


def make_job(**fields):
    job = a_job(images={}, **fields)
    job.save()
    return job


def make_attempt(instance, job=None, **fields):
    job = job or make_job(state=Job.State.RUNNING)
    return Attempt.objects.create(job=job, instance=instance, number=1, driver=uuid4(), **fields)


def make_ended(instance, state=Attempt.State.SUCCEEDED, **fields):
    now = timezone.now()
    return make_attempt(instance, claimed_at=now - timedelta(seconds=95), finished_at=now, state=state, **fields)


@pytest.fixture
def instance(db):
    return make_instance(make_host(), gpu_name="NVIDIA L4", warm_workflow="portrait")


def page_of(console):
    page = console.get("/operator/")
    assert page.status_code == 200
    return page.content.decode()


def test_with_no_host_it_says_how_to_add_one(console):
    assert "manage.py gpu add" in page_of(console)


def test_it_shows_what_an_instance_does_step_by_step(console, instance):
    running = make_attempt(instance, state=Attempt.State.RUNNING)
    progress.tell(running.job_id, step=12, steps=30, started_at=timezone.now() - timedelta(seconds=12))
    waiting = make_attempt(instance, job=make_job(workflow="life_scene", state=Job.State.RUNNING))
    page = page_of(console)
    assert "NVIDIA L4" in page
    assert "portrait · 12/30단계" in page
    assert f"{waiting.job.workflow} · 맡음" in page


def test_it_shows_a_fault_with_what_was_said(console, instance):
    Instance.objects.update(
        state="out", fault="out_of_memory", fault_text="Allocation on device <0>", fault_at=timezone.now()
    )
    page = page_of(console)
    assert "빠짐" in page
    assert "out_of_memory" in page
    assert "Allocation on device &lt;0&gt;" in page


def test_it_shows_the_queue_by_urgency_with_how_many_instances_could(console, instance):
    Instance.objects.update(workflows=["portrait"])
    make_job(workflow="life_scene", due=30)
    make_job(workflow="portrait", due=10)
    page = page_of(console)
    rows = re.findall(r"<tr>\s*<td class=\"num\".*?</tr>", page, re.DOTALL)
    assert ["portrait" in rows[0], "life_scene" in rows[1]] == [True, True]
    assert ["없음" in row for row in rows] == [False, True]


def test_it_says_which_workflow_nobody_can_make(console, instance):
    Instance.objects.update(workflows=["portrait"])
    make_job(workflow="living_video")
    assert "지금 어느 GPU에서도 만들 수 없습니다" in page_of(console)


def test_it_shows_how_the_last_attempts_ended_and_how_long_they_took(console, instance):
    make_ended(instance, job=make_job(state=Job.State.SUCCEEDED, finished_at=timezone.now()))
    make_ended(
        instance,
        Attempt.State.FAILED,
        job=make_job(state=Job.State.FAILED, finished_at=timezone.now()),
        fault="no_face",
        fault_text="No face detected",
    )
    page = page_of(console)
    assert "1분 35초" in page
    assert "No face detected" in page


def test_draining_and_resuming_a_host_is_written_down_and_wakes_the_fleet(console, instance, operator, monkeypatch):
    woken = []
    monkeypatch.setattr("gpujobs.wakeup.after_commit", lambda: woken.append(1))
    host = instance.host
    for action, state, entry in (("drain", "draining", "host.drained"), ("resume", "active", "host.resumed")):
        for _ in range(2):  # a second press changes nothing
            assert console.post(f"/operator/hosts/{host.code}/{action}/").status_code == 302
        host.refresh_from_db()
        assert host.state == state
        written = AuditEvent.objects.get(action=entry)
        assert (written.actor, written.subject) == (operator, host.code)
    assert woken == [1, 1]


def test_a_host_that_is_not_there_cannot_be_drained(console, db):
    assert console.post(f"/operator/hosts/{uuid4()}/drain/").status_code == 404


def test_what_did_not_change_costs_a_status_line(console, instance):
    answer = console.get("/operator/live/")
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    again = console.get("/operator/live/", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    GpuHost.objects.update(state="draining")
    assert console.get("/operator/live/", headers={"If-None-Match": answer["ETag"]}).status_code == 200


def test_the_page_made_with_this_state_is_told_nothing_new(console, instance):
    version = console.get("/operator/").context["version"]
    assert console.get("/operator/live/", {"shown": version}).status_code == 204


def test_a_step_forward_is_a_change(console, instance):
    running = make_attempt(instance, state=Attempt.State.RUNNING)
    seen = []
    for step in (1, 2):
        progress.tell(running.job_id, step=step, steps=4, started_at=timezone.now() - timedelta(seconds=9))
        seen.append(console.get("/operator/live/")["ETag"])
    assert seen[0] != seen[1]


def test_it_asks_the_database_no_more_for_more_of_everything(console, instance, django_assert_num_queries):
    def fill(host):
        for port in (8200, 8201):
            one = make_instance(host, port=port)
            make_attempt(one, state=Attempt.State.RUNNING)
            make_ended(one, job=make_job(state=Job.State.SUCCEEDED, finished_at=timezone.now()))
            make_job()

    fill(instance.host)
    console.get("/operator/")  # fills the cache of usual times
    with CaptureQueriesContext(connection) as before:
        console.get("/operator/")
    for name in ("a100", "h100"):
        fill(make_host(name))
    with django_assert_num_queries(len(before)):
        console.get("/operator/")
