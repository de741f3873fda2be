"""What a family chooses from: smaller than the picture, with words drawn through it and the AI mark beside."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw

from orders import files
from orders.finishing import marks
from orders.finishing.marks import font
from orders.finishing.metadata import xmp
from orders.models import Candidate

WORDS = "확인용"
# Long side in pixels: enough to see the likeness on a phone, too few to be printed.
LONGEST = 900
# Of 255. The lines cross the face too, so that it cannot be cut out; this thin they leave its look alone.
_SOLID = 72
_QUALITY = 80


def make(candidate: Candidate) -> tuple[str, int, int]:
    """Draw and keep the proof; its name in the default storage, width and height. Raises OSError."""
    with Image.open(files.path_of(candidate.preview)) as still:
        picture = marked(still.convert("RGB"))
    faces = [_in_pixels(candidate.face, picture.size)] if candidate.face else []
    marks.mark_for(picture, marks.SCREEN, faces).put(picture)
    target = BytesIO()
    picture.save(target, "WEBP", quality=_QUALITY, xmp=xmp(candidate.item.product_key))
    files.write(name_of(candidate), target.getvalue())
    return name_of(candidate), *picture.size


def _in_pixels(face: Sequence[float], size: tuple[int, int]) -> marks.Box:
    left, top, width, height = face
    return left * size[0], top * size[1], (left + width) * size[0], (top + height) * size[1]


def name_of(candidate: Candidate) -> str:
    return f"{candidate.folder}/proof.webp"


def marked(still: Image.Image) -> Image.Image:
    """The picture at most LONGEST pixels long, with the words slanting across all of it."""
    picture = still.copy()
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    width, height = picture.size
    letters = font(max(24, round(0.085 * min(width, height))))
    left, top, right, bottom = letters.getbbox(WORDS)
    step_x, step_y = round(1.8 * (right - left)), round(2.4 * (bottom - top))
    # Drawn on a square that covers the picture however it is turned.
    side = round((width**2 + height**2) ** 0.5) + step_x
    sheet = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    # Light with a dark edge: seen on a white ground and on black hair alike.
    light, edge = (255, 255, 255, _SOLID), (0, 0, 0, 40)
    pen = ImageDraw.Draw(sheet)
    for row, y in enumerate(range(0, side, step_y)):
        for x in range(-(row % 2) * step_x // 2, side, step_x):
            pen.text((x, y), WORDS, font=letters, fill=light, stroke_width=1, stroke_fill=edge)
    turned = sheet.rotate(30, Image.Resampling.BICUBIC)
    corner = (side - width) // 2, (side - height) // 2
    turned = turned.crop((*corner, corner[0] + width, corner[1] + height))
    picture.paste(turned, (0, 0), turned)
    return picture
