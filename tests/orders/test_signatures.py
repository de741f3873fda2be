"""A drawn signature: a plain picture of our own is kept, and nothing that only says it is one."""

import base64
import io

import pytest
from PIL import Image, PngImagePlugin

from orders import signatures
from tests.family.making import as_data_url, drawn_signature


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["PNG"])


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L"])
def test_ink_is_kept_black_on_white_and_cut_to_what_was_drawn(mode: str) -> None:
    picture = opened(signatures.drawn(drawn_signature(mode)))
    assert picture.mode == "L"
    assert picture.getpixel((0, 0)) == 255
    assert picture.getextrema()[0] < 60
    assert 560 < picture.width < 640
    assert 160 < picture.height < 220


def test_nothing_but_the_picture_is_kept() -> None:
    extra = PngImagePlugin.PngInfo()
    extra.add_text("Comment", "where I live")
    source, data = opened(base64.b64decode(drawn_signature().partition(",")[2])), io.BytesIO()
    source.save(data, "PNG", pnginfo=extra)
    kept = signatures.drawn(signatures.PREFIX + base64.b64encode(data.getvalue()).decode())
    assert b"where I live" not in kept
    assert opened(kept).info == {}


def test_a_large_one_is_made_smaller() -> None:
    assert max(opened(signatures.drawn(drawn_signature(size=(1600, 700)))).size) <= signatures.WIDEST


def dot() -> str:
    picture = Image.new("RGBA", (400, 200), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (100, 100, 112, 112))
    return as_data_url(picture)


@pytest.mark.parametrize(
    "field",
    [
        as_data_url(Image.new("RGBA", (400, 200), (0, 0, 0, 0))),
        as_data_url(Image.new("RGB", (400, 200), "white")),
        dot(),
    ],
    ids=["nothing", "white", "a dot"],
)
def test_an_empty_pad_is_no_signature(field: str) -> None:
    with pytest.raises(signatures.NotASignature, match="비어"):
        signatures.drawn(field)


def jpeg() -> str:
    data = io.BytesIO()
    Image.new("RGB", (400, 200)).save(data, "JPEG")
    return signatures.PREFIX + base64.b64encode(data.getvalue()).decode()


@pytest.mark.parametrize(
    "field",
    [
        "",
        "data:image/svg+xml;base64,PHN2Zy8+",
        signatures.PREFIX + "not base64!",
        signatures.PREFIX + base64.b64encode(b"no picture").decode(),
        jpeg(),
        drawn_signature()[:-400],
        as_data_url(Image.new("1", (8000, 8000))),
        signatures.PREFIX + "A" * signatures.LONGEST,
    ],
    ids=["empty", "svg", "no base64", "no picture", "jpeg", "cut off", "too many pixels", "too long"],
)
def test_what_is_no_picture_of_a_canvas_is_refused(field: str) -> None:
    with pytest.raises(signatures.NotASignature, match="읽지 못했습니다"):
        signatures.drawn(field)
