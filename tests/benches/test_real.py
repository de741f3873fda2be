"""Measuring a ComfyUI that keeps no ledger: a graph that any can execute, and its history's own times."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

import benches.__main__ as command
from benches import bare, managed, real, turns
from benches.bare import Work
from benches.given import Given
from benches.recipe import SCALING, scaling
from gpujobs import workflows
from gpujobs.comfyui import ComfyUI
from gpujobs.standin import Settings, StandinHost
from tests.gpujobs.fleet import make_key

QUICK = Settings(step_seconds=0.002)


@pytest.fixture(autouse=True)
def _forgotten_afterwards(monkeypatch):
    """What is added to the process for a bench is of no other test."""
    monkeypatch.setattr(workflows, "WORKFLOWS", dict(workflows.WORKFLOWS))
    monkeypatch.setattr(ComfyUI, "delete_history", ComfyUI.delete_history)
    monkeypatch.setenv(managed.KEPT, "")


@pytest.fixture
def reached(tmp_path):
    """(house, connection) of a host that knows nothing of benches."""
    key = make_key(tmp_path)
    with StandinHost(tmp_path / "host", Path(f"{key}.pub"), instances=1, settings=QUICK) as host:
        given = Given(ports=(host.instances[0].port,), ssh_port=host.ssh_port, username=host.username, key_path=key)
        with real.reached(given, tmp_path) as found:
            yield found


def served_by(house, client, count=3):
    return client(house.comfys[0], Work(count, house.recipe), house.picture)


def test_a_graph_of_core_nodes_is_executed_anew_each_time_and_timed_by_the_history(reached):
    house, _connection = reached
    house = replace(house, recipe=scaling(2))
    begun = time.time()
    served = served_by(house, turns.ahead(1))
    entries = turns.of(house.entries(house.standins[0], 0), served)
    # Of the photo alone the answer may come from the cache.
    assert max(entry["cached"] for entry in entries) <= 1
    assert all(begun - 1 < entry["started"] <= entry["ended"] < time.time() + 1 for entry in entries)
    run = turns.bare_run("bare, 1 ahead, SSH", 0, [entries], [served])
    assert (run["jobs"], run["gap ms"].count) == (3, 2)
    assert 0 < run["efficiency"] <= 1


def test_longer_jobs_enlarge_the_picture_more_often(reached):
    house, _connection = reached
    tried = real.try_out(house, 5.0)
    assert tried.rounds > real.try_out(house, 0.0).rounds == 1
    assert len(tried.left) == 3


def test_what_the_portal_deletes_is_kept_before(reached, tmp_path):
    house, _connection = reached
    house = replace(house, recipe=scaling(1))
    managed.keep_executions(house.kept)
    served = served_by(house, turns.ahead(0), count=2)
    before = turns.of(house.entries(house.standins[0], 0), served)
    house.comfys[0].delete_history([*served.asked, "unknown"])
    assert house.comfys[0].histories() == {}
    after = turns.of(house.entries(house.standins[0], 0), served)
    assert [entry["prompt_id"] for entry in after] == [entry["prompt_id"] for entry in before]
    assert [entry["started"] for entry in after] == [entry["started"] for entry in before]
    assert len([json.loads(line) for line in house.kept.read_text().splitlines()]) == 2


def test_the_seeds_way_works_there_too(reached, monkeypatch):
    monkeypatch.setattr(bare, "SEED_POLL_SECONDS", 0.2)
    house, _connection = reached
    house = replace(house, recipe=scaling(1))
    served = served_by(house, bare.as_the_seed, count=2)
    assert served.in_hand.keys() == served.asked.keys()


def test_nothing_of_the_bare_clients_is_left(reached, tmp_path):
    house, connection = reached
    house = replace(house, recipe=scaling(1))
    work = Work(2, house.recipe)
    served = turns.ahead(1)(house.comfys[0], work, house.picture)
    folders = {kind: str(tmp_path / "host" / "gpu0" / kind) for kind in ("input", "output")}

    class Row:
        input_dir, output_dir = folders["input"], folders["output"]

    assert any(Path(folders["output"]).rglob("*.png"))
    real.Sweeper(house, connection, [Row]).clear(work, [served])
    assert [path for folder in folders.values() for path in Path(folder).rglob("*")] == []
    assert house.comfys[0].histories() == {}


def options(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["benches", *words])
    return command.arguments()


def test_a_real_one_is_given_by_ssh_or_by_an_address_on_this_machine(monkeypatch, tmp_path):
    key = tmp_path / "key"
    by_ssh = options(monkeypatch, "--comfyui-ssh", "gpu@gpu1:2222", "--key", str(key), "--comfyui-port", "8188,8189")
    assert by_ssh.real == Given(
        ports=(8188, 8189), address="gpu1", ssh_port=2222, username="gpu", key_path=key, directory=""
    )
    assert options(monkeypatch, "--comfyui-url", "http://127.0.0.1:8190").real == Given(ports=(8190,))
    assert options(monkeypatch).real is None


@pytest.mark.parametrize(
    "words",
    [["--comfyui-ssh", "gpu@gpu1"], ["--comfyui-ssh", "gpu1", "--key", "k"], ["--comfyui-url", "http://gpu1:8188"]],
)
def test_what_cannot_be_reached_is_said_at_once(monkeypatch, capsys, words):
    with pytest.raises(SystemExit) as ended:
        options(monkeypatch, *words)
    assert ended.value.code == 2
    assert "--comfyui-ssh" in capsys.readouterr().err


def test_the_benchs_own_workflow_is_no_product():
    assert SCALING not in workflows.names()
