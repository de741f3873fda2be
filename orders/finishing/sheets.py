"""The preview sheet: every cut of a picture on one page with its size, to look at before anything is printed."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from orders.finishing.marks import font

# A4 upright at 150 dpi.
SIZE, DPI = (1240, 1754), 150
MARGIN, GAP, CAPTION = 70, 40, 60
PAPER, INK, EDGE = (255, 255, 255), (40, 42, 40), (214, 214, 210)
COLUMNS = 3


@dataclass(frozen=True)
class Shown:
    """A small picture; ``caption`` uses only letters of the shipped font, so no name that a home chose."""

    picture: Image.Image
    caption: str


def sheet(shown: Sequence[Shown]) -> Image.Image:
    page = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(page)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    wide = (SIZE[0] - 2 * MARGIN - (columns - 1) * GAP) // columns
    tall = (SIZE[1] - 2 * MARGIN - CAPTION - (rows - 1) * GAP) // rows
    letters = font(26 if columns > 1 else 32)
    for number, each in enumerate(shown):
        left, top = MARGIN + number % columns * (wide + GAP), MARGIN + number // columns * (tall + GAP)
        small = each.picture.copy()
        small.thumbnail((wide, tall - CAPTION), Image.Resampling.LANCZOS)
        at = left + (wide - small.width) // 2, top + (tall - CAPTION - small.height) // 2
        page.paste(small, at)
        pen.rectangle((at[0] - 1, at[1] - 1, at[0] + small.width, at[1] + small.height), outline=EDGE)
        across = pen.textlength(each.caption, font=letters)
        pen.text((left + (wide - across) / 2, at[1] + small.height + 14), each.caption, font=letters, fill=INK)
    return page
