"""What `make smoke` reads back of each file, how it judges it, and its table."""

from dataclasses import replace
from decimal import Decimal

import pytest

from orders.finishing import marks, pieces, prints
from portal.demo import figures
from tests.finishing import people

PORTRAIT = figures.FileFigures(
    product="portrait",
    variant="print-11x14",
    name="고 김철수 님 영정사진 11x14인치.jpg",
    pixels="3300×4200",
    promised="3300×4200",
    dpi="300",
    video="",
    mark="seen",
    c2pa="valid, ours",
    source_type="compositeWithTrainedAlgorithmicMedia",
    media_type="image/jpeg",
    byte_count=5_000_000,
    sha256="0" * 64,
)
FILM = replace(
    PORTRAIT, variant="video-wide", pixels="1920×1080", promised="1920×1080", dpi="", video="h264 yuv420p 24 fps 12.0 s"
)
SMALL = prints.Preset(key="own-small", label="작은 액자", width=Decimal("50.8"), height=Decimal("63.5"), with_pdf=True)


def test_what_is_as_promised_is_not_called_wrong() -> None:
    assert PORTRAIT.wrong == []
    assert FILM.wrong == []
    assert replace(FILM, video="h264 yuv420p 30 fps 8.0 s").wrong == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mark": "missing"}, "mark missing"),
        ({"c2pa": "valid"}, "C2PA valid"),
        ({"source_type": ""}, "no source type"),
        ({"pixels": "3299×4200"}, "3299×4200 pixels, not 3300×4200"),
        ({"dpi": "72"}, "72 dpi"),
        ({"dpi": ""}, "no dpi"),
    ],
)
def test_what_is_wrong_with_a_print_is_said(changed: dict[str, str], said: str) -> None:
    assert replace(PORTRAIT, **changed).wrong == [said]


@pytest.mark.parametrize(
    "video",
    [
        "hevc yuv420p 24 fps 12.0 s",
        "h264 yuv444p 24 fps 12.0 s",
        "h264 yuv420p 8 fps 12.0 s",
        "h264 yuv420p 24 fps 6.1 s",
        "h264 yuv420p 24 fps 12.5 s",
        "h264 yuv420p 24 fps 16.0 s",
    ],
)
def test_a_film_of_another_kind_rate_or_length_is_wrong(video: str) -> None:
    assert replace(FILM, video=video).wrong == [f"video {video}"]


def test_a_film_of_more_than_25_megabytes_is_wrong() -> None:
    assert replace(FILM, byte_count=25_000_001).wrong == ["25000001 bytes"]


def test_the_sizes_promised_are_those_that_are_made() -> None:
    made = {preset.key: preset.pixels for preset in (*prints.USUAL, prints.SCENE)}
    assert {key: f"{width}×{height}" for key, (width, height) in made.items()}.items() <= figures.PIXELS.items()


def test_of_a_pdf_the_picture_on_its_page_is_read_back() -> None:
    made = {piece.variant: piece for piece in pieces.of_picture(people.drawn(), [SMALL])}
    read = figures.read_pdf(made["pdf-own-small"].data, marks.PORTRAIT)
    assert read == {"pixels": "600×750", "dpi": "300", "video": "", "mark": "seen"}
    assert figures.read_pdf(b"%PDF-1.7 nothing on it", marks.PORTRAIT)["mark"] == "missing"


def test_a_pdf_whose_picture_bears_no_mark_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks.Mark, "put", lambda self, picture: None)
    made = {piece.variant: piece for piece in pieces.of_picture(people.drawn(), [SMALL])}
    assert figures.read_pdf(made["pdf-own-small"].data, marks.PORTRAIT)["mark"] == "missing"


def test_columns_stand_under_each_other_in_korean_too() -> None:
    rows = [
        {"product": "portrait", "name": "고 김철수 님.png", "gpu": 2.5, "byte_count": 1234567, "sha256": "0" * 64},
        {"product": "video", "name": "short.mp4", "gpu": 10.25, "byte_count": 9, "sha256": "f" * 64},
    ]
    assert figures.table(rows).splitlines() == [
        "product   name                gpu  byte count  sha256",
        "portrait  고 김철수 님.png   2.50   1,234,567  000000000000",
        "video     short.mp4         10.25           9  ffffffffffff",
    ]
