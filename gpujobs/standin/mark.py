"""The sample mark: 견본 SAMPLE on everything the stand-in makes. The two syllables are drawn, so no font is needed."""

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Stroke = tuple[tuple[float, float], ...]
# Each syllable in a square from 0 to 1: ㄱ ㅕ ㄴ, then ㅂ ㅗ ㄴ.
GYEON: tuple[Stroke, ...] = (
    ((0.08, 0.13), (0.43, 0.13), (0.41, 0.29), (0.31, 0.44), (0.07, 0.57)),
    ((0.83, 0.04), (0.83, 0.63)),
    ((0.58, 0.21), (0.83, 0.21)),
    ((0.56, 0.42), (0.83, 0.42)),
    ((0.24, 0.66), (0.24, 0.93), (0.87, 0.93)),
)
BON: tuple[Stroke, ...] = (
    ((0.25, 0.04), (0.25, 0.41)),
    ((0.75, 0.04), (0.75, 0.41)),
    ((0.25, 0.22), (0.75, 0.22)),
    ((0.25, 0.41), (0.75, 0.41)),
    ((0.50, 0.41), (0.50, 0.58)),
    ((0.07, 0.58), (0.93, 0.58)),
    ((0.24, 0.69), (0.24, 0.94), (0.82, 0.94)),
)
THICKNESS = 0.095
WIDEST = "SAMPLE #0000"
SMOOTHING = 4


def draw_syllable(strokes: tuple[Stroke, ...], side: int) -> Image.Image:
    """An L picture, white on black, `side` pixels square."""
    big = side * SMOOTHING
    canvas = Image.new("L", (big, big), 0)
    pen = ImageDraw.Draw(canvas)
    width = max(1, round(big * THICKNESS))
    margin = width / 2
    span = big - 2 * margin
    for stroke in strokes:
        points = [(margin + x * span, margin + y * span) for x, y in stroke]
        pen.line(points, fill=255, width=width, joint="curve")
        for x, y in points:
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return canvas.resize((side, side), Image.Resampling.LANCZOS)


@lru_cache(maxsize=16)
def plate(size: tuple[int, int], label: str) -> Image.Image:
    """The mark for a picture of this size: RGBA, a dark plate with 견본 SAMPLE and the label.

    Opaque and equally wide with any label, so that it covers the mark of a sample that was sent in again.
    """
    letter = max(10, round(min(size) * 0.05))
    font = ImageFont.load_default(round(letter * 1.05))
    text = f"SAMPLE {label}".strip()
    text_width = round(font.getlength(WIDEST))
    pad = letter // 2
    width, height = 2 * letter + letter // 6 + pad + text_width + 2 * pad, letter + pad * 2
    mark = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(mark)
    pen.rounded_rectangle((0, 0, width - 1, height - 1), radius=height // 4, fill=(34, 36, 34, 255))
    for index, strokes in enumerate((GYEON, BON)):
        white = Image.new("RGBA", (letter, letter), (255, 255, 255, 255))
        left = pad + index * (letter + letter // 6)
        mark.paste(white, (left, pad), draw_syllable(strokes, letter))
    middle = pad * 2 + 2 * letter + letter // 6 + text_width / 2
    pen.text((middle, height / 2), text, fill=(255, 255, 255, 255), font=font, anchor="mm")
    if width > size[0]:
        mark = mark.resize((size[0], max(1, height * size[0] // width)))
    return mark


def marked(image: Image.Image, label: str) -> Image.Image:
    """A copy with the plate in the middle near the lower edge, where a crop to a print size keeps it."""
    mark = plate(image.size, label)
    result = image.convert("RGB")
    left = (image.width - mark.width) // 2
    top = max(0, image.height - mark.height - round(image.height * 0.07))
    result.paste(mark, (left, top), mark)
    return result
