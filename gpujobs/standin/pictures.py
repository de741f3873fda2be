"""What a sampler would have made: a sample picture out of the photo that it was given, before a painted background."""

import hashlib
import math
import random
import re
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from . import faces
from .values import Pictures, Size

Colour = tuple[int, int, int]
STUDIO_WORDS = ("studio", "plain background", "solid background", "seamless", "id photo", "id_photo", "backdrop")
COLOURS: dict[str, Colour] = {
    "ivory": (238, 232, 218),
    "beige": (222, 208, 186),
    "white": (240, 240, 238),
    "gray": (176, 180, 182),
    "grey": (176, 180, 182),
    "blue": (150, 172, 196),
    "navy": (52, 66, 92),
    "green": (150, 170, 150),
    "brown": (150, 126, 104),
    "pink": (226, 200, 196),
    "black": (40, 40, 42),
}
PLAIN: Colour = (196, 196, 190)
PREVIEW_SIDE = 512


@dataclass(frozen=True)
class Taste:
    """What a seed decides: small, but enough to tell candidates apart."""

    zoom: float
    shift: float
    warmth: float
    light: float

    @classmethod
    def of(cls, seed: int) -> "Taste":
        dice = random.Random(seed)  # noqa: S311 a picture's look, nothing secret
        return cls(
            zoom=1 + dice.uniform(-0.05, 0.05),
            shift=dice.uniform(-0.02, 0.02),
            warmth=dice.uniform(-0.07, 0.07),
            light=1 + dice.uniform(-0.06, 0.06),
        )

    def toned(self, image: Image.Image) -> Image.Image:
        red, green, blue = image.convert("RGB").split()
        warm = Image.merge(
            "RGB",
            (
                red.point(lambda value: int(value * (1 + self.warmth))),
                green,
                blue.point(lambda value: int(value * (1 - self.warmth))),
            ),
        )
        return ImageEnhance.Brightness(warm).enhance(self.light)


def composed(photo: Image.Image, size: Size, text: str, seed: int) -> Image.Image:
    """The photo's person before a plain backdrop (a studio prompt) or a painted scene (any other)."""
    taste = Taste.of(seed)
    is_studio = any(word in text.lower() for word in STUDIO_WORDS)
    backdrop = _studio(size, text) if is_studio else _scene(size, text, seed)
    face_height = (0.36 if is_studio else 0.3) * taste.zoom * size[1]
    x = (0.5 + taste.shift * (1 if is_studio else 6)) * size[0]
    person, mask = _placed(photo, size, face_height, x, lowest=0.46 if is_studio else 0.62)
    backdrop.paste(taste.toned(person), (0, 0), mask)
    return backdrop


def retouched(image: Image.Image, size: Size, seed: int) -> Image.Image:
    """Image to image: the same picture in the seed's tone."""
    return Taste.of(seed).toned(image.resize(size, Image.Resampling.LANCZOS))


def imagined(size: Size, text: str, seed: int) -> Image.Image:
    """No photo was given: a soft field of colour."""
    return _scene(size, text, seed)


def moving(still: Image.Image, size: Size, count: int, seed: int) -> Pictures:
    """A quiet breath: the picture comes closer by 3 % and sways by less than a pixel in a hundred, smoothly."""
    base = Pictures.of([still.convert("RGB")]).filled(size).frame(0)
    phase = random.Random(seed).uniform(0, math.tau)  # noqa: S311 a picture's look, nothing secret
    width, height = size

    def frame(index: int) -> Image.Image:
        t = index / max(1, count - 1)
        scale = 1 - 0.03 * (1 - math.cos(math.pi * t)) / 2
        sway = 0.006 * (math.sin(math.tau * t + phase) - math.sin(phase))
        left = width * ((1 - scale) / 2 + sway * scale)
        top = height * (1 - scale) * 0.4
        coefficients = (scale, 0, left, 0, scale, top)
        return base.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)

    return Pictures.drawn(count, size, frame, label=f"#{seed % 10000:04}")


def preview_of(image: Image.Image, done: float) -> Image.Image:
    """How far the sampler has come: blurred at first; the longer side 512 pixels, whatever the picture's."""
    sketch = ImageOps.contain(image, (PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BILINEAR)
    return sketch.filter(ImageFilter.GaussianBlur(24 * (1 - done)))


def _studio(size: Size, text: str) -> Image.Image:
    before = re.search(r"((?:[\w-]+ ){1,5})(?:backdrop|background)", text.lower())
    words = re.findall(r"[a-z]+", before[1]) if before else []
    middle = next((COLOURS[word] for word in reversed(words) if word in COLOURS), PLAIN)
    edge = tuple(int(value * 0.78) for value in middle)
    glow = Image.radial_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, edge), Image.new("RGB", size, middle), glow)


def _scene(size: Size, text: str, seed: int) -> Image.Image:
    """A sky, a ground and some lights; the prompt chooses the colours, the seed places the lights."""
    digest = hashlib.sha256(text.encode()).digest()
    sky = tuple(110 + value % 110 for value in digest[:3])
    ground = tuple(60 + value % 90 for value in digest[3:6])
    fade = Image.linear_gradient("L").resize(size)
    picture = Image.composite(Image.new("RGB", size, ground), Image.new("RGB", size, sky), fade)
    dice = random.Random(seed)  # noqa: S311 a picture's look, nothing secret
    lights = Image.new("RGB", size, (0, 0, 0))
    pen = ImageDraw.Draw(lights)
    for _ in range(14):
        radius = dice.uniform(0.02, 0.09) * min(size)
        x, y = dice.uniform(0, size[0]), dice.uniform(0, size[1] * 0.8)
        glow = dice.randint(20, 70)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(glow, glow, int(glow * 0.8)))
    return ImageChops.add(picture, lights.filter(ImageFilter.GaussianBlur(min(size) / 60)))


def _placed(
    photo: Image.Image, size: Size, face_height: float, x: float, lowest: float
) -> tuple[Image.Image, Image.Image]:
    """The person of the photo laid into a picture of this size, and the mask of where the person is.

    face_height and x (the face's middle) are wishes in pixels: a photo that ends above the picture's lower edge is
    moved down until the face is at `lowest`, then enlarged, so that nobody floats.
    """
    left, top, width, height = faces.find(photo) or _middle_of(photo)
    cut_out = faces.cut_out(photo, (left, top, width, height))
    below = photo.height - (top + height / 2)
    scale = face_height / height
    y = min(max(0.43 * size[1], size[1] - below * scale), lowest * size[1])
    scale = max(scale, (size[1] - y) / below)
    origin = (left + width / 2 - x / scale, top + height / 2 - y / scale)
    laid = (1 / scale, 0, origin[0], 0, 1 / scale, origin[1])
    person = photo.convert("RGB").transform(size, Image.Transform.AFFINE, laid, Image.Resampling.BICUBIC)
    return person, cut_out.transform(size, Image.Transform.AFFINE, laid, Image.Resampling.BILINEAR)


def _middle_of(photo: Image.Image) -> faces.Box:
    return photo.width // 4, photo.height // 6, photo.width // 2, photo.height // 2
