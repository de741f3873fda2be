"""Whatever a telephone, a scanner or a chat makes of a photo becomes the same upright, bare sRGB master."""

import hashlib
from collections.abc import Callable
from datetime import date
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from orders import intake
from orders.intake import Received
from tests.intake import pictures
from tests.intake.conftest import stored, stored_bytes
from tests.intake.pictures import CORNERS, exif, heic, jpeg, picture, png16, saved

TakeIn = Callable[[bytes], Received]


def corners_of(image: Image.Image) -> list[tuple[int, ...]]:
    width, height = image.size
    places = (width // 4, height // 4), (3 * width // 4, height // 4), (width // 4, 3 * height // 4)
    return [image.getpixel(place) for place in (*places, (3 * width // 4, 3 * height // 4))]


def looks_right(image: Image.Image, tolerance: int = 6) -> bool:
    return bool(np.abs(np.subtract(corners_of(image), CORNERS)).max() <= tolerance)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (jpeg(), "image/jpeg"),
        (jpeg(progressive=True, optimize=True), "image/jpeg"),
        (saved(picture(), "PNG"), "image/png"),
        (saved(picture(), "PNG", interlace=1), "image/png"),
        (saved(picture(), "WEBP", quality=95), "image/webp"),
        (saved(picture(), "WEBP", lossless=True), "image/webp"),
        (saved(picture(), "WEBP", lossless=True, exif=exif()), "image/webp"),
        (heic(picture(), chroma=444), "image/heic"),
        (saved(picture(), "TIFF"), "image/tiff"),
        (saved(picture(), "TIFF", compression="tiff_lzw"), "image/tiff"),
        (saved(picture(), "TIFF", compression="jpeg", quality=95), "image/tiff"),
        (saved(picture(), "TIFF", big_tiff=True), "image/tiff"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value.removeprefix("image/"),
)
def test_a_photo_of_every_kind_is_taken_in(take_in: TakeIn, data: bytes, media_type: str) -> None:
    received = take_in(data)

    assert (received.media_type, received.byte_count) == (media_type, len(data))
    assert (received.width, received.height) == (240, 160)
    master = stored(received.master)
    assert (master.format, master.mode, master.size) == ("JPEG", "RGB", (240, 160))
    assert looks_right(master, tolerance=10)
    assert hashlib.sha256(stored_bytes(received.master)).hexdigest() == received.sha256


def test_previews_have_the_pictures_shape_and_never_more_pixels(take_in: TakeIn) -> None:
    received = take_in(jpeg(1600, 1000))

    assert list(received.previews) == [320, 1280]
    assert [stored(name).size for name in received.previews.values()] == [(320, 200), (1280, 800)]
    assert {stored(name).format for name in received.previews.values()} == {"WEBP"}


def test_a_small_picture_is_not_enlarged(take_in: TakeIn) -> None:
    assert stored(take_in(jpeg(200, 100)).previews[1280]).size == (200, 100)


def test_one_pixel_is_a_picture(take_in: TakeIn) -> None:
    received = take_in(saved(Image.new("RGB", (1, 1)), "PNG"))

    assert (received.width, received.height) == (1, 1)


def test_a_strip_as_long_as_can_be_keeps_a_preview_of_at_least_a_pixel(take_in: TakeIn) -> None:
    assert stored(take_in(saved(Image.new("RGB", (9000, 1)), "PNG")).previews[320]).size == (320, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_comes_out_upright(take_in: TakeIn, file_format: str, orientation: int) -> None:
    stored_turned = pictures.turned_away(picture(), orientation)

    received = take_in(saved(stored_turned, file_format, exif=exif(orientation), quality=95))

    assert (received.width, received.height) == (240, 160)
    assert looks_right(stored(received.master), tolerance=12)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_heic_is_turned_once_and_not_twice(take_in: TakeIn, orientation: int) -> None:
    turned = pictures.turned_away(picture(), orientation)

    received = take_in(saved(turned, "HEIF", exif=exif(orientation).tobytes(), quality=90, chroma=444))

    assert (received.width, received.height) == (240, 160)
    assert looks_right(stored(received.master), tolerance=12)


def test_the_place_the_owner_and_the_comment_are_gone_from_every_file(take_in: TakeIn) -> None:
    data = jpeg(exif=exif(), comment=b"COMMENT-TEXT", xmp=b"<x:xmpmeta>XMP-TEXT</x:xmpmeta>")
    assert all(word in data for word in (b"OWNER-NAME", b"COMMENT-TEXT", b"XMP-TEXT", b"Exif"))

    received = take_in(data)

    for name in (received.master, *received.previews.values()):
        kept = stored_bytes(name)
        for word in (b"OWNER-NAME", b"COMMENT-TEXT", b"XMP-TEXT", b"Exif", b"EXIF", b"Apple", b"ICC"):
            assert word not in kept
        assert not dict(stored(name).getexif())
        assert set(stored(name).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop", "background"} | {
            "timestamp",
            "duration",
        }


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "HEIF"])
def test_other_kinds_lose_their_metadata_too(take_in: TakeIn, file_format: str) -> None:
    received = take_in(saved(picture(), file_format, exif=exif().tobytes()))

    assert b"OWNER-NAME" not in stored_bytes(received.master)
    assert received.taken_on == date(1998, 5, 17)


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "2999:01:01 00:00:00", "gestern", "", "1998:13:40 00:00:00"])
def test_a_date_that_no_camera_means_is_no_date(take_in: TakeIn, taken: str) -> None:
    assert take_in(jpeg(exif=exif(taken=taken))).taken_on is None


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("tags", [b"garbage", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"])
def test_broken_exif_costs_nothing(take_in: TakeIn, tags: bytes) -> None:
    assert take_in(jpeg(exif=b"Exif\0\0" + tags)).taken_on is None


def test_an_orientation_that_does_not_exist_is_left_alone(take_in: TakeIn) -> None:
    assert looks_right(stored(take_in(jpeg(exif=exif(orientation=9))).master))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_lies_on_white(take_in: TakeIn, mode: str) -> None:
    image = Image.new("RGBA", (100, 100), (10, 20, 30, 0))
    image.paste((0, 0, 0, 255), (0, 0, 50, 100))
    data = saved(image.convert(mode) if mode != "P" else image.quantize(), "PNG")

    master = stored(take_in(data).master)

    assert master.getpixel((10, 50)) == pytest.approx((0, 0, 0), abs=3)
    assert master.getpixel((90, 50)) == pytest.approx((255, 255, 255), abs=3)


def test_one_colour_named_transparent_lies_on_white_too(take_in: TakeIn) -> None:
    data = saved(Image.new("RGB", (60, 60), (1, 2, 3)), "PNG", transparency=(1, 2, 3))

    assert stored(take_in(data).master).getpixel((30, 30)) == pytest.approx((255, 255, 255), abs=3)


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_pictures_of_few_colours_become_rgb(take_in: TakeIn, mode: str) -> None:
    master = stored(take_in(saved(picture(mode=mode), "PNG")).master)

    assert master.mode == "RGB"


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped(take_in: TakeIn) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :, None].repeat(40, axis=0)

    master = stored(take_in(png16(ramp, colour=0)).master)

    assert [master.getpixel((x, 20))[0] for x in (0, 64, 128, 255)] == pytest.approx([0, 64, 128, 255], abs=3)


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (6, 4), (4, 2)])
def test_sixteen_bits_of_colour_are_scaled_too(take_in: TakeIn, colour: int, channels: int) -> None:
    rows = np.full((40, 60, channels), 32896, np.uint16)
    if channels in (2, 4):
        rows[:, :, -1] = 65535

    assert stored(take_in(png16(rows, colour)).master).getpixel((30, 20)) == pytest.approx((128,) * 3, abs=3)


def test_sixteen_bit_tiff_of_either_byte_order_is_read(take_in: TakeIn) -> None:
    rows = np.full((40, 60), 40000, np.uint16)

    assert stored(take_in(saved(Image.fromarray(rows), "TIFF")).master).getpixel((9, 9))[0] == pytest.approx(156, abs=2)


def test_the_first_picture_of_several_is_taken(take_in: TakeIn) -> None:
    """An iPhone's MPO: the photo, and behind it a depth map or a gain map."""
    data = saved(picture(), "MPO", save_all=True, append_images=[Image.new("RGB", (50, 50))], quality=95)

    received = take_in(data)

    assert (received.media_type, received.width) == ("image/jpeg", 240)
    assert looks_right(stored(received.master))


@pytest.mark.parametrize("file_format", ["WEBP", "PNG", "TIFF", "HEIF"])
def test_the_first_frame_of_a_moving_picture_is_taken(take_in: TakeIn, file_format: str) -> None:
    options = {"quality": 95} | ({"chroma": 444} if file_format == "HEIF" else {})
    data = saved(picture(), file_format, save_all=True, append_images=[Image.new("RGB", (240, 160))], **options)

    assert looks_right(stored(take_in(data).master), tolerance=12)


def test_a_video_glued_behind_a_photo_is_ignored(take_in: TakeIn) -> None:
    """Samsung's and Google's motion photos."""
    assert looks_right(stored(take_in(jpeg() + b"\0\0\0\x18ftypmp42" + b"\xff\xda\0\2" * 5000).master))


def test_the_same_file_gives_the_same_hash(take_in: TakeIn, folder: str) -> None:
    data = jpeg()
    again = intake.receive(BytesIO(data), folder=f"{folder}-again")

    assert take_in(data).sha256 == again.sha256
