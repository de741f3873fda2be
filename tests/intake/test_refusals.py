"""What is not taken in: each with its own reason, nothing kept, and no more read or decoded than needed."""

import threading
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from django.utils import translation
from PIL import Image
from pytest_django import Settings

from orders import intake
from orders.intake import PhotoRefused, Received, Refusal
from orders.intake.refusing import SENTENCES
from tests.intake.conftest import stored_files
from tests.intake.pictures import _chunk, bomb_png, heic, jpeg, picture, saved

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF")

Refused = Callable[[bytes], str]


def noisy(width: int = 240, height: int = 160) -> Image.Image:
    """So that its file is long enough to be cut anywhere."""
    return Image.fromarray(np.random.default_rng(7).integers(0, 255, (height, width, 3), np.uint8))


WHOLE = {
    "jpeg": saved(noisy(), "JPEG"),
    "progressive": saved(noisy(), "JPEG", progressive=True),
    "png": saved(noisy(), "PNG"),
    "interlaced": saved(noisy(), "PNG", interlace=1),
    "webp": saved(noisy(), "WEBP"),
    "heic": heic(noisy()),
    "tiff": saved(noisy(), "TIFF"),
    "lzw": saved(noisy(), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_off_anywhere_is_refused(refused: Refused, kind: str, kept: float) -> None:
    data = WHOLE[kind]

    assert refused(data[: int(len(data) * kept)]) in {Refusal.TRUNCATED, Refusal.UNREADABLE}


@pytest.mark.parametrize("kind", ["jpeg", "progressive", "png", "interlaced", "webp", "heic"])
def test_a_file_cut_in_half_is_called_cut_off(refused: Refused, kind: str) -> None:
    assert refused(WHOLE[kind][: len(WHOLE[kind]) // 2]) == Refusal.TRUNCATED


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_of_nothing_but_its_first_bytes_is_refused(refused: Refused, kind: str) -> None:
    for kept in (12, 16, 24, 33):
        assert refused(WHOLE[kind][:kept]) in {Refusal.TRUNCATED, Refusal.UNREADABLE}


def test_an_empty_file_is_refused(refused: Refused) -> None:
    assert refused(b"") == Refusal.EMPTY


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><html><body>photo.jpg</body></html>",
        b"%PDF-1.7\n",
        b"PK\x03\x04 a word processor's file",
        b"BM, said the letter",
        b"\0" * 1000,
        b"x",
    ],
)
def test_what_is_no_picture_is_refused_whatever_it_is_called(refused: Refused, data: bytes) -> None:
    assert refused(data) == Refusal.NOT_A_PICTURE


@pytest.mark.parametrize(
    "data",
    [
        saved(picture(), "GIF"),
        saved(picture(), "BMP"),
        saved(picture(), "AVIF"),
        saved(picture(), "JPEG2000"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        saved(Image.fromarray(np.zeros((40, 40), np.float32)), "TIFF"),
        saved(Image.fromarray(np.zeros((40, 40), np.int32)), "TIFF"),
        saved(picture(), "TIFF", tiffinfo={50706: b"\1\4\0\0"}),
        saved(picture(), "TIFF", tiffinfo={254: 1}),
    ],
    ids=["gif", "bmp", "avif", "jpeg2000", "svg", "float32", "int32", "dng", "raw-thumbnail"],
)
def test_kinds_of_picture_that_are_not_taken_are_named_as_such(refused: Refused, data: bytes) -> None:
    assert refused(data) == Refusal.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("brand", [b"mp42", b"isom", b"qt  "])
def test_a_video_is_called_a_video(refused: Refused, brand: bytes) -> None:
    assert refused(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + b"iso2moov") == Refusal.VIDEO


def test_a_picture_of_thousands_of_millions_of_pixels_is_refused_unread(refused: Refused) -> None:
    data = bomb_png()
    assert len(data) < 20_000

    assert refused(data) == Refusal.TOO_MANY_PIXELS


def _with_size(kind: str) -> bytes:
    """A small file whose header says more pixels than are allowed."""
    if kind == "jpeg":
        data, frame = jpeg(), jpeg().index(b"\xff\xc0")
        return data[: frame + 5] + b"\xff\x00\xff\x00" + data[frame + 9 :]
    if kind == "webp":
        size = (16_382).to_bytes(3, "little") * 2
        body = b"WEBPVP8X" + (10).to_bytes(4, "little") + b"\0\0\0\0" + size + saved(picture(), "WEBP")[12:]
        return b"RIFF" + len(body).to_bytes(4, "little") + body
    data = bytearray(saved(picture(), "TIFF"))
    for tag in (256, 257):
        at = data.index(tag.to_bytes(2, "little") + (4).to_bytes(2, "little"))
        data[at + 8 : at + 12] = (60_000).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("kind", ["jpeg", "webp", "tiff"])
def test_the_header_alone_decides_in_every_format(refused: Refused, kind: str) -> None:
    assert refused(_with_size(kind)) == Refusal.TOO_MANY_PIXELS


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_the_pixel_limit_is_a_setting(refused: Refused, settings: Settings, file_format: str) -> None:
    settings.UPLOAD_MAX_PIXELS = 240 * 160 - 1

    assert refused(saved(picture(), file_format)) == Refusal.TOO_MANY_PIXELS


def test_a_picture_longer_than_a_jpeg_can_be_is_refused(refused: Refused) -> None:
    assert refused(saved(Image.new("L", (70_000, 2)), "PNG")) == Refusal.TOO_MANY_PIXELS


def test_a_jpeg_of_endless_scans_is_refused(refused: Refused) -> None:
    data = jpeg(progressive=True)
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]

    assert refused(data[:last] + scan * 200 + b"\xff\xd9") == Refusal.UNREADABLE


def test_a_png_whose_text_swells_is_refused_or_read_but_never_believed(refused: Refused) -> None:
    import zlib

    text = b"Comment\0\0" + zlib.compress(b"\0" * 200_000_000, 9)
    data = saved(picture(), "PNG")

    assert refused(data[:33] + _chunk(b"zTXt", text) + data[33:]) == Refusal.UNREADABLE


class Endless:
    """A stream of zeros that counts what was asked of it."""

    def __init__(self, size: int, first: bytes = b"") -> None:
        self.left, self.given, self.first = size, 0, first

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "the whole stream was asked for"
        size = min(size, self.left)
        self.left, self.given = self.left - size, self.given + size
        return b"\0" * size


def test_200_megabytes_are_refused_after_the_limit_and_one_byte(folder: str, settings: Settings) -> None:
    stream = Endless(200 * 1024 * 1024)

    with pytest.raises(PhotoRefused) as caught:
        intake.receive(stream, folder=folder)

    assert caught.value.code == Refusal.TOO_BIG
    assert stream.given <= settings.UPLOAD_MAX_BYTES + 1
    assert stored_files() == []


def test_exactly_the_limit_is_allowed(take_in: Callable[[bytes], Received], settings: Settings) -> None:
    data = jpeg()
    settings.UPLOAD_MAX_BYTES = len(data)
    take_in(data)


def test_one_byte_more_is_not(refused: Refused, settings: Settings) -> None:
    data = jpeg()
    settings.UPLOAD_MAX_BYTES = len(data) - 1

    assert refused(data) == Refusal.TOO_BIG


def test_every_refusal_says_in_korean_what_to_do(settings: Settings) -> None:
    assert set(SENTENCES) == set(Refusal)
    with translation.override("ko"):
        said = [PhotoRefused(code).sentence for code in Refusal]
    assert all(sentence.endswith("주세요.") or sentence.endswith("있습니다.") for sentence in said)
    assert "60 MB" in PhotoRefused(Refusal.TOO_BIG).sentence
    assert not any("%" in sentence for sentence in said)


def test_the_other_files_of_an_upload_survive_a_bad_one(folder: str) -> None:
    results = []
    for number, data in enumerate([jpeg(), b"<html>", jpeg(300, 200)]):
        try:
            results.append(intake.receive(BytesIO(data), folder=f"{folder}/{number}").width)
        except PhotoRefused as refusal:
            results.append(refusal.code)

    assert results == [240, "not_a_picture", 300]


def test_photos_are_taken_in_by_many_threads_at_once(folder: str) -> None:
    widths = []

    def one(number: int) -> None:
        widths.append(intake.receive(BytesIO(jpeg(300 + number, 300)), folder=f"{folder}/{number}").width)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(widths) == list(range(300, 308))
