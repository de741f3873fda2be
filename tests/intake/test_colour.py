"""Colours mean the same after intake as before, whatever space they came in."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageCms

from orders.intake import Received
from tests.intake.conftest import stored
from tests.intake.pictures import heic, picture, saved, srgb_profile, wide_gamut_profile

TakeIn = Callable[[bytes], Received]

# A skin tone in sRGB and the numbers that Display P3 has for it, computed from the published matrices (linear light:
# P3 = M(XYZ→P3) · M(sRGB→XYZ) · sRGB; both curves are sRGB's).
SKIN_SRGB, SKIN_P3 = (224, 172, 140), (216, 174, 145)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_display_p3_becomes_srgb(take_in: TakeIn, file_format: str) -> None:
    options = {"quality": 100} | ({"chroma": 444} if file_format == "HEIF" else {})
    data = saved(Image.new("RGB", (64, 64), SKIN_P3), file_format, icc_profile=wide_gamut_profile(), **options)

    assert stored(take_in(data).master).getpixel((30, 30)) == pytest.approx(SKIN_SRGB, abs=3)


def test_what_srgb_cannot_show_is_held_at_its_edge(take_in: TakeIn) -> None:
    data = saved(Image.new("RGB", (64, 64), (255, 0, 0)), "PNG", icc_profile=wide_gamut_profile())

    assert stored(take_in(data).master).getpixel((30, 30)) == pytest.approx((255, 0, 0), abs=3)


def test_srgb_stays_srgb(take_in: TakeIn) -> None:
    data = saved(Image.new("RGB", (64, 64), SKIN_SRGB), "PNG", icc_profile=srgb_profile())

    assert stored(take_in(data).master).getpixel((30, 30)) == pytest.approx(SKIN_SRGB, abs=2)


def _cut(profile: bytes) -> bytes:
    return profile[: len(profile) // 2]


def _holed(profile: bytes) -> bytes:
    return profile[:300] + b"\xff" * 120 + profile[420:]


@pytest.mark.parametrize("profile", [b"not a profile", b"\0" * 200, _cut(wide_gamut_profile()), _holed(srgb_profile())])
def test_a_broken_profile_is_left_aside(take_in: TakeIn, profile: bytes) -> None:
    data = saved(Image.new("RGB", (64, 64), SKIN_SRGB), "JPEG", quality=100, icc_profile=profile)

    red, green, blue = stored(take_in(data).master).getpixel((30, 30))

    assert red > green > blue > 60


def test_a_profile_for_another_kind_of_picture_is_left_aside(take_in: TakeIn) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    data = saved(Image.new("RGB", (64, 64), SKIN_SRGB), "PNG", icc_profile=lab)

    assert stored(take_in(data).master).getpixel((30, 30)) == pytest.approx(SKIN_SRGB, abs=2)


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_a_printers_cmyk_becomes_rgb_the_right_way_round(take_in: TakeIn, file_format: str) -> None:
    options = {"quality": 100} if file_format == "JPEG" else {}
    data = saved(Image.new("CMYK", (64, 64), (0, 40, 60, 10)), file_format, **options)

    assert stored(take_in(data).master).getpixel((30, 30)) == pytest.approx((245, 207, 188), abs=3)


def test_a_cmyk_picture_with_an_rgb_profile_is_still_read(take_in: TakeIn) -> None:
    data = saved(Image.new("CMYK", (64, 64)), "JPEG", icc_profile=srgb_profile())

    assert stored(take_in(data).master).getpixel((30, 30)) == pytest.approx((255, 255, 255), abs=3)


def test_ten_bit_heic_is_read(take_in: TakeIn) -> None:
    import numpy as np
    import pillow_heif

    rows = np.full((64, 64, 3), 0x8080, np.uint16)
    file = pillow_heif.from_bytes("RGB;16", (64, 64), rows.tobytes())
    from io import BytesIO

    data = BytesIO()
    file.save(data, quality=90)

    assert stored(take_in(data.getvalue()).master).getpixel((30, 30)) == pytest.approx((128, 128, 128), abs=4)


def test_a_transparent_heic_lies_on_white(take_in: TakeIn) -> None:
    image = picture().convert("RGBA")
    image.putalpha(0)

    assert stored(take_in(heic(image)).master).getpixel((30, 30)) == pytest.approx((255, 255, 255), abs=4)
