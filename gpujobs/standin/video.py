"""Reading and writing H.264, as VHS_LoadVideo and VHS_VideoCombine do with ffmpeg."""

import io
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy
from PIL import Image

from .values import Pictures, Size


def encode(
    frames: Iterable[Image.Image],
    size: Size,
    path: Path,
    *,
    fps: float,
    crf: int,
    pixel_format: str,
    comment: str,
    on_frame: Callable[[], None],
) -> None:
    """H.264 in MP4, index at the end, as ffmpeg leaves it without faststart. Odd sides grow by a pixel."""
    even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
    with av.open(str(path), "w", format="mp4", options={"movflags": "use_metadata_tags"}) as container:
        if comment:
            container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height = even
        stream.pix_fmt = pixel_format
        stream.options = {"crf": str(crf), "preset": "superfast"}
        for image in frames:
            picture = image if image.size == even else image.resize(even)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numpy.asarray(picture), format="rgb24")))
            on_frame()
        container.mux(stream.encode(None))


def decode(path: Path, *, limit: int = 0, skip: int = 0, every: int = 1) -> tuple[Pictures, float]:
    """The frames, kept as JPEGs in memory, and the frames a second.

    Raises av.error.FFmpegError where the file is no video, ValueError where it has no frames.
    """
    kept: list[bytes] = []
    size: Size = (0, 0)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        fps = float(stream.average_rate or 0)
        for index, frame in enumerate(container.decode(stream)):
            if index < skip or (index - skip) % every:
                continue
            if limit and len(kept) >= limit:
                break
            image = Image.fromarray(frame.to_ndarray(format="rgb24"))
            size = image.size
            packed = io.BytesIO()
            image.save(packed, "JPEG", quality=95)
            kept.append(packed.getvalue())
    if not kept:
        raise ValueError("No frames generated")
    frames = Pictures.drawn(len(kept), size, lambda i: Image.open(io.BytesIO(kept[i])).convert("RGB"))
    return frames, fps / every
