"""What went wrong, whose fault it is, and what happens next.

The owner decides: the photo's fault goes back to staff, the job's to the operator, the instance's takes the
instance out and the job elsewhere, the network's and the portal's cost nobody an attempt.
docs/faults.md is this table in words.
"""

import errno
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gpujobs.comfyui import BadAnswer, ComfyError, Failure, FileGone, PromptRefused, Refused, Unreachable
from gpujobs.ssh import SshError


class Owner(StrEnum):
    PHOTO = "photo"
    JOB = "job"
    INSTANCE = "instance"
    NETWORK = "network"
    PORTAL = "portal"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``charged``: it counts against the job's attempts. ``out``: the instance is taken out at the first, not the
    third in a row. ``wait``: before the job may be claimed again."""

    code: str
    owner: Owner
    charged: bool = False
    out: bool = False
    wait: timedelta = timedelta(0)

    @property
    def ends_job(self) -> bool:
        return self.owner in (Owner.PHOTO, Owner.JOB)

    def __str__(self) -> str:
        return self.code


class ProbeFailed(Exception):
    """An instance answers and does not work; the message says what it did instead."""


class HostProblem(Exception):
    """A host or instance is not as it must be; the message says in English what is wrong, ``code`` names it."""

    def __init__(self, message: str, *, code: str = "host_problem") -> None:
        super().__init__(message)
        self.code = code


def _of_instance(code: str, *, out: bool = False, charged: bool = True) -> Fault:
    return Fault(code=code, owner=Owner.INSTANCE, charged=charged, out=out)


NO_FACE = Fault(code="no_face", owner=Owner.PHOTO)
UNREADABLE_PHOTO = Fault(code="unreadable_photo", owner=Owner.PHOTO)
INVALID_GRAPH = Fault(code="invalid_graph", owner=Owner.JOB)
ATTEMPTS_SPENT = Fault(code="attempts_spent", owner=Owner.JOB)
SUSPECT = Fault(code="suspect", owner=Owner.JOB)
INPUT_MISSING = Fault(code="input_missing", owner=Owner.JOB)
MISSING_NODE = _of_instance("missing_node", out=True, charged=False)
MISSING_MODEL = _of_instance("missing_model", out=True, charged=False)
OUT_OF_MEMORY = _of_instance("out_of_memory")
CUDA = _of_instance("cuda", out=True)
HOST_DISK_FULL = _of_instance("host_disk_full", out=True, charged=False)
WEDGED = _of_instance("wedged", out=True, charged=False)
PROBE_FAILED = _of_instance("probe_failed", out=True, charged=False)
NODE_FAILED = _of_instance("node_failed")
BAD_OUTPUT = _of_instance("bad_output")
OUTPUT_GONE = _of_instance("output_gone", charged=False)
NO_ANSWER = _of_instance("no_answer", out=True, charged=False)
STRANGE_ANSWER = _of_instance("strange_answer")
LOST = Fault(code="lost", owner=Owner.NETWORK)
STRAY_INTERRUPT = Fault(code="stray_interrupt", owner=Owner.NETWORK)
CONNECTION = Fault(code="connection", owner=Owner.NETWORK, wait=timedelta(seconds=2))
HOST_GONE = Fault(code="host_gone", owner=Owner.NETWORK)
PORTAL_DISK_FULL = Fault(code="portal_disk_full", owner=Owner.PORTAL, wait=timedelta(seconds=30))
# Of these a ComfyUI recovers by a restart and hardly otherwise.
RESTART_HELPS = frozenset({"wedged", "probe_failed", "cuda", "out_of_memory", "no_answer"})
# A job that kills or wedges each ComfyUI that it is given to looks like these: not charged, but bounded.
SUSPICIOUS = frozenset({"lost", "wedged", "output_gone", "no_answer"})
TAKEN_BACK = Fault(code="taken_back", owner=Owner.PORTAL)
# Found after an attempt's end, which it changes nothing of: what is left is removed later, or by a person.
CANNOT_CLEAN = Fault(code="cannot_clean", owner=Owner.INSTANCE)

# What nodes say when they fail, most telling first. ComfyUI gives a type and a message, no code.
_SAYINGS = [
    (re.compile(r"no face detected|no face found|face not detected", re.I), NO_FACE),
    (re.compile(r"cannot identify image file|image file is truncated", re.I), UNREADABLE_PHOTO),
    (re.compile(r"out of memory|allocation on device|OutOfMemoryError", re.I), OUT_OF_MEMORY),
    (re.compile(r"cuda error|cublas|cudnn|device-side assert|illegal memory access", re.I), CUDA),
    (re.compile(r"no space left on device|errno 28", re.I), HOST_DISK_FULL),
    (re.compile(r"(model|checkpoint|safetensors).*(not found|does not exist|no such file)", re.I), MISSING_MODEL),
    # There, and cut off or of another kind; or a node's own download that never succeeded.
    (re.compile(r"could not detect model type|LocalEntryNotFoundError|urls to download", re.I), MISSING_MODEL),
]

# `details` and types of /prompt's refusals that are about the instance, not about the graph.
_MISSING_CLASS = re.compile(r"does not exist|missing_node_type|cannot execute because node", re.I)


def of_failure(failure: Failure) -> Fault:
    """The fault of an attempt whose execution ended in an error."""
    said = f"{failure.exception_type}: {failure.message}"
    for pattern, fault in _SAYINGS:
        if pattern.search(said):
            return fault
    return NODE_FAILED


def of_refusal(refusal: PromptRefused) -> Fault:
    """The fault behind a /prompt that was not accepted whole."""
    said = f"{refusal.message} {refusal.node_errors}"
    if _MISSING_CLASS.search(said):
        return MISSING_NODE
    for error in _errors_of(refusal.node_errors):
        # A model file that this host lacks is "not in list" of a loader's combo.
        if error.get("type") == "value_not_in_list":
            return MISSING_MODEL
        if error.get("type") == "custom_validation_failed" and "image" in str(error.get("details", "")).lower():
            return UNREADABLE_PHOTO
    if refusal.status >= 500:
        return STRANGE_ANSWER
    return INVALID_GRAPH


def _errors_of(node_errors: dict[str, object]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for node in node_errors.values():
        if isinstance(node, dict):
            found += [error for error in node.get("errors", []) if isinstance(error, dict)]
    return found


def of_error(error: ComfyError | SshError | OSError) -> Fault:
    """The fault behind an exception on the way to or from an instance."""
    match error:
        case PromptRefused():
            return of_refusal(error)
        case FileGone():
            return OUTPUT_GONE
        case Unreachable():
            return NO_ANSWER
        case Refused() | BadAnswer():
            return STRANGE_ANSWER
        case SshError():
            return CONNECTION
        case OSError(errno=errno.ENOSPC):
            return PORTAL_DISK_FULL
        case _:
            return CONNECTION


def of_trouble(error: BaseException | None) -> Fault | None:
    """The fault that ended a lane, where the instance, the way to it or a full disk is to blame; None for all else."""
    match error:
        case ProbeFailed():
            return PROBE_FAILED
        case HostProblem():
            return STRANGE_ANSWER
        case ComfyError() | SshError():
            return of_error(error)
        case OSError(errno=errno.ENOSPC):
            return PORTAL_DISK_FULL
        case _:
            return None
