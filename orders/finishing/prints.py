"""The print sizes: the usual ones, and what a home made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gpujobs.workflows.portrait import spec as portrait
from gpujobs.workflows.print_master import spec as print_master
from orders.finishing import cutting
from orders.models import PrintPreset
from portal.models import FuneralHome

DPI = 300
# Enlarged beyond the pixels that are there by more than this, a print is seen to be softer than its 300 dpi.
STRETCH = 1.05
# A portrait as `print_master` leaves it.
MASTER = (portrait.WIDTH * print_master.SCALE, portrait.HEIGHT * print_master.SCALE)
_MM_PER_INCH = Decimal("25.4")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Width and height in millimetres; ``key`` names the files, ``label`` is what people call it."""

    key: str
    label: str | Promise
    width: Decimal
    height: Decimal
    is_wanted: bool = True
    with_pdf: bool = False

    @property
    def pixels(self) -> tuple[int, int]:
        return round(self.width / _MM_PER_INCH * DPI), round(self.height / _MM_PER_INCH * DPI)

    @property
    def millimetres(self) -> str:
        return f"{self.width:.0f}×{self.height:.0f} mm"

    @property
    def is_beyond_a_master(self) -> bool:
        """Whether a portrait's master, its head where the workflow puts it, has too few pixels for it."""
        width, height = self.pixels
        crop = cutting.around_head(cutting.Head.assumed(MASTER), MASTER, width / height, cutting.Wish())
        return height > STRETCH * crop.height

    @property
    def is_own(self) -> bool:
        return self.key.startswith("own-")


def _inches(width: str, height: str) -> tuple[Decimal, Decimal]:
    return Decimal(width) * _MM_PER_INCH, Decimal(height) * _MM_PER_INCH


def _usual(key: str, label: Promise, size: tuple[Decimal, Decimal], *, is_wanted: bool = False) -> Preset:
    return Preset(key=key, label=label, width=size[0], height=size[1], is_wanted=is_wanted)


# What halls and print shops ask for; the first is what hangs above most altars.
USUAL = (
    _usual("11x14", _("11×14인치"), _inches("11", "14"), is_wanted=True),
    _usual("8x10", _("8×10인치"), _inches("8", "10"), is_wanted=True),
    _usual("10x13", _("10×13인치"), _inches("10", "13")),
    _usual("a4", _("A4"), (Decimal(210), Decimal(297))),
    _usual("5x7", _("5×7인치"), _inches("5", "7"), is_wanted=True),
    _usual("3.5x5", _("3.5×5인치"), _inches("3.5", "5")),
)
# A life scene is made broad and printed in one size.
SCENE = _usual("10x8", _("10×8인치"), _inches("10", "8"), is_wanted=True)


def presets_of(home: FuneralHome) -> list[Preset]:
    """The usual sizes as the home switched them, then its own."""
    kept = {row.key: row for row in PrintPreset.objects.filter(home=home)}
    usual = [_as_kept(preset, kept.pop(preset.key, None)) for preset in USUAL]
    return usual + [
        Preset(
            key=row.key,
            label=row.label,
            width=row.width,
            height=row.height,
            is_wanted=row.is_wanted,
            with_pdf=row.with_pdf,
        )
        for row in kept.values()
    ]


def _as_kept(preset: Preset, row: PrintPreset | None) -> Preset:
    return preset if row is None else replace(preset, is_wanted=row.is_wanted, with_pdf=row.with_pdf)


def wanted(home: FuneralHome) -> Sequence[Preset]:
    """What is made for this home's portraits. One size at least: an order without a print is never meant."""
    return [preset for preset in presets_of(home) if preset.is_wanted] or [USUAL[0]]
