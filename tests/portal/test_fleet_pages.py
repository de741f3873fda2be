"""Adding, examining, draining, restarting and removing on the operator's pages, against a real stand-in host."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from gpujobs import history
from gpujobs.models import Attempt, GpuHost, Instance, Job, Scan
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
    assert "portrait" in Instance.objects.get().workflows


def test_an_instance_that_does_not_answer_is_said_to_be_so(console, fleet):
    fleet.standin.instances[0].kill()
    page = console.post(f"/operator/hosts/{fleet.host.code}/examine/", follow=True)
    assert any("하지 못했습니다" in message for message in said(page))


def test_a_search_shows_what_it_found_and_is_on_record(console, fleet):
    folder = Path(fleet.standin.root) / "gpu0/output/portal" / uuid4().hex
    folder.mkdir(parents=True)
    (folder / "out_00001_.png").touch()
    page = console.post(f"/operator/hosts/{fleet.host.code}/scan/", follow=True)
    assert "1개를 찾아 지웠습니다." in page.content.decode()
    assert "out_00001_.png" in page.content.decode()
    assert Scan.objects.get().found == 1
    assert done() == ["host.scanned"]


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
    instance = Instance.objects.get()
    assert (instance.state, instance.fault) == ("out", "restarted")
    assert instance.probe_at > timezone.now()
    assert done() == ["instance.restart"]


def test_a_restart_that_fails_says_so(console, fleet):
    Instance.objects.update(restart_command=["systemctl", "restart", "comfyui"])
    page = console.post(f"/operator/instances/{Instance.objects.get().code}/restart/", follow=True)
    assert any("ended with 127" in message for message in said(page))


def test_without_a_command_there_is_no_button_and_no_restart(console, fleet):
    code = Instance.objects.get().code
    assert "다시 켜기" not in console.get(f"/operator/hosts/{fleet.host.code}/").content.decode()
    console.post(f"/operator/instances/{code}/restart/")
    assert Instance.objects.get().state == "active"


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
    assert console.get("/operator/").context["hosts"] == []


def test_a_host_with_files_of_ours_stays(console):
    host = make_host()
    an_attempt(make_instance(host))
    page = console.post(f"/operator/hosts/{host.code}/remove/", {"typed": "l4"}, follow=True)
    assert GpuHost.objects.get().state == "active"
    assert any("still has work or files of ours" in message for message in said(page))


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
