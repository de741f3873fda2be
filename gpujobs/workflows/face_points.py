"""Draws the head pose InstantID is to follow: five key points of a face, on black.

The format is the one InstantID's ControlNet was trained on: left eye red, right eye green, nose blue, left mouth
corner yellow, right mouth corner magenta (left and right as seen by the viewer), discs of 10 pixels, each joined
to the nose by a limb at 60 % brightness. No face is found in such a picture, and ComfyUI_InstantID then takes the
picture itself as the pose.
"""

import io
import math
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255))
DISC = 10
LIMB = 9
# A neutral adult face in units of the distance between the pupils, seen from the front: right, down and towards the
# viewer from the middle between the eyes. Across and down follow the mean face that face recognisers align to.
FACE = ((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.57, 0.45), (-0.415, 1.155, 0.05), (0.415, 1.155, 0.05))


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Where a face is in the picture and where it looks.

    ``x`` and ``y``: the middle between the eyes, as fractions of the picture. ``pupils``: their distance as a
    fraction of the picture's height; an adult's head is about 3.5 times that high. ``turn``: degrees, positive
    towards the viewer's right; ``nod``: degrees, positive downwards.
    """

    x: float
    y: float
    pupils: float
    turn: float = 0
    nod: float = 0

    def points(self, width: int, height: int) -> list[tuple[float, float]]:
        turn, nod, scale = math.radians(self.turn), math.radians(self.nod), self.pupils * height
        placed = []
        for right, down, near in FACE:
            x = right * math.cos(turn) + near * math.sin(turn)
            depth = near * math.cos(turn) - right * math.sin(turn)
            y = down * math.cos(nod) + depth * math.sin(nod)
            placed.append((self.x * width + x * scale, self.y * height + y * scale))
        return placed


@cache
def draw(pose: Pose, width: int, height: int) -> bytes:
    """A PNG of that size."""
    picture = Image.new("RGB", (width, height))
    pen = ImageDraw.Draw(picture)
    points = pose.points(width, height)
    nose = points[2]
    for point, colour in zip(points, COLOURS, strict=True):
        red, green, blue = (round(part * 0.6) for part in colour)
        pen.line([point, nose], fill=(red, green, blue), width=LIMB)
    for (x, y), colour in zip(points, COLOURS, strict=True):
        pen.ellipse((x - DISC, y - DISC, x + DISC, y + DISC), fill=colour)
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()
