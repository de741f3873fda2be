"""What went wrong and whose fault it is: every fault that docs/faults.md names."""

import errno
import json
import re
from pathlib import Path

import pytest

from gpujobs import faults
from gpujobs.comfyui import BadAnswer, Failure, FileGone, PromptRefused, Refused, Unreachable
from gpujobs.faults import Fault, Owner
from gpujobs.ssh import ConnectionLost

ROOT = Path(__file__).resolve().parents[2]
EVERY = {name: value for name, value in vars(faults).items() if isinstance(value, Fault)}


def failure(message, exception_type="RuntimeError"):
    return Failure(node_id="3", node_type="KSampler", exception_type=exception_type, message=message)


@pytest.mark.parametrize(
    ("message", "exception_type", "expected"),
    [
        ("Reference Image: No face detected.", "Exception", faults.NO_FACE),
        ("InsightFace: No face detected.", "Exception", faults.NO_FACE),
        ("cannot identify image file '/x/photo.png'", "PIL.UnidentifiedImageError", faults.UNREADABLE_PHOTO),
        ("Allocation on device 0 would exceed allowed memory.", "torch.OutOfMemoryError", faults.OUT_OF_MEMORY),
        ("CUDA out of memory. Tried to allocate 2 GiB", "RuntimeError", faults.OUT_OF_MEMORY),
        ("CUDA error: an illegal memory access was encountered", "RuntimeError", faults.CUDA),
        ("CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`", "RuntimeError", faults.CUDA),
        ("[Errno 28] No space left on device", "OSError", faults.HOST_DISK_FULL),
        ("Model file x.safetensors not found", "FileNotFoundError", faults.MISSING_MODEL),
        ("list index out of range", "IndexError", faults.NODE_FAILED),
    ],
)
def test_a_node_s_words_name_the_fault(message, exception_type, expected):
    assert faults.of_failure(failure(message, exception_type)) == expected


def refusal(kind, details="", *, status=400, message="Prompt outputs failed validation"):
    errors = [{"type": kind, "message": "m", "details": details, "extra_info": {}}]
    return PromptRefused(status, message, {"3": {"errors": errors, "dependent_outputs": [], "class_type": "X"}})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("value_smaller_than_min", "steps"), faults.INVALID_GRAPH),
        (refusal("value_not_in_list", "ckpt_name: 'x' not in []"), faults.MISSING_MODEL),
        (refusal("custom_validation_failed", "image - Invalid image file: x.png"), faults.UNREADABLE_PHOTO),
        (
            PromptRefused(400, "Cannot execute because node ApplyInstantID does not exist.", {}),
            faults.MISSING_NODE,
        ),
        (PromptRefused(500, "Internal Server Error", {}), faults.STRANGE_ANSWER),
    ],
)
def test_a_refused_prompt_names_the_fault(error, expected):
    assert faults.of_refusal(error) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileGone("out_00001_.png"), faults.OUTPUT_GONE),
        (Unreachable("no answer", maybe_received=True), faults.NO_ANSWER),
        (Refused("GET /queue", 502, "bad gateway"), faults.STRANGE_ANSWER),
        (BadAnswer("no JSON"), faults.STRANGE_ANSWER),
        (ConnectionLost("gone"), faults.CONNECTION),
        (OSError(errno.ENOSPC, "No space left on device"), faults.PORTAL_DISK_FULL),
    ],
)
def test_an_error_on_the_way_names_the_fault(error, expected):
    assert faults.of_error(error) == expected


def test_a_lane_s_end_blames_the_instance_only_where_it_is_to_blame():
    assert faults.of_trouble(Unreachable("refused", maybe_received=False)) == faults.NO_ANSWER
    assert faults.of_trouble(faults.ProbeFailed("no picture")) == faults.PROBE_FAILED
    assert faults.of_trouble(ValueError("a mistake of ours")) is None
    assert faults.of_trouble(None) is None


@pytest.mark.parametrize("fault", EVERY.values(), ids=str)
def test_only_an_instance_s_fault_is_charged_or_takes_it_out(fault):
    assert fault.owner == Owner.INSTANCE or not (fault.charged or fault.out)


def test_codes_are_distinct():
    assert len({fault.code for fault in EVERY.values()}) == len(EVERY)


def test_the_document_names_every_fault_with_its_owner():
    rows = re.findall(r"^\| (\w+) \| [^|]* \| (\w+) \| ", (ROOT / "docs/faults.md").read_text(), re.M)
    documented = {code: owner for code, owner in rows if code != "fault"}
    assert documented == {fault.code: fault.owner.value for fault in EVERY.values()}


def test_every_recorded_validation_error_finds_an_owner():
    recording = json.loads((ROOT / "tests/recordings/0.2.4-validation_errors.json").read_text())
    refusals = [e for e in recording["events"] if e.get("path") == "/prompt" and e.get("status", 0) >= 400]
    assert refusals
    for event in refusals:
        answer = event.get("response_json") or {}
        error = answer.get("error")
        message = error.get("message", "") if isinstance(error, dict) else str(error)
        nodes = answer.get("node_errors")
        fault = faults.of_refusal(PromptRefused(event["status"], message, nodes if isinstance(nodes, dict) else {}))
        assert fault.owner in (Owner.JOB, Owner.INSTANCE, Owner.PHOTO)
