"""What is made of an approved picture: which files, cut how, with which mark. Videos: `orders.finishing.video`."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image

from orders.finishing import backgrounds, cutting, faults, marks, pdf, ribbons, sheets, signing
from orders.finishing.cutting import Crop, Head, Size, Wish
from orders.finishing.metadata import srgb, xmp
from orders.finishing.prints import DPI, SCENE, STRETCH, Preset

QUALITY = 95
PREVIEW = 1280
# The screens of a hall (M): wide over the altar, tall in the corridor.
WIDE, TALL = (1920, 1080), (1080, 1920)
SCREENS: dict[str, tuple[Size, Promise]] = {
    "screen-wide": (WIDE, _("가로 화면")),
    "screen-tall": (TALL, _("세로 화면")),
}
SHEET = _("미리보기")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A finished, marked and signed file; ``words`` end its name, ``preview`` is a WebP of at most 1280 pixels."""

    variant: str
    words: str
    media_type: str
    suffix: str
    data: bytes
    preview: bytes
    width: int
    height: int
    duration_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class Source:
    """An approved picture as it is cut, in sRGB. ``face``: [left, top, width, height] as fractions, if it is known."""

    product_key: str
    picture: Image.Image
    face: Sequence[float] | None = None
    wish: Wish = field(default_factory=Wish)

    @property
    def head(self) -> Head | None:
        return Head.of(self.face, self.picture.size)

    @property
    def remarks(self) -> list[str]:
        return [faults.NO_FACE] if self.product_key == "portrait" and self.head is None else []


def stretched(source: Source, presets: Sequence[Preset]) -> list[Preset]:
    """The prints for which the picture has too few pixels."""
    return [
        each for each in _printed(source, presets) if each.pixels[1] > STRETCH * print_crop(source, each.pixels).height
    ]


def _printed(source: Source, presets: Sequence[Preset]) -> Sequence[Preset]:
    return [SCENE] if source.product_key == "life_scene" else presets


def count(source: Source, presets: Sequence[Preset]) -> int:
    """How many pieces `of_picture` makes."""
    prints = _printed(source, presets)
    return len(prints) + sum(preset.with_pdf for preset in prints) + len(SCREENS) + (source.product_key == "portrait")


def of_picture(source: Source, presets: Sequence[Preset]) -> Iterator[Piece]:
    """Every file of a portrait or a life scene, one after the other: a print of 14 megapixels takes a second or two."""
    shown = []
    for preset in _printed(source, presets):
        cut = cut_print(source, preset.pixels)
        yield (piece := _jpeg(source, cut, f"print-{preset.key}", _plain(preset), dpi=DPI))
        if preset.with_pdf:
            yield _pdf(source, preset, piece)
        shown.append(_small(cut, preset.millimetres))
    for variant, (frame, label) in SCREENS.items():
        cut = cut_screen(source, frame)
        yield _jpeg(source, cut, variant, str(label), dpi=None)
        shown.append(_small(cut, f"{frame[0]}×{frame[1]}"))
    if source.product_key == "portrait":
        page = sheets.sheet(shown)
        marks.mark_for(page, marks.SCREEN).put(page)
        yield _jpeg(source, page, "sheet", str(SHEET), dpi=sheets.DPI)


def cut_print(source: Source, frame: Size) -> Image.Image:
    """A print with its mark, ribbon and all, in ``frame`` pixels."""
    is_portrait = source.product_key == "portrait"
    crop = print_crop(source, frame)
    return _cut(source, crop, frame, marks.PORTRAIT if is_portrait else marks.SCENE)


def print_crop(source: Source, frame: Size) -> Crop:
    size, ratio = source.picture.size, frame[0] / frame[1]
    if source.product_key != "portrait":
        return cutting.cover(source.head, size, ratio)
    return cutting.around_head(source.head or Head.assumed(size), size, ratio, source.wish)


def cut_screen(source: Source, frame: Size) -> Image.Image:
    return _cut(source, screen_crop(source, frame), frame, marks.SCREEN)


def screen_crop(source: Source, frame: Size) -> Crop:
    size, ratio = source.picture.size, frame[0] / frame[1]
    if source.product_key == "portrait":
        return cutting.around_head(source.head or Head.assumed(size), size, ratio, source.wish)
    return cutting.cover_or_contain(source.head, size, ratio)


def _cut(source: Source, crop: Crop, frame: Size, style: marks.Style) -> Image.Image:
    cut = backgrounds.cut(source.picture, crop, frame, is_scene=source.product_key == "life_scene")
    if source.wish.ribbon and source.product_key == "portrait":
        ribbons.draw(cut)
    faces = [crop.placed(source.face, source.picture.size, frame)] if source.face else []
    marks.mark_for(cut, style, faces).put(cut)
    return cut


def _jpeg(source: Source, cut: Image.Image, variant: str, words: str, *, dpi: int | None) -> Piece:
    return still(source.product_key, cut, variant, words, dpi=dpi)


def still(product_key: str, cut: Image.Image, variant: str, words: str, *, dpi: int | None = None) -> Piece:
    """A marked picture as a signed JPEG."""
    target = io.BytesIO()
    resolution = {} if dpi is None else {"dpi": (dpi, dpi)}
    cut.save(
        target,
        "JPEG",
        quality=QUALITY,
        subsampling="4:4:4",
        icc_profile=srgb(),
        xmp=xmp(product_key),
        **resolution,
    )
    return Piece(
        variant=variant,
        words=words,
        media_type="image/jpeg",
        suffix=".jpg",
        data=signing.sign(target.getvalue(), "image/jpeg", product_key=product_key),
        preview=preview_of(cut, product_key),
        width=cut.width,
        height=cut.height,
    )


def _pdf(source: Source, preset: Preset, picture: Piece) -> Piece:
    size: tuple[Decimal, Decimal] = preset.width, preset.height
    data = pdf.page(picture.data, (picture.width, picture.height), size, xmp(source.product_key))
    return Piece(
        variant=f"pdf-{preset.key}",
        words=picture.words,
        media_type="application/pdf",
        suffix=".pdf",
        data=signing.sign(data, "application/pdf", product_key=source.product_key),
        preview=picture.preview,
        width=picture.width,
        height=picture.height,
    )


def preview_of(picture: Image.Image, product_key: str) -> bytes:
    """The still that a page shows: of the marked picture, so marked as well; and signed, as a long press saves it."""
    small = (
        picture.copy() if max(picture.size) <= PREVIEW else picture.reduce(max(1, max(picture.size) // PREVIEW // 2))
    )
    small.thumbnail((PREVIEW, PREVIEW), Image.Resampling.LANCZOS)
    target = io.BytesIO()
    small.save(target, "WEBP", quality=86, method=4, xmp=xmp(product_key))
    return signing.sign(target.getvalue(), "image/webp", product_key=product_key)


def _small(picture: Image.Image, caption: str) -> sheets.Shown:
    small = picture.reduce(max(1, max(picture.size) // 1400))
    return sheets.Shown(small, caption)


def _plain(preset: Preset) -> str:
    """How the size is said in a file's name: letters that every system and print shop takes."""
    return str(preset.label).replace("×", "x")
