"""One ComfyUI's API, version 0.2.4 and newer, over whatever connection it is given."""

from gpujobs.comfyui.answers import Accepted, Failure, OutputFile, Queue, Queued, Record, StoredFile
from gpujobs.comfyui.api import ComfyUI, Download, Timeouts
from gpujobs.comfyui.errors import (
    BadAnswer,
    ComfyError,
    FileGone,
    PromptRefused,
    Refused,
    SocketClosed,
    SocketSilent,
    Unreachable,
)
from gpujobs.comfyui.events import (
    Event,
    Executed,
    Executing,
    ExecutionCached,
    ExecutionError,
    ExecutionInterrupted,
    ExecutionStart,
    ExecutionSuccess,
    Preview,
    Progress,
    Status,
)
from gpujobs.comfyui.follower import Follower

__all__ = [
    "Accepted",
    "BadAnswer",
    "ComfyError",
    "ComfyUI",
    "Download",
    "Event",
    "Executed",
    "Executing",
    "ExecutionCached",
    "ExecutionError",
    "ExecutionInterrupted",
    "ExecutionStart",
    "ExecutionSuccess",
    "Failure",
    "FileGone",
    "Follower",
    "OutputFile",
    "Preview",
    "Progress",
    "PromptRefused",
    "Queue",
    "Queued",
    "Record",
    "Refused",
    "SocketClosed",
    "SocketSilent",
    "Status",
    "StoredFile",
    "Timeouts",
    "Unreachable",
]
