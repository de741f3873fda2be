"""What one order cost and gave: seconds of every job, and every file the family can take."""

import hashlib
import io
import re
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
from orders.models import Candidate, Deliverable, Order, PrintPreset

# What the product promises, as the facts of the trade have it: not taken from the code that makes it.
PIXELS = {
    "11x14": "3300×4200",
    "8x10": "2400×3000",
    "10x13": "3000×3900",
    "a4": "2480×3508",
    "5x7": "1500×2100",
    "3.5x5": "1050×1500",
    "10x8": "3000×2400",
    "screen-wide": "1920×1080",
    "screen-tall": "1080×1920",
    "video-wide": "1920×1080",
    "video-tall": "1080×1920",
    "poster": "1920×1080",
}
MOST_VIDEO_BYTES, MOST_VIDEO_SECONDS = 25_000_000, 12.0
_MEDIA_BOX = re.compile(rb"/MediaBox\s*\[\s*0(?:\.0*)?\s+0(?:\.0*)?\s+([\d.]+)\s+([\d.]+)\s*\]")
_POINTS_PER_INCH = 72


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

    pixels: width and height of what is in it; promised: what they should be, nothing where that is free. dpi: as
    written, of a PDF by its page's size, nothing where there is none. video: codec, pixel format, rate and length.
    mark: whether a person sees it (in every frame, of a video). c2pa: the manifest's verdict, and whose.
    """

    product: str
    variant: str
    name: str
    pixels: str
    promised: str
    dpi: str
    video: str
    mark: str
    c2pa: str
    source_type: str
    media_type: str
    byte_count: int
    sha256: str

    @property
    def wrong(self) -> list[str]:
        """What of it is not as the product promises, in words."""
        is_print = self.variant.startswith(("print-", "pdf-"))
        judged = {
            f"mark {self.mark}": self.mark == "seen",
            f"C2PA {self.c2pa}": self.c2pa == "valid, ours",
            "no source type": bool(self.source_type),
            f"{self.pixels} pixels, not {self.promised}": self.promised in ("", self.pixels),
            f"{self.dpi or 'no'} dpi": self.dpi == "300" or not is_print,
            f"video {self.video}": self._plays_as_promised or not self.video,
            f"{self.byte_count} bytes": self.byte_count <= MOST_VIDEO_BYTES or not self.video,
        }
        return [words for words, is_right in judged.items() if not is_right]

    @property
    def _plays_as_promised(self) -> bool:
        return re.fullmatch(r"h264 yuv420p (24|30) fps (8|9|10|11|12)\.\d s", self.video) is not None and (
            float(self.video.split()[-2]) <= MOST_VIDEO_SECONDS
        )


def of_jobs(order: Order) -> list[JobFigures]:
    candidates = Candidate.objects.filter(item__order=order, state=Candidate.State.READY)
    candidates = candidates.select_related("item", "job").order_by("item_id", "number")
    succeeded = Attempt.objects.filter(state=Attempt.State.SUCCEEDED, job__in=candidates.values("job"))
    last = {attempt.job_id: attempt for attempt in succeeded}
    return [_of_job(candidate, last[candidate.job_id]) for candidate in candidates]


def of_files(order: Order) -> list[FileFigures]:
    files = Deliverable.objects.filter(item__order=order).select_related("item__order").order_by("item_id", "id")
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
        promised=_promised(file),
        c2pa=f"{verdict.manifest}{', ours' if verdict.is_ours else ''}",
        source_type=verdict.source_type.rpartition("/")[2],
        media_type=file.media_type,
        byte_count=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _promised(file: Deliverable) -> str:
    key = file.variant.removeprefix("print-").removeprefix("pdf-")
    if not key.startswith("own-"):
        return PIXELS.get(key, "")
    own = PrintPreset.objects.get(home=file.item.order.home, key=key)
    width, height = (round(float(side) / 25.4 * 300) for side in (own.width, own.height))
    return f"{width}×{height}"


def _picture(path: Path, file: Deliverable) -> dict[str, str]:
    if file.media_type == "application/pdf":
        return read_pdf(path.read_bytes(), _style(file))
    with Image.open(path, formats=["JPEG"]) as picture:
        dpi = picture.info.get("dpi")
        return {
            "pixels": f"{picture.width}×{picture.height}",
            "dpi": f"{dpi[0]:.0f}" if dpi and file.variant.startswith(("print-", "sheet")) else "",
            "video": "",
            "mark": "seen" if marks.is_seen(picture.convert("RGB"), _style(file)) else "missing",
        }


def read_pdf(data: bytes, style: marks.Style) -> dict[str, str]:
    """Of the picture on its page: the first JPEG in it. dpi: the picture's pixels on the page's points."""
    page = _MEDIA_BOX.search(data)
    if page is None or (start := data.find(b"\xff\xd8\xff")) < 0:
        return {"pixels": "", "dpi": "", "video": "", "mark": "missing"}
    with Image.open(io.BytesIO(data[start:]), formats=["JPEG"]) as picture:
        across = picture.width / float(page[1]) * _POINTS_PER_INCH
        down = picture.height / float(page[2]) * _POINTS_PER_INCH
        return {
            "pixels": f"{picture.width}×{picture.height}",
            "dpi": f"{across:.0f}" if round(across) == round(down) else f"{across:.0f}×{down:.0f}",
            "video": "",
            "mark": "seen" if marks.is_seen(picture.convert("RGB"), style) else "missing",
        }


def _style(file: Deliverable) -> marks.Style:
    if file.is_print or file.variant.startswith("pdf-"):
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
