"""An approved video as it is shown: its frames upright, in BT.709, one after the other at an even rate.

A frame is three planes of a 4:2:0 picture, brightness and two of colour at half its width and height: what an encoder
takes and a decoder gives, so that nothing is turned into RGB and back on the way.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from orders.finishing import faults
from orders.finishing.cutting import Size

LEAST_SECONDS, MOST_SECONDS = 8, 12
# A longer one was not made by our workflows.
MOST_FRAMES = 1200
MOST_SIDE = 8192
USUAL_RATE, LEAST_RATE, MOST_RATE = Fraction(24), Fraction(5), Fraction(60)
# A file that says nothing of its colours was written by ffmpeg from RGB, which takes BT.601.
COLOURS = {int(Colorspace.ITU709): Colorspace.ITU709}
# A video that has to run backwards is held whole, and no larger than it is ever shown.
HELD_SIDE = 1920

Plane = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
Planes = tuple[Plane, Plane, Plane]


class Unplayable(Exception):
    """A video that cannot be decoded, or one of ours that did not come out as it should."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """``face``: [left, top, width, height] as fractions. ``is_loop``: it flows forward and back already."""

    product_key: str
    path: Path
    face: Sequence[float] | None = None
    is_loop: bool = False

    def opened(self) -> "Opened":
        """Raises Unplayable."""
        try:
            with av.open(str(self.path), "r", format="mp4") as container:
                stream = container.streams.video[0]
                base, size = stream.time_base or 1 / USUAL_RATE, (stream.width, stream.height)
                ticks = sorted(packet.pts for packet in container.demux(stream) if packet.pts is not None)
                told = stream.average_rate
        except (FFmpegError, IndexError) as error:
            raise Unplayable(type(error).__name__) from error
        if not 0 < len(ticks) <= MOST_FRAMES:
            raise Unplayable(f"{len(ticks)} frames")
        if min(size) <= 0 or max(size) > MOST_SIDE:
            raise Unplayable(f"{size[0]}x{size[1]} pixels")
        rate = min(max(Fraction(told or USUAL_RATE), LEAST_RATE), MOST_RATE) if len(ticks) > 1 else USUAL_RATE
        opened = Opened(self, rate, tuple((tick - ticks[0]) * base for tick in ticks))
        if len(opened.order) > MOST_FRAMES:
            raise Unplayable(f"{float(len(opened.order) / rate):.0f} seconds")
        return opened


@dataclass(frozen=True)
class Opened:
    """``times``: when each of its frames begins, in seconds."""

    clip: Clip
    rate: Fraction
    times: tuple[Fraction, ...]

    @property
    def remarks(self) -> list[str]:
        if len(self.times) == 1:
            return [faults.STILL]
        return [faults.LOOPED_HERE] if self._turns else []

    @property
    def seconds(self) -> float:
        return float(len(self.order) / self.rate)

    @cached_property
    def order(self) -> list[int]:
        """Which of its frames are shown, one after the other, each for as long."""
        there = self._there
        if not self._turns:
            return there
        once = [*there, *there[-2:0:-1]]
        seconds = len(once) / self.rate
        return once * max(1, min(-(-LEAST_SECONDS // seconds), MOST_SECONDS // seconds))

    @cached_property
    def _there(self) -> list[int]:
        """Every frame once at an even rate; of one whose rate varies, what is seen at each moment."""
        count = max(1, round((self.times[-1] + 1 / self.rate) * self.rate))
        if count > MOST_FRAMES:
            return [0] * count
        # Times are kept in coarse ticks; a quarter of a frame early is not too early.
        early = 1 / self.rate / 4
        return [max(0, bisect_right(self.times, number / self.rate + early) - 1) for number in range(count)]

    @property
    def _turns(self) -> bool:
        """Whether it is made to run forward and back here: neither done already nor long enough as it is."""
        return not self.clip.is_loop and len(self._there) < LEAST_SECONDS * self.rate

    def frames(self) -> Iterator[Planes]:
        """In the order they are shown. Raises Unplayable."""
        try:
            yield from self._backwards_too() if self._turns else self._as_they_come()
        except FFmpegError as error:
            raise Unplayable(type(error).__name__) from error

    def _as_they_come(self) -> Iterator[Planes]:
        wanted = iter(self.order)
        number = next(wanted)
        last = None
        for at, frame in enumerate(self._decoded()):
            last = planes_of(frame) if at == number else last
            while last is not None and at == number:
                yield last
                number = next(wanted, -1)
        if number != -1:
            raise Unplayable("ends early")

    def _backwards_too(self) -> Iterator[Planes]:
        held = [_smaller(planes_of(frame)) for frame in self._decoded()]
        if len(held) < len(self.times):
            raise Unplayable("ends early")
        for number in self.order:
            yield held[number]

    def _decoded(self) -> Iterator[av.VideoFrame]:
        with av.open(str(self.clip.path), "r", format="mp4") as container:
            yield from container.decode(video=0)


def planes_of(frame: av.VideoFrame) -> Planes:
    """Of a decoded frame, upright, whatever its format and colours are."""
    even = frame.reformat(
        format="yuv420p",
        src_colorspace=COLOURS.get(int(frame.colorspace), Colorspace.ITU601),
        dst_colorspace=Colorspace.ITU709,
        src_color_range=frame.color_range or ColorRange.MPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation="BILINEAR",
    )
    turns = round(frame.rotation / 90) % 4
    return of_each(views(even), lambda plane: np.ascontiguousarray(np.rot90(plane, turns)))


def views(frame: av.VideoFrame) -> Planes:
    """The planes of a yuv420p frame themselves, to be read or written."""
    y, u, v = (_view(plane) for plane in frame.planes)
    return y, u, v


def _view(plane: Any) -> Plane:
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def of_each(planes: Planes, change: Callable[[Plane], Plane]) -> Planes:
    y, u, v = (change(plane) for plane in planes)
    return y, u, v


def from_rgb(picture: Image.Image) -> Planes:
    frame = av.VideoFrame.from_ndarray(np.asarray(picture.convert("RGB")), format="rgb24")
    return planes_of(frame)


def to_rgb(planes: Planes) -> Image.Image:
    frame = blank((planes[0].shape[1], planes[0].shape[0]))
    for plane, given in zip(views(frame), planes, strict=True):
        plane[:] = given
    rgb: Any = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709, interpolation="BICUBIC").to_ndarray()
    return Image.fromarray(rgb)


def blank(size: Size) -> av.VideoFrame:
    """A frame to be filled through its `views`."""
    return av.VideoFrame(*size, "yuv420p")


def resized(plane: Plane, size: Size) -> Plane:
    smaller = size[0] * size[1] < plane.shape[0] * plane.shape[1]
    made: Plane = cv2.resize(plane, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)  # type: ignore[assignment]  # eight bits, as given
    return made


def _smaller(planes: Planes) -> Planes:
    height, width = planes[0].shape
    scale = HELD_SIDE / max(width, height)
    if scale >= 1:
        return planes
    half = max(1, round(width * scale / 2)), max(1, round(height * scale / 2))
    y, u, v = planes
    return resized(y, (2 * half[0], 2 * half[1])), resized(u, half), resized(v, half)
