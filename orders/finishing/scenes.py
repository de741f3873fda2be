"""What stays the same from frame to frame of a finished video: where it lies, the ground around it, the mark."""

from collections.abc import Sequence
from dataclasses import dataclass

import av
import cv2
import numpy as np
from cv2.typing import MatLike
from PIL import Image

from orders.finishing import backgrounds, clips, cutting, marks
from orders.finishing.clips import Plane, Planes
from orders.finishing.cutting import Head, Size

Rect = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Over:
    """Something laid over a part of each frame: ``share`` of it shows, plane by plane, and the rest is what was there.

    ``at``: left, top, right, bottom in pixels of the frame, all even, so that colour is cut where brightness is.
    """

    at: Rect
    picture: Planes
    share: tuple[MatLike, MatLike, MatLike]

    @classmethod
    def of(cls, at: Rect, picture: Planes, share: MatLike) -> "_Over":
        half = cv2.resize(share, (share.shape[1] // 2, share.shape[0] // 2), interpolation=cv2.INTER_AREA)
        return cls(at, picture, (share, half, half))

    def lay(self, planes: Planes) -> None:
        for plane, over, share, at in zip(planes, self.picture, self.share, _each(self.at), strict=True):
            under = _part(plane, at)
            under[:] = cv2.blendLinear(over, under, share, 1 - share)


class Scene:
    """One frame size of one video, ready to be shown frame by frame."""

    def __init__(self, first: Planes, face: Sequence[float] | None, frame: Size) -> None:
        size = first[0].shape[1], first[0].shape[0]
        crop = cutting.cover_or_contain(Head.of(face, size), size, frame[0] / frame[1])
        self._frame = frame
        self._from = _even(crop.inside(size), size)
        self._to = _even(backgrounds.landing(size, crop, frame), frame)
        self._under: Planes | None = None
        self._overs: list[_Over] = []
        if self._to != (0, 0, *frame):
            self._add_ground(first)
        self.poster = clips.to_rgb(clips.views(self.show(first)))
        faces = [crop.placed(face, size, frame)] if face else []
        mark = marks.mark_for(self.poster, marks.VIDEO, faces)
        mark.put(self.poster)
        self._overs.append(_of_mark(mark, frame))

    def show(self, planes: Planes) -> av.VideoFrame:
        shown = clips.blank(self._frame)
        made = clips.views(shown)
        if self._under is not None:
            for plane, under in zip(made, self._under, strict=True):
                plane[:] = under
        for plane, given, source, target in zip(made, planes, _each(self._from), _each(self._to), strict=True):
            under = _part(plane, target)
            under[:] = clips.resized(_part(given, source), (under.shape[1], under.shape[0]))
        for over in self._overs:
            over.lay(made)
        return shown

    def _add_ground(self, first: Planes) -> None:
        """Only the edges that fade into the ground are mixed; the rest is the frame as it is."""
        x0, y0, x1, y1 = self._to
        part = clips.to_rgb(clips.of_each(_cut(first, self._from), np.ascontiguousarray)).resize((x1 - x0, y1 - y0))
        self._under = clips.from_rgb(backgrounds.ground(part, (x0, y0), self._frame))
        across, down = backgrounds.weights((x0, y0), part.size, self._frame)
        shown = down[:, None] * across[None, :]
        for rows, columns in _fading(across, down):
            at = x0 + columns.start, y0 + rows.start, x0 + columns.stop, y0 + rows.stop
            ground = clips.of_each(_cut(self._under, at), np.ascontiguousarray)
            self._overs.append(_Over.of(at, ground, np.ascontiguousarray(1 - shown[rows, columns])))


def _of_mark(mark: marks.Mark, frame: Size) -> _Over:
    """The mark on a box of even sides: drawn once, laid over every frame."""
    at = _even(mark.box, frame)
    picture = Image.new("RGBA", (at[2] - at[0], at[3] - at[1]), (*mark.colour, 0))
    picture.paste(mark.picture, (mark.at[0] - at[0], mark.at[1] - at[1]))
    share = np.asarray(picture.getchannel("A"), np.float32) / 255
    return _Over.of(at, clips.from_rgb(picture.convert("RGB")), share)


def _fading(across: MatLike, down: MatLike) -> list[tuple[slice, slice]]:
    """Rows and columns of the edges whose weight is below one. The whole of a video is shown with ground at two sides,
    so these are its first and last columns or its first and last rows."""
    return [(slice(0, len(down)), end) for end in _ends(across)] + [(end, slice(0, len(across))) for end in _ends(down)]


def _ends(weight: MatLike) -> list[slice]:
    whole, half = len(weight), len(weight) // 2
    first, last = int((weight[:half] < 1).sum()), int((weight[half:] < 1).sum())
    ends = slice(0, first + first % 2), slice(whole - last - last % 2, whole)
    return [end for end in ends if end.start != end.stop]


def _even(box: Sequence[float], size: Size) -> Rect:
    """The box with its sides at even pixels, and never empty."""
    left, top = (2 * int(max(0, side) / 2) for side in box[:2])
    right, bottom = (2 * -int(-side // 2) for side in box[2:])
    whole = size[0] - size[0] % 2, size[1] - size[1] % 2
    right, bottom = max(left + 2, min(right, whole[0])), max(top + 2, min(bottom, whole[1]))
    return left, top, right, bottom


def _each(box: Rect) -> tuple[Rect, Rect, Rect]:
    """The box on the plane of brightness and on those of colour."""
    left, top, right, bottom = (side // 2 for side in box)
    return box, (left, top, right, bottom), (left, top, right, bottom)


def _part(plane: Plane, box: Rect) -> Plane:
    left, top, right, bottom = box
    return plane[top:bottom, left:right]


def _cut(planes: Planes, box: Rect) -> Planes:
    y, u, v = (_part(plane, part) for plane, part in zip(planes, _each(box), strict=True))
    return y, u, v
