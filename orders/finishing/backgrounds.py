"""Cutting a part out of a picture at a given size, and growing background where the part reaches beyond the edge.

What lies beyond is the nearest edge carried on and blurred until nothing can be read in it, with a seam that is
faded in. It suits a studio's plain ground; beside a scene, whose edge is full of things, it is blurred much more.
Below a portrait there is no ground but clothes: there each column goes on as it ends, so that a coat stays a coat.
"""

import cv2
import numpy as np
from cv2.typing import MatLike
from PIL import Image

from orders.finishing.cutting import Crop, Size

# The ground is blurred in a copy of this long side: a soft picture needs no sharp pixels.
SMALL = 320
BLUR, BLUR_OF_SCENE = 14.0, 56.0  # standard deviations, in pixels of that copy
# Over this share of the frame's short side the picture fades into its ground.
FADE = 0.07
# A little noise, or a wide soft ground shows bands.
GRAIN = 1.4
# How thick a strip of the lower edge is carried on, as a share of the picture's height.
HEM = 0.012
BAND = 256  # rows worked on at a time, so that a large print needs little memory beside itself


def cut(picture: Image.Image, crop: Crop, frame: Size, *, is_scene: bool = False) -> Image.Image:
    """The crop of an RGB picture as an RGB picture of ``frame`` pixels."""
    (x0, y0, x1, y1), inside = landing(picture.size, crop, frame), crop.inside(picture.size)
    part = picture.resize((x1 - x0, y1 - y0), Image.Resampling.LANCZOS, box=inside, reducing_gap=3.0)
    return part if part.size == frame else _on_ground(part, (x0, y0), frame, is_scene)


def landing(size: Size, crop: Crop, frame: Size) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, in whole pixels of the frame, of what of the crop lies in a picture of ``size``."""
    left, top, right, bottom = crop.inside(size)
    if right - left < 1 or bottom - top < 1:
        raise ValueError("the crop lies outside the picture")
    across, down = frame[0] / crop.width, frame[1] / crop.height
    x0 = min(round((left - crop.left) * across), frame[0] - 1)
    y0 = min(round((top - crop.top) * down), frame[1] - 1)
    x1 = min(max(round((right - crop.left) * across), x0 + 1), frame[0])
    y1 = min(max(round((bottom - crop.top) * down), y0 + 1), frame[1])
    return x0, y0, x1, y1


def _on_ground(part: Image.Image, at: tuple[int, int], frame: Size, is_scene: bool) -> Image.Image:
    result, shown = ground(part, at, frame, blur=BLUR_OF_SCENE if is_scene else BLUR), np.asarray(part)
    if not is_scene and at[1] + part.height < frame[1]:
        _carry_down(result, part, at)
    weight_x, weight_y = weights(at, part.size, frame)
    for start in range(0, part.height, BAND):
        rows = slice(start, min(start + BAND, part.height))
        place = at[0], at[1] + start, at[0] + part.width, at[1] + rows.stop
        under = np.asarray(result.crop(place), np.float32)
        weight = weight_y[rows, None, None] * weight_x[None, :, None]
        mixed = under + (shown[rows] - under) * weight
        result.paste(Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)), place)
    return result


def ground(part: Image.Image, at: tuple[int, int], frame: Size, *, blur: float = BLUR) -> Image.Image:
    """The quiet ground for a frame in which ``part`` stands at ``at``; the part itself is not on it yet."""
    result = Image.new("RGB", frame)
    small, rng = _small_ground(part, at, frame, blur), np.random.default_rng(1)
    for start in range(0, frame[1], BAND):
        rows = slice(start, min(start + BAND, frame[1]))
        band = _enlarged(small, frame, rows)
        band += rng.normal(0, GRAIN, band.shape[:2]).astype(np.float32)[..., None]
        result.paste(Image.fromarray(np.clip(band, 0, 255).astype(np.uint8)), (0, start))
    return result


def _carry_down(result: Image.Image, part: Image.Image, at: tuple[int, int]) -> None:
    """Lay the lower edge of the part over the ground, from where the part begins to fade down to the frame's end."""
    frame = result.size
    hem = part.crop((0, part.height - max(2, round(HEM * part.height)), *part.size))
    line = cv2.GaussianBlur(np.asarray(hem, np.float32).mean(axis=0)[None], (0, 0), part.width / 500)
    across = weights(at, part.size, frame)[0][None, :, None]
    fade, rng = _fade(frame), np.random.default_rng(2)
    start = at[1] + part.height - fade
    for top in range(max(0, start), frame[1], BAND):
        place = at[0], top, at[0] + part.width, min(top + BAND, frame[1])
        under = np.asarray(result.crop(place), np.float32)
        # It sets in softly, and is all there before the part has faded much.
        down = np.clip((np.arange(place[1], place[3], dtype=np.float32) - start) * 3 / fade, 0, 1)[:, None, None]
        band = under + (line - under) * across * down + rng.normal(0, GRAIN, (*under.shape[:2], 1)).astype(np.float32)
        result.paste(Image.fromarray(np.clip(band, 0, 255).astype(np.uint8)), place)


def _small_ground(part: Image.Image, at: tuple[int, int], frame: Size, blur: float) -> MatLike:
    """The blurred ground of a whole frame, small, as floating point RGB."""
    scale = min(1.0, SMALL / max(frame))
    size = max(2, round(frame[0] * scale)), max(2, round(frame[1] * scale))
    inner = max(1, round(part.width * scale)), max(1, round(part.height * scale))
    small = np.asarray(part.resize(inner, Image.Resampling.BOX))
    left, top = min(round(at[0] * scale), size[0] - 1), min(round(at[1] * scale), size[1] - 1)
    small = small[: max(1, size[1] - top), : max(1, size[0] - left)]
    pads = top, max(0, size[1] - top - small.shape[0]), left, max(0, size[0] - left - small.shape[1])
    spread = cv2.copyMakeBorder(small, *pads, cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(spread.astype(np.float32), (0, 0), blur, borderType=cv2.BORDER_REPLICATE)


def _enlarged(small: MatLike, frame: Size, rows: slice) -> MatLike:
    """Some rows of the ground at the frame's own size."""
    height, width = small.shape[:2]
    across = ((np.arange(frame[0], dtype=np.float32) + 0.5) * width / frame[0] - 0.5)[None, :]
    down = ((np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * height / frame[1] - 0.5)[:, None]
    shape = rows.stop - rows.start, frame[0]
    return cv2.remap(
        small,
        np.ascontiguousarray(np.broadcast_to(across, shape)),
        np.ascontiguousarray(np.broadcast_to(down, shape)),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def weights(at: tuple[int, int], part: Size, frame: Size) -> tuple[MatLike, MatLike]:
    """How much of the picture shows at each column and row: all, but for a fade at edges with ground beyond."""
    fade = _fade(frame)
    return _weight(at[0], part[0], frame[0], fade), _weight(at[1], part[1], frame[1], fade)


def _fade(frame: Size) -> int:
    return max(1, round(FADE * min(frame)))


def _weight(start: int, length: int, whole: int, fade: int) -> MatLike:
    weight = np.ones(length, np.float32)
    fade = min(fade, max(1, length // 4))
    ramp = (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, fade + 2)[1:-1])).astype(np.float32)
    if start > 0:
        weight[:fade] *= ramp
    if start + length < whole:
        weight[-fade:] *= ramp[::-1]
    return weight
