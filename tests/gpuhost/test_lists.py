"""deploy/gpu-host/ says what the workflows ask for, and its files are what their programs take."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from gpujobs.workflows import names
from gpujobs.workflows.downloads import DOWNLOADS
from gpujobs.workflows.model_files import MODEL_FILES
from gpujobs.workflows.needs import needs
from gpujobs.workflows.packages import PACKAGES

HOST = Path(settings.BASE_DIR) / "deploy" / "gpu-host"
GUIDE = (HOST / "README.md").read_text(encoding="utf-8")
NEEDS = json.loads((HOST / "needs.json").read_text(encoding="utf-8"))


def test_the_list_of_needs_is_the_workflows_own() -> None:
    assert needs() == NEEDS, "write it again: manage.py gpu needs > deploy/gpu-host/needs.json"


def test_every_model_and_every_package_is_on_the_list() -> None:
    assert [model["folder"] + "/" + model["name"] for model in NEEDS["models"]] == [each.path for each in MODEL_FILES]
    assert [package["name"] for package in NEEDS["packages"]] == [each.name for each in PACKAGES]
    assert {name for model in NEEDS["models"] for name in model["workflows"]} == set(names())


def test_every_file_has_an_address_and_a_sum_where_one_is_known() -> None:
    paths = {path for each in MODEL_FILES for path in ([f"{each.path}/{part}" for part in each.parts] or [each.path])}
    assert set(DOWNLOADS) == paths
    for each in DOWNLOADS.values():
        assert each.url.startswith(("https://huggingface.co/", "https://github.com/"))
        assert re.fullmatch(r"[0-9a-f]{64}|", each.sha256)


@pytest.mark.parametrize("package", PACKAGES[1:], ids=lambda package: package.name)
def test_node_packages_are_pinned_to_whole_commits(package: object) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}", package.commit)  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", [each for each in MODEL_FILES if not each.commercial_use], ids=lambda each: each.file)
def test_the_guide_says_plainly_what_may_not_be_used_commercially(model: object) -> None:
    assert f"`{model.file}`" in GUIDE  # type: ignore[attr-defined]


def test_every_file_the_guide_and_the_script_name_is_there() -> None:
    script = (HOST / "install.sh").read_text(encoding="utf-8")
    ours = {path.name for path in HOST.iterdir()}
    named = set(re.findall(r"^install -m \d+ ((?:[\w.@-]+ )+)/", script, flags=re.MULTILINE))
    assert {file for each in named for file in each.split()} <= ours
    assert {each for each in ours if each != "README.md"} == {each for each in ours if f"`{each}`" in GUIDE}


@pytest.mark.parametrize(("shell", "file"), [("bash", "install.sh"), ("sh", "portal-gate")])
def test_the_scripts_can_be_read_by_their_shells(shell: str, file: str) -> None:
    assert subprocess.run([shell, "-n", HOST / file], check=False, capture_output=True).stderr == b""
    assert (HOST / file).stat().st_mode & 0o111


def test_the_guides_own_commands_can_be_read_by_a_shell() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    for block in blocks:
        read = subprocess.run(["bash", "-n"], input=block.encode(), check=False, capture_output=True)
        assert read.stderr == b"", block


if shutil.which("systemd-analyze"):

    def test_systemd_takes_the_unit(tmp_path: Path) -> None:
        for file in ("comfyui@.service", "comfyui.slice"):
            shutil.copy(HOST / file, tmp_path)
        checked = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", tmp_path / "comfyui@.service"],
            check=False,
            capture_output=True,
            text=True,
        )
        assert [line for line in checked.stderr.splitlines() if "comfyui" in line] == []


if shutil.which("visudo"):

    def test_sudo_takes_the_rule() -> None:
        subprocess.run(["visudo", "-cf", HOST / "sudoers-portal"], check=True, capture_output=True)


def test_the_unit_is_what_the_portal_reads_and_what_the_workflows_need() -> None:
    unit = (HOST / "comfyui@.service").read_text(encoding="utf-8")
    for option in ("--listen 127.0.0.1", "--cuda-device %i", "--disable-metadata", "IPAddressDeny=any"):
        assert option in unit
    for kind in ("input", "output", "temp"):
        assert f"--{kind}-directory /srv/comfyui/data/%i" in unit


def test_a_unit_keeps_nodes_from_fetching_models_while_a_job_runs() -> None:
    unit = (HOST / "comfyui@.service").read_text()
    settings = [word for line in unit.splitlines() if line.startswith("Environment=") for word in line[12:].split()]
    assert {"HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1"} <= set(settings)
