"""manage.py gpu, as an operator types it, against real stand-in hosts."""

import re
from io import StringIO
from pathlib import Path
from uuid import uuid4

import asyncssh
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from gpujobs import hosts, queueing, tasks, wakeup
from gpujobs.claiming import claim
from gpujobs.faults import HostProblem
from gpujobs.models import GpuHost, Instance, Job
from gpujobs.ssh import fingerprint
from gpujobs.standin import StandinHost
from tests.gpujobs.fleet import QUICK, Fleet, ended, fleet_of, make_key, wait_until
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path)


@pytest.fixture
def standin(tmp_path, key):
    with StandinHost(tmp_path / "host", Path(f"{key}.pub"), instances=2, settings=QUICK) as standin:
        yield standin


def gpu(*words):
    out = StringIO()
    call_command("gpu", *words, stdout=out)
    return out.getvalue()


def add(standin, key, *more, name="l4"):
    agreed = ["--fingerprint", fingerprint(standin.host_key)]
    return gpu("add", name, f"gpu@127.0.0.1:{standin.ssh_port}", "--key", str(key), *agreed, *more)


def ports_of(standin):
    return [word for instance in standin.instances for word in ("--port", str(instance.port))]


def test_adding_shows_the_fingerprint_and_does_nothing_without_a_yes(standin, key, monkeypatch):
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "y")
    with pytest.raises(CommandError, match=r"Nothing was changed\."):
        gpu("add", "l4", f"gpu@127.0.0.1:{standin.ssh_port}", "--key", str(key), *ports_of(standin))
    assert len(asked) == 1
    assert not GpuHost.objects.exists()


def test_a_host_with_another_key_than_expected_is_not_added(standin, key):
    with pytest.raises(CommandError, match="Nothing was changed"):
        gpu("add", "l4", f"gpu@127.0.0.1:{standin.ssh_port}", "--key", str(key), "--fingerprint", "SHA256:other")
    assert not GpuHost.objects.exists()


def test_adding_says_what_is_there_and_what_it_can_make(standin, key):
    said = add(standin, key, *ports_of(standin), "--restart", "systemctl --user restart comfyui@{index}")
    assert re.search(
        r"GPU 1 NVIDIA L4  23034 MiB \(22614 free\)  ComfyUI 0\.2\.4  \d+ GiB free  restart: systemctl", said
    )
    assert said.count("ready") >= 10
    commands = list(Instance.objects.order_by("gpu_index").values_list("restart_command", flat=True))
    assert commands == [["systemctl", "--user", "restart", f"comfyui@{index}"] for index in (0, 1)]


def test_without_ports_each_gpu_is_asked_for_one_and_silent_ones_are_passed_over(standin, key, monkeypatch):
    monkeypatch.setattr(hosts, "FIRST_PORT", standin.instances[0].port)
    add(standin, key)
    assert [one.port for one in Instance.objects.all()] == [standin.instances[0].port]


def test_a_silent_first_port_makes_no_instance_another_s_gpu(standin, key, monkeypatch):
    for instance in standin.instances:
        instance.process.argv = ["main.py", *instance.argv[instance.argv.index("--input-directory") :]]
    # The first of the two looked at is nobody's.
    monkeypatch.setattr(hosts, "FIRST_PORT", standin.instances[0].port - 1)
    standin.instances[1].kill()
    add(standin, key, "--restart", "systemctl --user restart comfyui@{index}")
    instance = Instance.objects.get()
    assert (instance.port, instance.gpu_index) == (standin.instances[0].port, 1)
    assert instance.restart_command[-1] == "comfyui@1"


def test_where_nothing_answers_nothing_is_saved(standin, key, monkeypatch):
    monkeypatch.setattr(hosts, "FIRST_PORT", 9)
    with pytest.raises(CommandError, match="No ComfyUI answers on 9 to 10"):
        add(standin, key)
    assert not GpuHost.objects.exists()


def test_a_key_with_a_passphrase_of_its_own_is_opened_by_the_environment(tmp_path, standin, key, settings):
    locked = tmp_path / "locked_key"
    asyncssh.read_private_key(str(key)).write_private_key(str(locked), passphrase="not in the database")
    with pytest.raises(CommandError, match="GPU_KEY_PASSPHRASE_EC2 is not set"):
        add(standin, locked, "--passphrase", "EC2", *ports_of(standin))
    settings.GPU_KEY_PASSPHRASES = {"EC2": "not in the database"}
    add(standin, locked, "--passphrase", "EC2", *ports_of(standin))
    assert GpuHost.objects.get().passphrase_name == "EC2"


def test_a_key_that_only_the_environment_holds_is_never_in_the_database(standin, key, settings):
    words = ("add", "l4", f"gpu@127.0.0.1:{standin.ssh_port}", "--key-secret", "EC2", *ports_of(standin))
    words += ("--fingerprint", fingerprint(standin.host_key))
    with pytest.raises(CommandError, match="GPU_PRIVATE_KEY_EC2 is not set"):
        gpu(*words)
    settings.GPU_PRIVATE_KEYS = {"EC2": key.read_text()}
    gpu(*words)
    host = GpuHost.objects.get()
    assert (host.key_path, host.key_name) == ("", "EC2")
    settings.GPU_PRIVATE_KEYS = {"EC2": "no key at all"}
    gpu("restart-command", "l4", "df")
    with pytest.raises(CommandError, match="no private key of ours"):
        gpu("restart", "l4")


def test_a_restart_command_is_set_and_taken_away():
    host = make_host()
    for index in (0, 1):
        make_instance(host, 8188 + index, gpu_index=index)
    assert gpu("restart-command", "l4", "systemctl --user restart comfyui@{index}") == (
        "l4:8188: systemctl --user restart comfyui@0\nl4:8189: systemctl --user restart comfyui@1\n"
    )
    assert gpu("restart-command", "l4:8189", "") == "l4:8189: none\n"
    assert [one.restart_command != [] for one in Instance.objects.order_by("port")] == [True, False]


def test_what_an_instance_does_and_what_waits_is_said_with_the_reason():
    instance = make_instance(make_host(), warm_workflow="portrait")
    Job.objects.bulk_create([a_job(images={}, due=30), a_job("life_scene", images={}, due=300)])
    attempt = claim(instance, driver=uuid4())
    due = f"{attempt.job.due_at:%Y-%m-%dT%H:%MZ}"
    assert f"    portrait {attempt.job_id}  claimed: warm for portrait, due {due}" in gpu("list")
    waiting = gpu("queue")
    assert re.search(r"^  1  life_scene  [0-9a-f-]{36}  wanted \S+  due \S+  waits for its turn$", waiting, re.M)
    Instance.objects.update(workflows=["portrait"])
    assert "no active instance can make it" in gpu("queue")


def test_a_host_behind_another_is_added_and_driven_through_it(tmp_path, standin, key):
    bastion = StandinHost(tmp_path / "bastion", Path(f"{key}.pub"), instances=0, further_ports=[standin.ssh_port])
    with bastion:
        add(bastion, key, "--only-jump", name="bastion")
        add(standin, key, "--jump", "bastion", *ports_of(standin))
        assert "l4  gpu@127.0.0.1" in gpu("list")
        assert "through bastion" in gpu("list")
        host = GpuHost.objects.get(name="l4")
        job = a_job("print_master")
        queueing.submit([job])
        with Fleet(standin, host, list(host.instances.all())).driven():
            wait_until(ended(job))
        assert Job.objects.get(pk=job.pk).state == "succeeded"
        with pytest.raises(CommandError, match="Other hosts are reached through bastion"):
            gpu("remove", "bastion")


def test_a_host_that_is_only_gone_through_is_never_driven(tmp_path, key):
    with StandinHost(tmp_path / "bastion", Path(f"{key}.pub"), instances=0) as bastion:
        add(bastion, key, "--only-jump", name="bastion")
    Job.objects.bulk_create([a_job(images={})])
    tasks.reconcile()
    assert wakeup.driverless_hosts() == []
    assert wakeup.redis().keys("gpujobs:asked:*") == []


def test_one_instance_or_a_whole_host_is_drained_and_given_work_again():
    instance = make_instance(make_host())
    assert gpu("drain", "l4:8188") == "l4:8188: draining\n"
    assert gpu("drain", "l4:8188") == "l4:8188: was not at work\n"
    assert gpu("resume", "l4:8188") == "l4:8188: at work again\n"
    gpu("drain", "l4")
    instance.refresh_from_db()
    assert (instance.state, instance.host.state) == ("active", "draining")


def test_a_removed_host_comes_back_with_resume():
    make_host(state="retired")
    assert gpu("list") == ""
    assert "retired" in gpu("list", "--all")
    gpu("resume", "l4")
    assert GpuHost.objects.get().state == "active"


def test_a_renewed_host_takes_the_name_of_the_one_that_was_removed(standin, key):
    old = make_host(state="retired")
    make_instance(old, standin.instances[0].port)
    add(standin, key, *ports_of(standin))
    with pytest.raises(CommandError, match="There is a host called l4 already"):
        add(standin, key, *ports_of(standin))
    new = GpuHost.objects.get(state="active")
    assert (hosts.find("l4"), hosts.find(f"l4:{standin.instances[0].port}").host) == (new, new)
    with pytest.raises(HostProblem, match="another host called l4"):
        hosts.resume(old)
    assert gpu("list").count("l4  ") == 1
    assert gpu("list", "--all").count("l4  ") == 2


def test_an_instance_that_was_silent_when_its_host_was_added_is_found_later(standin, key):
    first, second = standin.instances
    add(standin, key, "--port", str(first.port))
    assert "GPU 1" in gpu("look", "l4", "--port", str(first.port), "--port", str(second.port), "--restart", "x {index}")
    assert list(Instance.objects.order_by("gpu_index").values_list("port", "restart_command")) == [
        (first.port, []),
        (second.port, ["x", "1"]),
    ]
    assert gpu("look", "l4", "--port", str(second.port)) == "l4: nothing new\n"


def test_a_host_is_moved_to_another_address_once_its_key_there_was_agreed_to(standin, key):
    host = make_host(address="192.0.2.1", host_key=standin.host_key[:-8] + "AAAAAAAA", key_path=str(key))
    make_instance(host, standin.instances[0].port)
    there = f"gpu@127.0.0.1:{standin.ssh_port}"
    with pytest.raises(CommandError, match="Nothing was changed"):
        gpu("move", "l4", there, "--fingerprint", "SHA256:other")
    assert gpu("move", "l4", there, "--fingerprint", fingerprint(standin.host_key)) == f"l4: at {there}\n"
    host.refresh_from_db()
    assert (host.address, host.port, host.host_key) == ("127.0.0.1", standin.ssh_port, standin.host_key)
    queueing.submit([job := a_job("print_master")])
    with Fleet(standin, host, list(host.instances.all())).driven():
        wait_until(ended(job))
    assert Job.objects.get(pk=job.pk).state == "succeeded"


def test_a_host_that_lets_nobody_in_at_the_new_address_stays_where_it_was(standin, tmp_path):
    (tmp_path / "stranger").mkdir()
    host = make_host(address="192.0.2.1", key_path=str(make_key(tmp_path / "stranger")))
    with pytest.raises(CommandError):
        gpu("move", "l4", f"gpu@127.0.0.1:{standin.ssh_port}", "--fingerprint", fingerprint(standin.host_key))
    host.refresh_from_db()
    assert (host.address, host.host_key) == ("192.0.2.1", "")


def test_an_instance_that_was_restarted_proves_itself_and_works_again(tmp_path):
    with fleet_of(tmp_path) as fleet:
        Instance.objects.update(restart_command=["df"])
        gpu("restart", str(fleet.instances[0]))
        assert Instance.objects.get().state == "out"
        Instance.objects.update(probe_at=timezone.now())
        job = a_job("print_master")
        queueing.submit([job])
        with fleet.driven():
            wait_until(ended(job))
        assert Instance.objects.get().state == "active"
        assert [entry["extra_data"].get("portal_job") for entry in fleet.executions()] == [None, str(job.pk)]


@pytest.mark.parametrize("words", [["drain", "l5"], ["drain", "l4:1"], ["drain", "l4:x"], ["remove", "l4:8188"]])
def test_what_is_not_there_is_said_not_to_be(words):
    make_instance(make_host())
    with pytest.raises(CommandError, match=re.escape(words[1])):
        gpu(*words)
