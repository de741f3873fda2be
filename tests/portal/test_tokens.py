"""Every pair of colours that meets on a page can be read, and dark is dark whoever asked for it."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "static" / "css"
TOKENS = (CSS / "tokens.css").read_text()


def colours(selector: str) -> dict[str, str]:
    block = TOKENS.split(selector + " {", 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


LIGHT = colours(":root")
DARK = LIGHT | colours(':root[data-theme="dark"]')

TEXT = [
    *((ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in ("paper", "sheet", "well")),
    *((ink, ground) for ink in ("leaf", "amber", "red") for ground in ("paper", "sheet", "well")),
    ("leaf", "leaf-2"), ("ink", "leaf-2"), ("ink-2", "leaf-2"), ("amber", "amber-2"), ("red", "red-2"),
    ("on-leaf", "leaf"), ("on-leaf", "leaf-press"), ("on-red", "red"), ("on-red", "red-press"),
]  # fmt: skip
# Edges of what is filled in, the bar's fill on its track, the ring of what is focused.
DRAWN = [("edge", "sheet"), ("edge", "paper"), ("leaf", "line"), ("leaf", "paper"), ("leaf", "sheet"), ("red", "sheet")]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_has_the_contrast_that_wcag_aa_asks(theme, ink, ground):
    assert contrast(theme[ink], theme[ground]) >= 4.5, round(contrast(theme[ink], theme[ground]), 2)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("edge", "ground"), DRAWN)
def test_what_is_drawn_stands_out_from_its_ground(theme, edge, ground):
    assert contrast(theme[edge], theme[ground]) >= 3, round(contrast(theme[edge], theme[ground]), 2)


def test_dark_by_the_system_is_dark_by_choice():
    assert colours(':root:not([data-theme="light"])') == colours(':root[data-theme="dark"]')


def test_no_other_sheet_names_a_colour():
    for sheet in CSS.glob("*.css"):
        if sheet.name in ("tokens.css", "print.css"):  # paper is white
            continue
        values = " ".join(re.findall(r"[\w-]+:([^;{}]*)[;}]", sheet.read_text()))
        assert not re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsl", values), sheet.name


def test_every_name_in_use_is_a_token():
    for sheet in CSS.glob("*.css"):
        for name in set(re.findall(r"var\((--[\w-]+)", sheet.read_text())):
            assert f"{name}:" in TOKENS, (sheet.name, name)
