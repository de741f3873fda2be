"""The still shown for a picture or a video: at most 1280 pixels, WebP, without metadata; and where its face is."""

import io
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from PIL import Image, UnidentifiedImageError

from orders.intake.advice import main_face_of

LONG_SIDE = 1280


class Unreadable(Exception):
    """Neither a picture nor a video that can be decoded."""


@dataclass(frozen=True)
class Still:
    """WebP bytes, and [left, top, width, height] of the main face as fractions where one was found."""

    data: bytes
    face: list[float] | None


def still_of(path: Path, kind: str) -> Still:
    """Of a picture, or of the first frame of a video. Raises Unreadable, or OSError without a file."""
    image = _first_frame(path) if kind == "video" else _picture(path)
    image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    target = io.BytesIO()
    # Half the time of method 4, for a file a few percent larger that no eye can tell from it.
    image.save(target, "WEBP", quality=86, method=2)
    face = main_face_of(image)
    return Still(target.getvalue(), None if face is None else list(face))


def _picture(path: Path) -> Image.Image:
    with path.open("rb") as file:
        try:
            with Image.open(file, formats=["PNG", "JPEG", "WEBP"]) as image:
                # The colours as stored: an ICC profile other than sRGB is nothing that our own workflows write.
                return image.convert("RGB")
        except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, OSError) as error:
            raise Unreadable(type(error).__name__) from error


def _first_frame(path: Path) -> Image.Image:
    with path.open("rb") as file:
        try:
            with av.open(file, "r", format="mp4") as container:
                frame = next(container.decode(video=0))
                # A film says by how much it is to be turned to stand upright; the picture itself is not.
                return Image.fromarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)))
        except (FFmpegError, StopIteration, IndexError) as error:
            raise Unreadable(type(error).__name__) from error
