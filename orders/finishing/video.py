"""The video for the family: wide and tall, H.264 with its index at the front, the mark in every frame.

An iPhone asks for yuv420p and the index before the data; a messenger for no more than 25 MB. Every file is decoded
again before it counts as made.
"""

import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image

from orders.finishing import signing
from orders.finishing.clips import Opened, Planes, Unplayable
from orders.finishing.cutting import Size
from orders.finishing.metadata import xmp, xmp_box
from orders.finishing.pieces import TALL, WIDE, Piece, preview_of, still
from orders.finishing.scenes import Scene

MOST_BYTES = 25_000_000
# Beside the picture: the index, XMP and the manifest.
SPARE_BYTES = 200_000
FRAMES: dict[str, tuple[Size, Promise]] = {"video-wide": (WIDE, _("가로")), "video-tall": (TALL, _("세로"))}
POSTER = _("대표 화면")
PIECES = len(FRAMES) + 1
# Half the time of "veryfast" and as good. What stands still from frame to frame, as most of these videos does, is only
# noticed with a tree of macroblocks, which this preset leaves out: the files are a quarter as large with it.
X264 = {"preset": "superfast", "crf": "20", "profile": "high", "x264-params": "rc-lookahead=10:mbtree=1"}


def of_video(opened: Opened, *, beat: Callable[[], None] = lambda: None) -> Iterator[Piece]:
    """Wide, tall and the poster. ``beat`` is called every second of video, to show that there is life.

    Raises Unplayable, signing.SigningFailed, or OSError.
    """
    product_key = opened.clip.product_key
    # Beside its source, in the order's own folder: what a killed worker leaves there goes with the order.
    with tempfile.TemporaryDirectory(dir=opened.clip.path.parent) as folder:
        paths = {variant: Path(folder) / f"{variant}.mp4" for variant in FRAMES}
        try:
            posters = _encode(opened, paths, beat)
        except (FFmpegError, ValueError) as error:
            raise Unplayable(f"{type(error).__name__}: {error}") from error
        for variant, path in paths.items():
            frame, label = FRAMES[variant]
            data = path.read_bytes() + xmp_box(xmp(product_key))
            data = signing.sign(data, "video/mp4", product_key=product_key)
            path.write_bytes(data)
            beat()
            check(path, frame=frame, rate=opened.rate, count=len(opened.order))
            yield Piece(
                variant=variant,
                words=str(label),
                media_type="video/mp4",
                suffix=".mp4",
                data=data,
                preview=preview_of(posters[variant], product_key),
                width=frame[0],
                height=frame[1],
                duration_ms=round(1000 * opened.seconds),
            )
    yield still(product_key, posters["video-wide"], "poster", str(POSTER))


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


def _encode(opened: Opened, paths: dict[str, Path], beat: Callable[[], None]) -> dict[str, Image.Image]:
    """Write all of them, each frame being decoded once; returns their first frames."""
    written: dict[str, _Written] = {}
    try:
        for number, planes in enumerate(opened.frames()):
            if not written:
                written = {name: _Written(opened, path, FRAMES[name][0], planes) for name, path in paths.items()}
            for each in written.values():
                each.add(number, planes)
            if number % max(1, round(opened.rate)) == 0:
                beat()
    finally:
        for each in written.values():
            each.close()
    return {variant: each.scene.poster for variant, each in written.items()}


class _Written:
    """One of the files while it is written."""

    def __init__(self, opened: Opened, path: Path, frame: Size, first: Planes) -> None:
        self.scene = Scene(first, opened.clip.face, frame)
        self._rate = opened.rate
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("libx264", rate=opened.rate, options=_x264(opened.seconds))
        self._stream.width, self._stream.height = frame
        self._stream.pix_fmt = "yuv420p"
        codec = self._stream.codec_context
        codec.thread_count = 2
        # BT.709, said and meant: without it players guess, and a face turns a little green.
        codec.color_primaries = codec.color_trc = codec.colorspace = codec.color_range = 1

    def add(self, number: int, planes: Planes) -> None:
        shown = self.scene.show(planes)
        shown.pts, shown.time_base = number, 1 / self._rate
        self._container.mux(self._stream.encode(shown))

    def close(self) -> None:
        self._container.mux(self._stream.encode())
        self._container.close()


def _x264(seconds: float) -> dict[str, str]:
    bits = min(12_000_000, int((MOST_BYTES - SPARE_BYTES) * 8 * 0.95 / max(seconds, 1)))
    return X264 | {"maxrate": str(bits), "bufsize": str(bits)}
