"""Bringing an attempt's files home: fetched as a stream, decoded to the last frame, hashed, kept under one name."""

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from django.core.files.storage import default_storage
from PIL import Image, UnidentifiedImageError

from gpujobs import queueing
from gpujobs.comfyui import ComfyUI, FileGone, OutputFile, Record
from gpujobs.models import Attempt, Output
from gpujobs.workflows import Output as Promised
from gpujobs.workflows import Workflow

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "video/mp4": ".mp4"}
# No workflow of ours makes anything near it; a host that sends without end is stopped.
MAX_BYTES = 2 * 1024**3


class BadResult(Exception):
    """What came is not what the workflow makes; the message says in which way."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Facts read from the decoded file; sizes in pixels, duration in milliseconds."""

    media_type: str
    width: int
    height: int
    frames: int = 1
    duration_ms: int = 0


def expected_files(record: Record, workflow: Workflow) -> list[tuple[Promised, OutputFile]]:
    """The files that the workflow promises, each with its promise, from the nodes that it names.

    Raises BadResult where a node gave none, too few or too many: a success in history proves nothing, since
    ComfyUI drops a bad branch and still reports success.
    """
    files: list[tuple[Promised, OutputFile]] = []
    for output in workflow.outputs:
        of_kind = [f for f in record.files(output.node) if f.type == "output" and _is_kind(f, output.kind)]
        if len(of_kind) != output.count:
            raise BadResult(f"node {output.node} gave {len(of_kind)} of {output.count} files of kind {output.kind}")
        files += [(output, file) for file in of_kind]
    return files


def _is_kind(file: OutputFile, kind: str) -> bool:
    # VHS lists a video under `gifs` and its poster, a PNG, beside it.
    return file.filename.lower().endswith(".mp4") == (kind == Output.Kind.VIDEO)


def bring_home(comfy: ComfyUI, attempt: Attempt, workflow: Workflow, record: Record) -> list[Output]:
    """Unsaved Output rows of verified files that lie in the storage under names of their own.

    Raises BadResult, FileGone, Unreachable, or OSError when the portal's disk is full; nothing half-written stays.
    """
    outputs: list[Output] = []
    params = workflow.clean(attempt.job.params)
    try:
        for position, (promised, file) in enumerate(expected_files(record, workflow)):
            outputs.append(_bring_one(comfy, attempt, promised, params, file, position))
    except (BadResult, FileGone, OSError):
        discard(outputs)
        raise
    return outputs


def discard(outputs: list[Output]) -> None:
    for output in outputs:
        default_storage.delete(output.file)


def _bring_one(
    comfy: ComfyUI, attempt: Attempt, promised: Promised, params: Mapping[str, Any], file: OutputFile, position: int
) -> Output:
    folder = f"{queueing.files_of(attempt.job_id)}/{attempt.pk}"
    with _download(comfy, file, folder) as (temporary, sha256, size):
        facts = verify(temporary, promised.kind)
        hold_against(promised, params, facts)
        # Two drivers may fetch for one attempt; what the one that comes late throws away must not be the other's.
        name = f"{folder}/{position}-{secrets.token_hex(8)}{SUFFIXES[facts.media_type]}"
        temporary.replace(default_storage.path(name))
    return Output(
        job_id=attempt.job_id,
        attempt=attempt,
        position=position,
        kind=promised.kind,
        media_type=facts.media_type,
        file=name,
        sha256=sha256,
        byte_count=size,
        width=facts.width,
        height=facts.height,
        frames=facts.frames,
        duration_ms=facts.duration_ms,
    )


@contextmanager
def _download(comfy: ComfyUI, file: OutputFile, folder: str) -> Iterator[tuple[Path, str, int]]:
    directory = Path(default_storage.path(folder))
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".{secrets.token_hex(8)}.part"
    digest, size = hashlib.sha256(), 0
    try:
        with comfy.view(file) as chunks, temporary.open("xb") as target:
            for chunk in chunks:
                size += len(chunk)
                if size > MAX_BYTES:
                    raise BadResult(f"more than {MAX_BYTES} bytes")
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        yield temporary, digest.hexdigest(), size
    finally:
        temporary.unlink(missing_ok=True)


def verify(path: Path, kind: str) -> Verified:
    """Decode the whole file. Raises BadResult if it is not a readable picture or video of the kind."""
    return _verify_video(path) if kind == Output.Kind.VIDEO else _verify_image(path)


def hold_against(promised: Promised, params: Mapping[str, Any], facts: Verified) -> None:
    """Raises BadResult where a file is smaller or shorter than the workflow makes it."""
    if facts.width * facts.height < promised.pixels(params):
        raise BadResult(f"{facts.width}x{facts.height} pixels instead of {promised.pixels(params)}")
    if facts.frames < promised.frames(params):
        raise BadResult(f"{facts.frames} frames instead of {promised.frames(params)}")
    # Milliseconds are rounded, and so are frame rates.
    if facts.duration_ms < promised.seconds(params) * 990:
        raise BadResult(f"{facts.duration_ms} ms instead of {promised.seconds(params):g} s")


def _verify_image(path: Path) -> Verified:
    try:
        with Image.open(path, formats=list(TYPES)) as image:
            image.load()
            media_type, (width, height) = TYPES[str(image.format)], image.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise BadResult(f"not a readable picture: {type(error).__name__}") from error
    return Verified(media_type=media_type, width=width, height=height)


def _verify_video(path: Path) -> Verified:
    try:
        with av.open(str(path), format="mp4") as container:
            stream = container.streams.video[0]
            frames = sum(1 for _frame in container.decode(stream))
            rate = stream.average_rate
            width, height = stream.codec_context.width, stream.codec_context.height
    except (FFmpegError, IndexError) as error:
        raise BadResult(f"not a readable video: {type(error).__name__}") from error
    if not frames or not rate:
        raise BadResult("a video without frames")
    return Verified(
        media_type="video/mp4", width=width, height=height, frames=frames, duration_ms=round(frames / rate * 1000)
    )
