"""Adding, examining, draining, restarting and removing on the operator's pages, against a real stand-in host."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import django_rq
import pytest
from django.utils import timezone
from rq.timeouts import JobTimeoutException

from gpujobs import errands, history, tasks
from gpujobs.models import Attempt, Errand, GpuHost, Instance, Job, Scan
from gpujobs.ssh import fingerprint
from gpujobs.standin import Settings, StandinHost
from portal import charts
from portal.models import AuditEvent
from tests.gpujobs.fleet import fleet_of, make_key
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fleet(tmp_path):
    lacking = Settings(absent_models=frozenset({"antelopev2"}), control=True)
    with fleet_of(tmp_path, settings=lacking) as fleet:
        yield fleet


@pytest.fixture
def standin(tmp_path):
    """A host that nobody added yet, and the key that opens it."""
    key = make_key(tmp_path)
    with StandinHost(tmp_path / "host", Path(f"{key}.pub"), instances=2) as standin:
        yield standin, str(key)


def done():
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def carried_out():
    """What the worker of the queue would do with what was sent."""
    queue = django_rq.get_queue("hosts")
    for message in queue.get_jobs():
        assert message.func_name == "gpujobs.tasks.run_errand"
        errands.run(UUID(message.args[0]))
    queue.empty()


def shown(console, host):
    return console.get(f"/operator/hosts/{host.code}/live/").content.decode()


def said(page):
    return [str(message) for message in page.context["messages"]]


def typed(standin, key, **changes):
    return {
        "name": "l4",
        "address": "127.0.0.1",
        "port": standin.ssh_port,
        "username": standin.username,
        "key_path": key,
        "ports": ", ".join(str(instance.port) for instance in standin.instances),
    } | changes


# Adding


def test_a_host_is_added_after_its_fingerprint_was_shown_and_agreed_to(console, standin, settings):
    standin, key = standin
    settings.GPU_KEYS = [key]
    page = console.post("/operator/hosts/add/", typed(standin, key))
    assert fingerprint(standin.host_key) in page.content.decode()
    assert not GpuHost.objects.exists()
    seen = re.search(r'name="seen" value="([^"]+)"', page.content.decode())[1]
    page = console.post("/operator/hosts/add/", {"seen": seen}, follow=True)
    host = GpuHost.objects.get()
    assert page.redirect_chain == [(f"/operator/hosts/{host.code}/", 302)]
    assert host.host_key == standin.host_key
    assert [one.port for one in host.instances.all()] == [instance.port for instance in standin.instances]
    assert len(host.instances.first().workflows) == 5
    event = AuditEvent.objects.get()
    assert (event.action, event.subject, event.details) == (
        "host.added",
        host.code,
        {"key": fingerprint(standin.host_key)},
    )
    console.post("/operator/hosts/add/", {"seen": seen})
    assert GpuHost.objects.count() == 1, "the second click adds nothing"


def test_a_host_is_added_with_a_key_that_only_the_environment_holds(console, standin, settings):
    standin, key = standin
    settings.GPU_PRIVATE_KEYS = {"EC2": Path(key).read_text()}
    page = console.post("/operator/hosts/add/", typed(standin, "environment:EC2"))
    seen = re.search(r'name="seen" value="([^"]+)"', page.content.decode())[1]
    assert "PRIVATE KEY" not in seen
    console.post("/operator/hosts/add/", {"seen": seen})
    host = GpuHost.objects.get()
    assert (host.key_path, host.key_name) == ("", "EC2")
    assert host.instances.count() == 2


def test_what_was_signed_cannot_be_changed(console, standin):
    console.post("/operator/hosts/add/", {"seen": "eyJuYW1lIjoibDQifQ:1:forged"})
    assert not GpuHost.objects.exists()


def test_a_key_that_nobody_named_cannot_be_chosen(console, standin):
    standin, _key = standin
    page = console.post("/operator/hosts/add/", typed(standin, "/etc/shadow"))
    assert page.status_code == 422
    assert "key_path" in page.context["form"].errors


def test_a_host_that_is_not_there_is_said_to_be_so_in_the_form(console, standin, settings):
    standin, key = standin
    settings.GPU_KEYS = [key]
    page = console.post("/operator/hosts/add/", typed(standin, key, port=1))
    assert page.status_code == 422
    assert "호스트에 닿지 못했습니다" in page.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "127.0.0.1 -oProxyCommand=x"),
        ("username", "gpu;reboot"),
        ("ports", "8188 8189"),
        ("ports", "99999"),
        ("directory", "relative/path"),
        ("name", "두 단어"),
    ],
)
def test_the_form_takes_plain_words_only(console, standin, settings, field, value):
    standin, key = standin
    settings.GPU_KEYS = [key]
    page = console.post("/operator/hosts/add/", typed(standin, key, **{field: value}))
    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]


# Looking


def test_the_page_says_what_is_missing_where(console, fleet):
    page = console.get(f"/operator/hosts/{fleet.host.code}/").content.decode()
    assert "모델 파일이 없습니다" in page
    assert "models/insightface/models/antelopev2" in page
    assert page.count("불가") == 2
    assert page.count("가능") >= 3


def test_looking_again_finds_what_was_put_right(console, fleet):
    folder = Path(fleet.standin.root) / "gpu0/models/insightface/models/antelopev2"
    folder.mkdir(parents=True)
    for part in ("1k3d68.onnx", "2d106det.onnx", "genderage.onnx", "glintr100.onnx", "scrfd_10g_bnkps.onnx"):
        (folder / part).touch()
    console.post(f"/operator/hosts/{fleet.host.code}/examine/")
    assert "portrait" not in Instance.objects.get().workflows, "nobody waits for it on the page"
    assert "기다리는 중" in shown(console, fleet.host)
    carried_out()
    assert "portrait" in Instance.objects.get().workflows
    assert "모두 살펴봤습니다." in shown(console, fleet.host)
    assert done() == ["host.examine"]


def test_an_instance_that_does_not_answer_is_said_to_be_so(console, fleet):
    fleet.standin.instances[0].kill()
    console.post(f"/operator/hosts/{fleet.host.code}/examine/")
    carried_out()
    page = shown(console, fleet.host)
    assert "대답하지 않은 인스턴스가 있습니다." in page
    assert str(fleet.instances[0]) in page


def test_a_host_that_cannot_be_reached_is_said_to_be_so_in_our_own_words(console, fleet):
    GpuHost.objects.update(port=1)
    console.post(f"/operator/hosts/{fleet.host.code}/scan/")
    console.post(f"/operator/hosts/{fleet.host.code}/examine/")
    carried_out()
    page = shown(console, fleet.host)
    assert "호스트에 닿지 못했습니다." in page
    assert "다 찾아보지 못했습니다." in page
    assert "127.0.0.1:1 cannot be reached" in page


def test_a_second_click_sends_nobody_again_until_the_first_is_back(console):
    host = make_host()
    for _ in range(2):
        console.post(f"/operator/hosts/{host.code}/scan/")
    assert Errand.objects.count() == django_rq.get_queue("hosts").count == 1
    assert done() == ["host.scan"]
    Errand.objects.update(begun_at=timezone.now(), ended_at=timezone.now())
    console.post(f"/operator/hosts/{host.code}/scan/")
    assert Errand.objects.count() == 2


def test_an_errand_that_was_lost_on_the_way_is_sent_again_and_one_that_died_is_ended(console, redis_client):
    host = make_host()
    for kind in ("scan", "examine"):
        console.post(f"/operator/hosts/{host.code}/{kind}/")
    redis_client.flushdb()
    lost, dead = Errand.objects.get(kind="scan"), Errand.objects.get(kind="examine")
    long_ago = timezone.now() - timedelta(hours=1)
    Errand.objects.filter(pk=lost.pk).update(asked_at=long_ago)
    Errand.objects.filter(pk=dead.pk).update(begun_at=long_ago)
    for _ in range(3):
        tasks.reconcile()
    assert [job.args for job in django_rq.get_queue("hosts").jobs] == [(str(lost.code),)]
    assert "끝을 알 수 없습니다" in shown(console, host)


def test_an_errand_that_breaks_off_is_ended_and_may_be_asked_for_again(console, monkeypatch):
    def out_of_time(host):
        raise JobTimeoutException

    monkeypatch.setattr("gpujobs.scanning.scan", out_of_time)
    host = make_host()
    console.post(f"/operator/hosts/{host.code}/scan/")
    with pytest.raises(JobTimeoutException):
        carried_out()
    assert Errand.objects.get().fault == "broken_off"
    console.post(f"/operator/hosts/{host.code}/scan/")
    assert Errand.objects.filter(ended_at=None).count() == 1


def test_what_came_of_an_errand_is_told_to_whoever_does_not_see_the_page(console):
    host = make_host()
    page = console.get(f"/operator/hosts/{host.code}/").content.decode()
    assert '<div id="errand-said" class="for-ear" role="status"></div>' in page
    assert "hx-swap-oob" not in page
    Errand.objects.create(host=host, kind="scan", begun_at=timezone.now(), ended_at=timezone.now(), found=3)
    assert re.search(
        r'hx-swap-oob="innerHTML:#errand-said">남은 파일 찾기: 3개를 찾아 지웠습니다.</div>', shown(console, host)
    )


def test_the_host_s_page_is_told_nothing_new_and_then_what_is(console, django_assert_max_num_queries):
    host = make_host()
    for port in range(8188, 8196):
        make_instance(host, port)
    version = console.get(f"/operator/hosts/{host.code}/").context["version"]
    live = f"/operator/hosts/{host.code}/live/"
    with django_assert_max_num_queries(7):
        assert console.get(live, {"shown": version}).status_code == 204
    Errand.objects.create(host=host, kind="scan")
    assert console.get(live, {"shown": version}).status_code == 200


def test_a_search_shows_what_it_found_and_is_on_record(console, fleet):
    folder = Path(fleet.standin.root) / "gpu0/output/portal" / uuid4().hex
    folder.mkdir(parents=True)
    (folder / "out_00001_.png").touch()
    console.post(f"/operator/hosts/{fleet.host.code}/scan/")
    carried_out()
    page = shown(console, fleet.host)
    assert page.count("1개를 찾아 지웠습니다.") >= 2
    assert "out_00001_.png" in page
    assert Scan.objects.get().found == 1
    assert done() == ["host.scan"]


# Acting


def test_an_instance_is_drained_and_given_work_again(console):
    instance = make_instance(make_host())
    for act, state in (("drain", "draining"), ("resume", "active")):
        console.post(f"/operator/instances/{instance.code}/{act}/")
        instance.refresh_from_db()
        assert instance.state == state
    console.post(f"/operator/instances/{instance.code}/resume/")
    assert done() == ["instance.drain", "instance.resume"], "what changed nothing is not on record"


def test_no_other_act_is_known(console):
    instance = make_instance(make_host())
    assert console.post(f"/operator/instances/{instance.code}/explode/").status_code == 404


def test_a_restart_runs_the_hosts_own_command_and_the_instance_must_prove_itself(console, fleet):
    # The stand-in has no shell; a command that it knows shows that it was run, and with what.
    Instance.objects.update(restart_command=["df"])
    code = Instance.objects.get().code
    console.post(f"/operator/instances/{code}/restart/")
    carried_out()
    instance = Instance.objects.get()
    assert (instance.state, instance.fault) == ("out", "restarted")
    assert "다시 켰습니다." in shown(console, fleet.host)
    assert instance.probe_at > timezone.now()
    assert done() == ["instance.restart"]


def test_a_restart_that_fails_says_so(console, fleet):
    Instance.objects.update(restart_command=["systemctl", "restart", "comfyui"])
    console.post(f"/operator/instances/{Instance.objects.get().code}/restart/")
    carried_out()
    page = shown(console, fleet.host)
    assert "다시 켜는 명령이 실패했습니다." in page
    assert "ended with 127" in page


def test_without_a_command_there_is_no_button_and_no_restart(console, fleet):
    code = Instance.objects.get().code
    assert f"/operator/instances/{code}/restart/" not in shown(console, fleet.host)
    console.post(f"/operator/instances/{code}/restart/")
    carried_out()
    assert Instance.objects.get().state == "active"
    assert "다시 켜는 명령이 정해져 있지 않습니다." in shown(console, fleet.host)


def test_a_restart_command_is_chosen_from_those_that_were_thought_of_before(console, settings):
    settings.GPU_RESTART_COMMANDS = ["docker restart comfyui-{port}"]
    host = make_host()
    for index in (0, 1):
        make_instance(host, 8188 + index, gpu_index=index)
    change = f"/operator/hosts/{host.code}/restart-command/"
    console.post(change, {"command": "systemctl --user restart comfyui@{index}.service"})
    commands = list(Instance.objects.order_by("port").values_list("restart_command", flat=True))
    assert commands == [["systemctl", "--user", "restart", f"comfyui@{index}.service"] for index in (0, 1)]
    console.post(change, {"command": "docker restart comfyui-{port}"})
    assert Instance.objects.get(port=8189).restart_command[-1] == "comfyui-8189"
    page = console.post(change, {"command": "rm -rf /home"}, follow=True)
    assert "목록에 있는 명령만 고를 수 있습니다." in said(page)
    assert Instance.objects.get(port=8189).restart_command[-1] == "comfyui-8189"
    console.post(change, {"command": ""})
    assert Instance.objects.get(port=8189).restart_command == []
    events = AuditEvent.objects.filter(action="host.restart_command").order_by("pk")
    assert [event.details["command"] for event in events][1] == "docker restart comfyui-{port}"
    assert len(events) == 3


def test_a_host_goes_only_after_its_name_was_typed(console):
    host = make_host()
    console.post(f"/operator/hosts/{host.code}/remove/", {"typed": "l5"})
    assert GpuHost.objects.exists()
    console.post(f"/operator/hosts/{host.code}/remove/", {"typed": "l4"})
    assert not GpuHost.objects.exists()
    assert done() == ["host.removed"]


def test_a_host_that_made_something_leaves_the_list_and_stays_on_record(console):
    host = make_host()
    an_attempt(make_instance(host), cleaned_at=timezone.now())
    console.post(f"/operator/hosts/{host.code}/remove/", {"typed": "l4"})
    assert GpuHost.objects.get().state == "retired"
    assert console.get(f"/operator/hosts/{host.code}/").status_code == 404
    assert console.get("/operator/").context["fleet"]["hosts"] == []


def test_a_host_with_files_of_ours_stays(console):
    host = make_host()
    an_attempt(make_instance(host))
    page = console.post(f"/operator/hosts/{host.code}/remove/", {"typed": "l4"}, follow=True)
    assert GpuHost.objects.get().state == "active"
    assert any("아직 하던 일이나 우리 파일이 남아 있습니다." in message for message in said(page))


# The day


def an_attempt(instance, *, ago=0.0, waited=10.0, state="succeeded", **fields):
    now = timezone.now() - timedelta(hours=ago)
    job = a_job(images={}, state=state, finished_at=now, queued_at=now - timedelta(seconds=waited), noted_at=now)
    job.save()
    return Attempt.objects.create(
        job=job, instance=instance, number=1, driver=uuid4(), state=state, claimed_at=now, finished_at=now, **fields
    )


def test_the_day_counts_what_ended_and_how_long_it_waited():
    instance = make_instance(make_host())
    for waited in (10, 20, 600):
        an_attempt(instance, waited=waited)
    an_attempt(instance, state="failed", ago=3)
    an_attempt(instance, ago=30)
    hours = history.last_day(timezone.now())
    assert len(hours) == 24
    assert (hours[-1].succeeded, hours[-1].failed) == (3, 0)
    assert (hours[-4].succeeded, hours[-4].failed) == (0, 1)
    assert (hours[-1].usual, hours[-1].longest) == (pytest.approx(20, abs=1), pytest.approx(600, abs=1))
    assert hours[0].usual is None
    assert sum(hour.succeeded for hour in hours) == 3


def test_the_bars_stay_inside_their_chart_and_need_no_style(console):
    instance = make_instance(make_host())
    an_attempt(instance, waited=600)
    an_attempt(instance, state="failed")
    for chart in charts.of_day(history.last_day(timezone.now())):
        assert len(chart.bars) >= 1
        for bar in chart.bars:
            assert 0 <= bar.x <= bar.x + bar.width <= charts.WIDTH
            assert charts.TOP <= bar.y <= bar.y + bar.height <= charts.FLOOR + 0.1
    page = console.get("/operator/").content.decode()
    assert "지난 24시간에 1건을 만들었고 1건이 실패했습니다." in page
    assert "style=" not in page


def test_a_day_without_work_is_an_empty_chart(console):
    assert "지난 24시간에 0건을 만들었고" in console.get("/operator/").content.decode()
    assert Job.objects.count() == 0
