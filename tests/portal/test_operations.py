import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gpujobs import claiming, overview, progress
from gpujobs.models import Attempt, GpuHost, Instance, Job
from portal.models import AuditEvent
from portal.templatetags.portal_format import exact
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


@pytest.fixture(autouse=True)
def _everybody_may(settings):
    settings.GPUJOBS_MAY_RUN = "tests.gpujobs.making.everybody_may"


@pytest.fixture
def instance(db):
    return make_instance(make_host(), gpu_name="NVIDIA L4", memory_free_mb=16_900, warm_workflow="portrait")


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
    assert "NVIDIA L4 · 23 GiB (마지막으로 봤을 때 16 GiB 비어 있음)" in page
    assert "영정사진 · 12/30단계" in page
    assert "인생 더하기 · 맡음" in page
    assert waiting.job.workflow == "life_scene"


def test_it_shows_a_fault_with_what_was_said(console, instance):
    Instance.objects.update(
        state="out", fault="out_of_memory", fault_text="Allocation on device <0>", fault_at=timezone.now()
    )
    page = page_of(console)
    assert "빠짐" in page
    assert "GPU 메모리가 모자랐습니다." in page
    assert "Allocation on device &lt;0&gt;" in page


def test_it_shows_the_queue_by_urgency_with_how_many_instances_could(console, instance):
    Instance.objects.update(workflows=["portrait"])
    make_job(workflow="life_scene", due=30)
    make_job(workflow="portrait", due=10)
    page = page_of(console)
    rows = re.findall(r"<tr>\s*<td class=\"num\".*?</tr>", page, re.DOTALL)
    assert ["영정사진" in rows[0], "인생 더하기" in rows[1]] == [True, True]
    assert ["만들 수 있는 곳 없음" in row for row in rows] == [False, True]


def test_it_says_which_workflow_nobody_can_make_and_what_each_instance_lacks(console, instance):
    lacks = [{"kind": "model", "what": "models/CogVideo", "detail": "not there"}]
    Instance.objects.update(workflows=["portrait", "life_scene", "print_master", "video_extend"])
    Instance.objects.update(findings={"living_video": lacks})
    page = page_of(console)
    assert "지금 어느 GPU에서도 만들 수 없는 것이 있습니다." in page
    alert = re.search(r'role="alert".*?</ul>', page, re.DOTALL)[0]
    assert "메모리얼 비디오" in alert
    assert '모델 파일이 없습니다 <span class="sub">models/CogVideo</span> · l4:8188' in alert
    assert "models/CogVideo" in alert
    assert "영정사진" not in alert
    Instance.objects.update(state="out")
    assert "영정사진" in re.search(r'role="alert".*?</ul>', page_of(console), re.DOTALL)[0]


def test_it_says_why_a_job_was_given_to_an_instance(console, instance):
    home, other = uuid4(), make_job(state=Job.State.RUNNING)
    Job.objects.filter(pk=other.pk).update(tenant=home)
    make_attempt(instance, job=other)
    make_job(workflow="portrait", home=home)
    second = make_instance(instance.host, port=8189, warm_workflow="portrait")
    chosen = claiming.claim(second, driver=uuid4())
    assert chosen.why.startswith("warm for portrait, due ")
    page = page_of(console)
    due = exact(chosen.job.due_at)
    assert f"모델이 올라가 있어서 · {due}까지 필요 · 같은 장례식장의 일이 이미 1개 돌고 있어 2분 뒤로" in page


def test_the_queue_stands_in_the_order_in_which_instances_choose_and_says_why_each_waits(console, instance):
    now = timezone.now()
    make_job(workflow="living_video", due=45)
    make_job(workflow="portrait", due=600, queued_at=now - timedelta(minutes=20))
    make_job(workflow="life_scene", due=300, not_before=now + timedelta(minutes=2))
    make_attempt(instance, job=make_job(workflow="living_video", state=Job.State.RUNNING))
    waiting = overview.queue()
    assert [each.job.workflow for each in waiting] == ["portrait", "life_scene", "living_video"]
    assert [each.waits for each in waiting] == ["held_back", "put_off", "held_back"]
    assert waiting[0].warm_on == ["l4:8188"]
    page = page_of(console)
    assert "긴 영상이 도는 자리는 건너뛰고" in page
    assert "먼저 봐야 해서" in page
    assert "모델이 올라가 있는 곳: l4:8188" in page


def test_the_charts_stand_before_the_queue(console, instance):
    page = page_of(console)
    assert page.index('id="fleet"') < page.index('id="day-title"') < page.index('id="queue"')


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
    version = console.get("/operator/").context["fleet"]["version"]
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
