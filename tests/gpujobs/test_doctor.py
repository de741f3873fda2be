"""What can be made where: the doctor's verdicts, and that nothing is sent against them."""

import copy
import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from gpujobs import doctor, hosts, overview, queueing, workflows
from gpujobs.claiming import claim
from gpujobs.comfyui import ComfyUI
from gpujobs.models import Attempt, Instance, Job
from gpujobs.standin import Settings
from tests.gpujobs.fleet import ended, fleet_of, wait_until
from tests.gpujobs.making import a_job, make_host, make_instance

pytestmark = [pytest.mark.django_db(transaction=True)]
EVERYTHING = ["portrait", "life_scene", "living_video", "video_extend", "print_master"]


@pytest.fixture
def fleet(tmp_path, request):
    settings = Settings(step_seconds=0.002, control=True, **getattr(request, "param", {}))
    with fleet_of(tmp_path, settings=settings) as fleet:
        yield fleet


def lacking(**settings):
    return pytest.mark.parametrize("fleet", [settings], indirect=True)


def findings(fleet):
    """{workflow: [(kind, what)]} of the first instance, as stored."""
    instance = Instance.objects.get(pk=fleet.instances[0].pk)
    return {v.workflow: [(f.kind, f.what) for f in v.missing] for v in doctor.verdicts_of(instance) if v.missing}


def examined(fleet):
    ((_, verdicts),) = hosts.examine(fleet.host)
    return {verdict.workflow: verdict for verdict in verdicts}


def test_a_host_with_everything_is_ready_for_every_workflow_as_soon_as_it_is_added(fleet):
    instance = Instance.objects.get()
    assert instance.workflows == EVERYTHING
    assert findings(fleet) == {}
    assert instance.examined_at is not None
    assert instance.disk_free_mb > 0
    assert (instance.gpu_name, instance.gpu_index, instance.memory_mb) == ("NVIDIA L4", 0, 23034)
    assert instance.memory_free_mb == 23034 - 420
    assert overview.impossible_workflows() == []


@lacking(absent_models=frozenset({"Instantid_sdxl_controlnet.safetensors"}))
def test_a_model_that_the_loader_does_not_list_is_named_with_its_folder(fleet):
    missing = ("model", "models/controlnet/Instantid_sdxl_controlnet.safetensors")
    assert findings(fleet) == {"portrait": [missing], "life_scene": [missing]}
    assert Instance.objects.get().workflows == ["living_video", "video_extend", "print_master"]
    assert overview.impossible_workflows() == ["portrait", "life_scene"]


@lacking(absent_models=frozenset({"antelopev2", "film_net_fp32.pt"}))
def test_models_that_no_loader_lists_are_looked_for_on_the_disk(fleet):
    face = ("model", "models/insightface/models/antelopev2")
    film = ("model", "custom_nodes/ComfyUI-Frame-Interpolation/ckpts/film/film_net_fp32.pt")
    assert findings(fleet) == {"portrait": [face], "life_scene": [face], "video_extend": [film]}
    (said,) = examined(fleet)["video_extend"].missing
    assert "the node would fetch it while a job runs" in said.detail


def test_one_part_missing_of_a_folder_is_named(fleet):
    (Path(fleet.standin.root) / "gpu0/models/CogVideo/CogVideoX-5b-I2V/vae/config.json").unlink()
    (said,) = examined(fleet)["living_video"].missing
    assert "CogVideoX-5b-I2V/vae/config.json is not on the disk" in said.detail


def test_a_package_cloned_under_its_name_in_small_letters_is_found(fleet):
    nodes = Path(fleet.standin.root) / "gpu0/custom_nodes"
    (nodes / "ComfyUI-Frame-Interpolation").rename(nodes / "comfyui-frame-interpolation")
    assert examined(fleet)["video_extend"].ready


def test_a_disk_that_may_not_be_looked_at_is_said_to_be_one(fleet):
    Instance.objects.update(directory="/elsewhere")
    (said,) = examined(fleet)["living_video"].missing
    assert "cannot be looked at: Permission denied" in said.detail


@lacking(gpu_memory_mb=16_000)
def test_too_little_gpu_memory_is_said_with_both_figures(fleet):
    assert findings(fleet) == {"living_video": [("memory", "NVIDIA L4")]}
    (said,) = examined(fleet)["living_video"].missing
    assert said.detail == "16000 MiB of GPU memory, 22000 are needed"


def test_a_disk_almost_full_keeps_everything_from_being_made(fleet, monkeypatch):
    monkeypatch.setattr(doctor, "DISK_NEEDED_MB", 10**12)
    assert not any(verdict.ready for verdict in examined(fleet).values())
    assert {kind for found in findings(fleet).values() for kind, _ in found} == {"disk"}


def test_a_missing_node_class_is_named_with_its_package_and_commit(fleet, monkeypatch):
    without(monkeypatch, "FILM VFI")
    assert findings_of(examined(fleet)) == {"video_extend": [("node", "FILM VFI")]}
    (said,) = examined(fleet)["video_extend"].missing
    assert "ComfyUI-Frame-Interpolation 1.0.6" in said.detail
    assert "c336f71" in said.detail


def test_a_package_whose_nodes_take_other_inputs_is_another_version(fleet, monkeypatch):
    facts = node_facts()
    sampler = facts["CogVideoSampler"]["input"]
    sampler["required"]["model"] = sampler["required"].pop("pipeline")
    answer_with(monkeypatch, facts)
    found = examined(fleet)["living_video"].missing
    assert [(f.kind, f.what) for f in found] == [("version", "ComfyUI-CogVideoXWrapper")]
    assert "the required input model is missing" in found[0].detail


def test_the_same_file_in_a_folder_below_is_pointed_out(fleet, monkeypatch):
    facts = node_facts()
    file = "DreamShaperXL-v2_1-turboDPMSDE.safetensors"
    facts["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0] = [f"sdxl/{file}"]
    answer_with(monkeypatch, facts)
    said = examined(fleet)["portrait"].missing[0]
    assert f"CheckpointLoaderSimple lists it as sdxl/{file}" in said.detail


def test_lists_in_the_newer_form_are_read_too(fleet, monkeypatch):
    facts = node_facts()
    inputs = facts["UpscaleModelLoader"]["input"]["required"]
    inputs["model_name"] = ["COMBO", {"options": inputs["model_name"][0]}]
    answer_with(monkeypatch, facts)
    assert examined(fleet)["print_master"].ready


def test_the_other_upscaler_is_only_mentioned(fleet):
    verdict = examined(fleet)["print_master"]
    assert verdict.ready
    assert [f.detail for f in verdict.findings] == [
        "UpscaleModelLoader does not list it; 4x-Ultrasharp.pt does its work"
    ]


def list_upscalers(monkeypatch, *files):
    facts = node_facts()
    facts["UpscaleModelLoader"]["input"]["required"]["model_name"][0] = list(files)
    answer_with(monkeypatch, facts)


def test_a_host_without_ultrasharp_makes_everything_with_the_other(fleet, monkeypatch):
    list_upscalers(monkeypatch, "RealESRGAN_x4plus.pth")
    verdicts = examined(fleet)
    assert verdicts["print_master"].ready
    assert verdicts["video_extend"].ready
    assert "RealESRGAN_x4plus.pth does its work" in str(verdicts["print_master"].findings[0])
    assert Instance.objects.get().workflows == EVERYTHING
    job = a_job("print_master")
    queueing.submit([job])
    asked = []
    prompt = ComfyUI.prompt

    def noted(self, graph, **options):
        asked.append(graph["upscaler"]["inputs"]["model_name"])
        return prompt(self, graph, **options)

    monkeypatch.setattr(ComfyUI, "prompt", noted)
    with fleet.driven():
        wait_until(lambda: bool(asked))
    assert asked[0] == "RealESRGAN_x4plus.pth"


def test_a_host_without_any_upscaler_enlarges_nothing(fleet, monkeypatch):
    list_upscalers(monkeypatch)
    examined(fleet)
    assert [what for _, what in findings(fleet)["print_master"]] == [
        "models/upscale_models/4x-Ultrasharp.pt",
        "models/upscale_models/RealESRGAN_x4plus.pth",
    ]


# Claims go by it


def test_nothing_is_given_to_an_instance_that_nobody_examined():
    instance = make_instance(make_host(), workflows=[], examined_at=None)
    Job.objects.bulk_create([a_job(images={})])
    assert claim(instance, driver=instance.code) is None
    assert set(overview.impossible_workflows()) == set(EVERYTHING)


@lacking(absent_models=frozenset({"ip-adapter.bin"}))
def test_what_is_not_possible_there_is_not_sent_there(fleet):
    impossible, possible = a_job("portrait", due=5), a_job("print_master", due=90)
    queueing.submit([impossible, possible])
    with fleet.driven():
        wait_until(ended(possible))
    assert Job.objects.get(pk=impossible.pk).state == "queued"
    assert [entry["extra_data"]["portal_job"] for entry in fleet.executions()] == [str(possible.pk)]


def test_a_driver_examines_an_instance_that_nobody_has_looked_at(fleet):
    Instance.objects.update(workflows=[], findings={}, examined_at=None)
    job = a_job("print_master")
    queueing.submit([job])
    with fleet.driven():
        wait_until(ended(job))
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert Instance.objects.get().workflows == EVERYTHING


def test_a_verdict_of_more_than_an_hour_ago_is_looked_at_again(fleet):
    Instance.objects.update(examined_at=timezone.now() - 2 * doctor.STALE_AFTER)
    (Path(fleet.standin.root) / "gpu0/models/CogVideo/CogVideoX-5b-I2V/vae/config.json").unlink()
    job = a_job("print_master")
    queueing.submit([job])
    with fleet.driven():
        wait_until(ended(job))
    assert "living_video" not in Instance.objects.get().workflows


def test_a_model_lost_behind_the_lists_back_costs_one_try_an_hour_and_no_loop(fleet, monkeypatch):
    """The loader still lists it, the node does not find it: the job must not come back at once, again and again."""
    (job,) = Job.objects.bulk_create([a_job("print_master", state="running")])
    instance = Instance.objects.get()
    Attempt.objects.create(
        job=job,
        instance=instance,
        number=1,
        driver=instance.code,
        state="failed",
        fault="missing_model",
        fault_text="4x-Ultrasharp.pt not found",
        finished_at=timezone.now(),
    )
    with hosts.HostConnection.open(hosts.target_of(fleet.host)) as connection:
        doctor.examine(hosts.reach_of(instance, connection))
    assert findings(fleet) == {"print_master": [("refused", "missing_model")]}
    assert examined(fleet)["print_master"].ready, "an operator who asks has put it right"


# On the terminal


@lacking(absent_models=frozenset({"t5xxl_fp8_e4m3fn.safetensors"}))
def test_the_terminal_shows_a_table_and_each_missing_thing_once(fleet):
    out = StringIO()
    call_command("gpu", "doctor", "l4", stdout=out)
    head, row, *rest = out.getvalue().splitlines()
    assert head.split() == EVERYTHING
    assert row.split() == [str(fleet.instances[0]), "ready", "ready", "-", "ready", "ready"]
    (line,) = [line for line in rest if "t5xxl" in line]
    assert re.search(r"model  models/clip/t5xxl\S+: CLIPLoader does not list it; 4890 MB, .*\[living_video\]", line)


def test_the_doctor_says_when_a_host_is_not_there(fleet):
    fleet.host.port = 1
    fleet.host.save()
    out = StringIO()
    call_command("gpu", "doctor", "--json", stdout=out)
    (said,) = json.loads(out.getvalue())
    assert "cannot be reached" in said["error"]


def node_facts():
    return copy.deepcopy(workflows.node_facts())


def answer_with(monkeypatch, facts):
    """The live instance's node classes are another host's."""
    real = ComfyUI.object_info

    def object_info(self, class_name=None):
        live = real(self, class_name)
        return {name: facts[name] if facts[name] != workflows.node_facts()[name] else live[name] for name in facts}

    monkeypatch.setattr(ComfyUI, "object_info", object_info)


def without(monkeypatch, *classes):
    answer_with(monkeypatch, {name: facts for name, facts in node_facts().items() if name not in classes})


def findings_of(verdicts):
    return {v.workflow: [(f.kind, f.what) for f in v.missing] for v in verdicts.values() if v.missing}
