"""The fleet behind a real OpenSSH sshd: the stand-in's HTTP, and with COMFYUI_URL set a real ComfyUI's.

A real one runs two workflows of core nodes, made up here: it has neither the node packages nor the models of ours.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gpujobs import claiming, queueing, workflows
from gpujobs.models import Attempt, Job
from gpujobs.standin import StandinHost
from gpujobs.workflows import Input, Output, Workflow
from tests.gpujobs.fleet import QUICK, Fleet, behind_sshd, ended, make_key, wait_until
from tests.gpujobs.making import a_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sshd]
REAL = os.environ.get("COMFYUI_URL", "")


def test_three_products_are_made_through_openssh_and_nothing_stays(tmp_path):
    (tmp_path / "standin").mkdir()
    key = make_key(tmp_path / "standin")
    with (
        StandinHost(tmp_path / "standin/host", Path(f"{key}.pub"), instances=1, settings=QUICK) as standin,
        behind_sshd(tmp_path, [standin.instances[0].port]) as (host, instances),
    ):
        fleet = Fleet(standin, host, instances)
        jobs = [a_job(name) for name in ("portrait", "life_scene", "living_video")]
        queueing.submit(jobs)
        with fleet.driven():
            wait_until(ended(*jobs), 90)
            wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
        assert [Job.objects.get(pk=job.pk).state for job in jobs] == ["succeeded"] * 3
        assert len(fleet.executions()) == 3
        assert fleet.residue() == []


def core_workflow(name: str, graph: dict, inputs: tuple[Input, ...], progress_node: str, steps: int) -> Workflow:
    workflow = Workflow(
        name=name,
        about="core nodes only",
        params=(),
        inputs=inputs,
        outputs=(Output(node="save", kind="image"),),
        models=(),
        min_vram_mb=0,
        weight=1,
        progress_node=progress_node,
        count_steps=lambda params: steps,
        fill=lambda graph, params: None,
    )
    workflow.__dict__["graph"] = graph
    return workflow


SCALE = core_workflow(
    "core_scale",
    {
        "photo": {"class_type": "LoadImage", "inputs": {"image": ""}},
        "scale": {
            "class_type": "ImageScale",
            "inputs": {
                "image": ["photo", 0],
                "upscale_method": "lanczos",
                "width": 448,
                "height": 576,
                "crop": "center",
            },
        },
        "save": {"class_type": "SaveImage", "inputs": {"images": ["scale", 0], "filename_prefix": ""}},
    },
    (Input(slot="photo"),),
    "scale",
    1,
)
SAMPLE = core_workflow(
    "core_sample",
    {
        "model": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": os.environ.get("COMFYUI_CHECKPOINT", "tiny-sd3-random.safetensors")},
        },
        "yes": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["model", 1], "text": "a person"}},
        "no": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["model", 1], "text": "blurred"}},
        "latent": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 256, "height": 256, "batch_size": 1}},
        "sampler": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["model", 0],
                "positive": ["yes", 0],
                "negative": ["no", 0],
                "latent_image": ["latent", 0],
                "seed": 0,
                "steps": 20,
                "cfg": 4.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        },
        "decode": {"class_type": "VAEDecode", "inputs": {"samples": ["sampler", 0], "vae": ["model", 2]}},
        "save": {"class_type": "SaveImage", "inputs": {"images": ["decode", 0], "filename_prefix": ""}},
    },
    (),
    "sampler",
    20,
)


@pytest.fixture
def _core_workflows(monkeypatch):
    both = {SCALE.name: SCALE, SAMPLE.name: SAMPLE}
    monkeypatch.setattr(workflows, "WORKFLOWS", both)
    claiming.demands.cache_clear()
    yield
    claiming.demands.cache_clear()


if REAL:

    @pytest.mark.usefixtures("_core_workflows")
    def test_a_real_comfyui_makes_scales_and_samples_and_keeps_nothing(tmp_path):
        with behind_sshd(tmp_path, [urlsplit(REAL).port]) as (host, instances):
            fleet = Fleet(None, host, instances)
            jobs = [a_job("core_scale"), a_job("core_sample", seed=11), a_job("core_sample", seed=12)]
            queueing.submit(jobs)
            with fleet.driven():
                wait_until(ended(*jobs), 110)
                wait_until(lambda: not Attempt.objects.filter(cleaned_at=None).exists())
            assert [(job.state, job.fault_text) for job in Job.objects.all()] == [("succeeded", "")] * 3
            sizes = {job.workflow: (o.width, o.height) for job in jobs for o in job.outputs.all()}
            assert sizes == {"core_scale": (448, 576), "core_sample": (256, 256)}
            for attempt in Attempt.objects.select_related("instance"):
                for directory in (attempt.instance.input_dir, attempt.instance.output_dir):
                    assert not Path(directory, attempt.folder).exists()
