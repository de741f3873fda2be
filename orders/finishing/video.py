"""The video for the family: wide and tall, H.264 with its index at the front, the mark in every frame.

An iPhone asks for yuv420p and the index before the data; a messenger for no more than 25 MB. Every file is decoded
again before it counts as made.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image

from orders.finishing import backgrounds, cutting, faults, marks, signing
from orders.finishing.cutting import Head, Size
from orders.finishing.metadata import xmp, xmp_box
from orders.finishing.pieces import TALL, WIDE, Piece, preview_of, still

MOST_BYTES = 25_000_000
# Beside the picture: the index, XMP and the manifest.
SPARE_BYTES = 200_000
LEAST_SECONDS, MOST_SECONDS = 8, 12
# A longer one was not made by our workflows.
MOST_FRAMES = 1200
USUAL_RATE = Fraction(24)
FRAMES: dict[str, tuple[Size, Promise]] = {"video-wide": (WIDE, _("가로")), "video-tall": (TALL, _("세로"))}
POSTER = _("대표 화면")
PIECES = len(FRAMES) + 1

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


class Unplayable(Exception):
    """A video that cannot be decoded, or one of ours that did not come out as it should."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """An approved video as it is shown. ``is_loop``: it flows forward and back already; else we make it so."""

    product_key: str
    path: Path
    face: Sequence[float] | None = None
    is_loop: bool = False

    def opened(self) -> "Opened":
        """Raises Unplayable."""
        try:
            with av.open(str(self.path), "r", format="mp4") as container:
                stream = container.streams.video[0]
                rate = stream.average_rate or USUAL_RATE
                count = sum(1 for _frame in container.decode(stream))
                size = stream.width, stream.height
        except (FFmpegError, IndexError) as error:
            raise Unplayable(type(error).__name__) from error
        if not 0 < count <= MOST_FRAMES:
            raise Unplayable(f"{count} frames")
        return Opened(self, size, Fraction(rate) if count > 1 else USUAL_RATE, count)


@dataclass(frozen=True)
class Opened:
    clip: Clip
    size: Size
    rate: Fraction
    count: int

    @property
    def remarks(self) -> list[str]:
        if self.count == 1:
            return [faults.STILL]
        return [] if self.clip.is_loop else [faults.LOOPED_HERE]

    @property
    def order(self) -> list[int]:
        """Which of its frames are shown, one after the other."""
        if self.clip.is_loop:
            return list(range(self.count))
        once = [*range(self.count), *range(self.count - 2, 0, -1)]
        seconds = len(once) / self.rate
        return once * max(1, min(-(-LEAST_SECONDS // seconds), MOST_SECONDS // seconds))

    def frames(self) -> Iterator[av.VideoFrame]:
        """In the order they are shown. Only a video that has to run backwards is held whole, 49 small frames."""
        with av.open(str(self.clip.path), "r", format="mp4") as container:
            decoded = container.decode(video=0)
            if self.clip.is_loop:
                yield from decoded
                return
            held = list(decoded)
        for number in self.order:
            yield held[number]


def of_video(clip: Clip, *, beat: Callable[[], None] = lambda: None) -> Iterator[Piece]:
    """Wide, tall and the poster. ``beat`` is called every second of video, to show that there is life.

    Raises Unplayable, signing.SigningFailed, or OSError.
    """
    opened = clip.opened()
    poster = None
    for variant, (frame, label) in FRAMES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "made.mp4"
            try:
                first = _encode(opened, frame, path, beat)
            except (FFmpegError, ValueError) as error:
                raise Unplayable(f"{variant}: {type(error).__name__}: {error}") from error
            data = path.read_bytes() + xmp_box(xmp(clip.product_key))
            data = signing.sign(data, "video/mp4", product_key=clip.product_key)
            path.write_bytes(data)
            check(path, frame=frame, rate=opened.rate, count=len(opened.order))
        poster = poster or first
        yield Piece(
            variant=variant,
            words=str(label),
            media_type="video/mp4",
            suffix=".mp4",
            data=data,
            preview=preview_of(first, clip.product_key),
            width=frame[0],
            height=frame[1],
            duration_ms=round(1000 * len(opened.order) / opened.rate),
        )
    if poster:
        yield still(clip.product_key, poster, "poster", str(POSTER))


def check(path: Path, *, frame: Size, rate: Fraction, count: int) -> None:
    """Decode a finished video again. Raises Unplayable with what is wrong about it."""
    data = path.read_bytes()
    wrong = [] if len(data) <= MOST_BYTES else [f"{len(data)} bytes"]
    if not 0 < data.find(b"moov") < data.find(b"mdat"):
        wrong.append("index at the end")
    try:
        with av.open(str(path), "r", format="mp4") as container:
            stream = container.streams.video[0]
            told = stream.codec_context.name, stream.codec_context.pix_fmt, (stream.width, stream.height)
            decoded = sum(1 for _frame in container.decode(stream))
            if told != ("h264", "yuv420p", frame):
                wrong.append(str(told))
            if (decoded, stream.average_rate) != (count, rate):
                wrong.append(f"{decoded} frames at {stream.average_rate}")
    except FFmpegError as error:
        wrong.append(type(error).__name__)
    if wrong:
        raise Unplayable(", ".join(wrong))


def _encode(opened: Opened, frame: Size, path: Path, beat: Callable[[], None]) -> Image.Image:
    """Write the video; returns its first frame."""
    scene: _Scene | None = None
    first: Image.Image | None = None
    count, rate = len(opened.order), opened.rate
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate, options=_x264(count / rate))
        stream.width, stream.height = frame
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 2
        # BT.709, said and meant: without it players guess, and a face turns a little green.
        stream.codec_context.color_primaries = stream.codec_context.color_trc = 1
        stream.codec_context.colorspace = stream.codec_context.color_range = 1
        for number, each in enumerate(opened.frames()):
            scene = scene or _Scene(each, opened.clip.face, frame)
            pixels = scene.show(each)
            if first is None:
                first = Image.fromarray(pixels)
            shown = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            shown = shown.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            shown.pts, shown.time_base = number, 1 / rate
            container.mux(stream.encode(shown))
            if number % max(1, round(rate)) == 0:
                beat()
        container.mux(stream.encode())
    if first is None:
        raise Unplayable("no frame")
    return first


def _x264(seconds: float | Fraction) -> dict[str, str]:
    bits = min(12_000_000, int((MOST_BYTES - SPARE_BYTES) * 8 * 0.95 / max(seconds, 1)))
    return {"preset": "veryfast", "crf": "19", "maxrate": str(bits), "bufsize": str(bits), "profile": "high"}


class _Scene:
    """What stays the same from frame to frame: where the video lies, the ground around it, the mark."""

    def __init__(self, first: av.VideoFrame, face: Sequence[float] | None, frame: Size) -> None:
        size = first.width, first.height
        crop = cutting.cover_or_contain(Head.of(face, size), size, frame[0] / frame[1])
        self._crop, self._frame = crop, frame
        self._box = backgrounds.landing(size, crop, frame)
        self._scaled = round(size[0] * frame[0] / crop.width), round(size[1] * frame[1] / crop.height)
        x0, y0, _, _ = self._box
        part = Image.fromarray(self._part(first))
        self._weight: Any = None
        self._fading: list[tuple[slice, slice]] = []
        if part.size != frame:
            across, down = backgrounds.weights((x0, y0), part.size, frame)
            self._weight = (down[:, None] * across[None, :])[..., None]
            self._under = np.asarray(backgrounds.ground(part, (x0, y0), frame))
            # Only the edges that fade are mixed; the rest is the frame as it is. The whole of a video is shown with
            # ground at two sides, so these are its first and last columns or its first and last rows.
            self._fading = _strips(across, axis=1) + _strips(down, axis=0)
        shown = Image.fromarray(self._on_ground(first))
        faces = [crop.placed(face, size, frame)] if face else []
        mark = marks.mark_for(shown, marks.VIDEO, faces)
        self._mark_box = mark.box
        overlay = np.asarray(mark.picture, np.float32)
        self._mark, self._cover = overlay[..., :3], overlay[..., 3:] / 255

    def show(self, frame: av.VideoFrame) -> Pixels:
        pixels = self._on_ground(frame)
        left, top, right, bottom = self._mark_box
        under = pixels[top:bottom, left:right]
        under[:] = (under + (self._mark - under) * self._cover).round()
        return pixels

    def _on_ground(self, frame: av.VideoFrame) -> Pixels:
        part = self._part(frame)
        if self._weight is None:
            return np.ascontiguousarray(part)
        x0, y0, x1, y1 = self._box
        pixels = self._under.copy()
        under = pixels[y0:y1, x0:x1]
        under[:] = part
        for rows, columns in self._fading:
            ground, weight = self._under[y0:y1, x0:x1][rows, columns].astype(np.float32), self._weight[rows, columns]
            under[rows, columns] = (ground + (part[rows, columns] - ground) * weight).round()
        return pixels

    def _part(self, frame: av.VideoFrame) -> Pixels:
        """What of a frame lies in the crop, at the size it is shown."""
        width, height = self._scaled
        whole: Any = frame.reformat(width, height, format="rgb24", interpolation="LANCZOS").to_ndarray()
        x0, y0, x1, y1 = self._box
        left = min(max(0, round(self._crop.left * self._frame[0] / self._crop.width)), max(0, width - (x1 - x0)))
        top = min(max(0, round(self._crop.top * self._frame[1] / self._crop.height)), max(0, height - (y1 - y0)))
        part: Pixels = whole[top : top + y1 - y0, left : left + x1 - x0]
        if part.shape[:2] != (y1 - y0, x1 - x0):
            part = np.pad(part, ((0, y1 - y0 - part.shape[0]), (0, x1 - x0 - part.shape[1]), (0, 0)), mode="edge")
        return part


def _strips(weight: Any, *, axis: int) -> list[tuple[slice, slice]]:
    """The first and the last columns (axis 1) or rows (axis 0) whose weight is below one."""
    faded, everything = int((weight < 1).sum()), slice(None)
    if not faded:
        return []
    half = len(weight) // 2
    first, last = int((weight[:half] < 1).sum()), int((weight[half:] < 1).sum())
    ends = [slice(0, first), slice(len(weight) - last, len(weight))]
    return [(everything, end) if axis == 1 else (end, everything) for end in ends if end.start != end.stop]
