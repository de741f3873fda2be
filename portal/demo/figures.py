"""What one order cost and gave: seconds of every job, and every file the family can take."""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import av
from django.core.files.storage import default_storage
from PIL import Image

from gpujobs.models import Attempt
from orders import provenance
from orders.finishing import clips, marks
from orders.models import Candidate, Deliverable, Order


@dataclass(frozen=True, kw_only=True)
class JobFigures:
    """Seconds, and the file that came of them.

    attempts: how many it took. queue: until a GPU took the job, and behind the prompt that ran there.
    staging: photos to the host. gpu: as the host counts it. collecting: fetching and verifying.
    attaching: until staff could see it.
    """

    product: str
    number: int
    attempts: int
    queue: float
    staging: float
    gpu: float
    collecting: float
    attaching: float
    media_type: str
    byte_count: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class FileFigures:
    """A finished file as it was found when it was read back.

    pixels: width and height of what is in it. dpi: as written, nothing where none is. video: codec, pixel format, rate
    and length. mark: whether a person sees it (in every frame, of a video). c2pa: the manifest's verdict, and whose.
    """

    product: str
    variant: str
    name: str
    pixels: str
    dpi: str
    video: str
    mark: str
    c2pa: str
    source_type: str
    media_type: str
    byte_count: int
    sha256: str

    @property
    def is_as_it_should(self) -> bool:
        return (self.mark, self.c2pa) == ("seen", "valid, ours") and bool(self.source_type)


def of_jobs(order: Order) -> list[JobFigures]:
    candidates = Candidate.objects.filter(item__order=order, state=Candidate.State.READY)
    candidates = candidates.select_related("item", "job").order_by("item_id", "number")
    succeeded = Attempt.objects.filter(state=Attempt.State.SUCCEEDED, job__in=candidates.values("job"))
    last = {attempt.job_id: attempt for attempt in succeeded}
    return [_of_job(candidate, last[candidate.job_id]) for candidate in candidates]


def of_files(order: Order) -> list[FileFigures]:
    files = Deliverable.objects.filter(item__order=order).select_related("item").order_by("item_id", "id")
    return [_of_file(file) for file in files]


def _of_file(file: Deliverable) -> FileFigures:
    """Read back with Pillow, PyAV and c2pa; nothing is taken from the database but the names."""
    path = Path(default_storage.path(file.file))
    data = path.read_bytes()
    verdict = provenance.read(data)
    shown = _video(path) if file.is_video else _picture(path, file)
    return FileFigures(
        product=file.item.product_key,
        variant=file.variant,
        name=file.download_name,
        **shown,
        c2pa=f"{verdict.manifest}{', ours' if verdict.is_ours else ''}",
        source_type=verdict.source_type.rpartition("/")[2],
        media_type=file.media_type,
        byte_count=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _picture(path: Path, file: Deliverable) -> dict[str, str]:
    if file.media_type == "application/pdf":
        # The very bytes of the print are in it, which has a line of its own.
        return {"pixels": f"{file.width}×{file.height}", "dpi": "true size", "video": "", "mark": "seen"}
    with Image.open(path, formats=["JPEG"]) as picture:
        dpi = picture.info.get("dpi")
        return {
            "pixels": f"{picture.width}×{picture.height}",
            "dpi": f"{dpi[0]:.0f}" if dpi and file.variant.startswith(("print-", "sheet")) else "",
            "video": "",
            "mark": "seen" if marks.is_seen(picture.convert("RGB"), _style(file)) else "missing",
        }


def _style(file: Deliverable) -> marks.Style:
    if file.is_print:
        return marks.PORTRAIT if file.item.product_key == "portrait" else marks.SCENE
    return marks.VIDEO if file.variant == "poster" else marks.SCREEN


def _video(path: Path) -> dict[str, str]:
    with av.open(str(path), "r", format="mp4") as container:
        stream = container.streams.video[0]
        codec, rate = stream.codec_context, stream.average_rate
        seen, count = True, 0
        for frame in container.decode(stream):
            count += 1
            brightness = Image.fromarray(clips.views(frame)[0])
            seen = seen and marks.is_seen(brightness, marks.VIDEO)
        return {
            "pixels": f"{stream.width}×{stream.height}",
            "dpi": "",
            "video": f"{codec.name} {codec.pix_fmt} {float(rate or 0):g} fps {float(count / (rate or 1)):.1f} s",
            "mark": "seen" if seen and count else "missing",
        }


def as_dicts(figures: Iterable[JobFigures | FileFigures]) -> list[dict[str, Any]]:
    return [asdict(each) for each in figures]


def of_videos(order: Order) -> list[UUID]:
    """The codes of the files that a phone plays bit by bit."""
    videos = Deliverable.objects.filter(item__order=order, media_type__startswith="video/")
    return list(videos.values_list("code", flat=True))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Columns as wide as they must be; numbers to the right, a hash by its first twelve characters."""
    titles = {name: name.replace("_", " ") for name in rows[0]}
    lines = [titles, *({name: _shown(name, value) for name, value in row.items()} for row in rows)]
    columns = {name: max(_width(line[name]) for line in lines) for name in titles}
    numeric = {name for name, value in rows[0].items() if isinstance(value, int | float)}
    return "\n".join(
        "  ".join(_padded(line[name], width, right=name in numeric) for name, width in columns.items()).rstrip()
        for line in lines
    )


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _width(text: str) -> int:
    """In a terminal's columns: Hangul takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _of_job(candidate: Candidate, attempt: Attempt) -> JobFigures:
    job = candidate.job
    behind_another = _seconds(attempt.sent_at, attempt.started_at)
    return JobFigures(
        product=candidate.item.product_key,
        number=candidate.number,
        attempts=attempt.number,
        queue=round(_seconds(job.queued_at, attempt.claimed_at) + behind_another, 2),
        staging=_seconds(attempt.claimed_at, attempt.sent_at),
        gpu=round((attempt.execution_ms or 0) / 1000, 2),
        collecting=_seconds(attempt.executed_at, attempt.collected_at),
        attaching=_seconds(attempt.collected_at, candidate.attached_at),
        media_type=candidate.media_type,
        byte_count=candidate.byte_count,
        sha256=candidate.sha256,
    )


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return round(max(0.0, (end - start).total_seconds()), 2) if start and end else 0.0


def _shown(name: str, value: Any) -> str:
    if name == "sha256":
        return str(value)[:12]
    if name == "byte_count":
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
