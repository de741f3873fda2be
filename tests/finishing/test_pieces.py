"""The files themselves, read back: pixels, dpi, colours, what a machine finds in them, and the manifest."""

import io
import json
import re
from xml.etree import ElementTree

import c2pa
import numpy as np
import pytest
from PIL import Image, ImageCms

from orders.finishing import metadata, pieces, prints, signing, video
from orders.finishing.pieces import Piece
from orders.finishing.prints import USUAL, Preset
from tests.finishing import people

SMALL = [
    Preset(key="own-a", label="작은 것", width=prints.Decimal("60"), height=prints.Decimal("80"), with_pdf=True),
    USUAL[5],
]


@pytest.fixture(scope="module")
def portrait() -> dict[str, Piece]:
    return {piece.variant: piece for piece in pieces.of_picture(people.drawn(), SMALL)}


@pytest.fixture(scope="module")
def scene() -> dict[str, Piece]:
    source = people.drawn(3, (1152, 896), "life_scene")
    return {piece.variant: piece for piece in pieces.of_picture(source, SMALL)}


def test_a_portrait_gives_prints_a_pdf_screens_and_a_sheet(portrait: dict[str, Piece]):
    assert list(portrait) == ["print-own-a", "pdf-own-a", "print-3.5x5", "screen-wide", "screen-tall", "sheet"]
    assert len(portrait) == pieces.count(people.drawn(), SMALL)


def test_a_life_scene_gives_one_print_and_screens(scene: dict[str, Piece]):
    assert [(variant, piece.width, piece.height) for variant, piece in scene.items()] == [
        ("print-10x8", 3000, 2400),
        ("screen-wide", 1920, 1080),
        ("screen-tall", 1080, 1920),
    ]


@pytest.mark.parametrize(
    ("key", "pixels"),
    [
        ("11x14", (3300, 4200)),
        ("8x10", (2400, 3000)),
        ("10x13", (3000, 3900)),
        ("a4", (2480, 3508)),
        ("5x7", (1500, 2100)),
        ("3.5x5", (1050, 1500)),
    ],
)
def test_the_usual_sizes_have_their_pixels_at_300_dpi(key: str, pixels: tuple[int, int]):
    assert next(preset for preset in USUAL if preset.key == key).pixels == pixels


def test_a_print_says_300_dpi_srgb_and_is_a_jpeg_of_full_colour(portrait: dict[str, Piece]):
    piece = portrait["print-3.5x5"]
    with Image.open(io.BytesIO(piece.data)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (1050, 1500))
        assert picture.info["dpi"] == (300, 300)
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        assert {layer[1:3] for layer in picture.layer} == {(1, 1)}, "no colour is thrown away"  # type: ignore[attr-defined]
        tables = picture.quantization  # type: ignore[attr-defined]
        assert max(tables[0]) <= 13, "quality 95"


def test_nothing_but_the_picture_is_in_it(portrait: dict[str, Piece]):
    with Image.open(io.BytesIO(portrait["print-3.5x5"].data)) as picture:
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "icc_profile", "xmp"}


@pytest.mark.parametrize(
    ("product", "term"),
    [("portrait", "compositeWithTrainedAlgorithmicMedia"), ("life_scene", "trainedAlgorithmicMedia")],
)
def test_a_machine_reads_how_it_was_made(product: str, term: str, portrait, scene):
    pieces_of = portrait if product == "portrait" else scene
    for piece in pieces_of.values():
        assert metadata.source_type_in(piece.data) == metadata.SOURCE_TYPES + term
    with Image.open(io.BytesIO(pieces_of["screen-wide"].data)) as picture:
        packet = ElementTree.fromstring(picture.info["xmp"].strip(b"\0"))
    (found,) = packet.iter("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert found.text == metadata.SOURCE_TYPES + term


def test_the_manifest_is_valid_says_the_same_and_holds_no_picture(portrait: dict[str, Piece]):
    for piece in portrait.values():
        with c2pa.Reader(piece.media_type, io.BytesIO(piece.data)) as reader:
            assert reader.get_validation_state() == "Valid", piece.variant
            manifest = json.loads(reader.json())["manifests"][json.loads(reader.json())["active_manifest"]]
        (assertion,) = manifest["assertions"]
        (action,) = assertion["data"]["actions"]
        assert action["digitalSourceType"] == metadata.SOURCE_TYPE["portrait"]
        assert "thumbnail" not in manifest
        assert "ingredients" not in manifest
        assert manifest["signature_info"]["issuer"] == "ConnectDream"


def test_a_changed_pixel_breaks_it(portrait: dict[str, Piece]):
    data = bytearray(portrait["print-3.5x5"].data)
    data[-2000] ^= 0x55
    with c2pa.Reader("image/jpeg", io.BytesIO(bytes(data))) as reader:
        assert reader.get_validation_state() == "Invalid"


def test_a_pdf_is_one_page_of_true_size_around_the_very_same_picture(portrait: dict[str, Piece]):
    data = portrait["pdf-own-a"].data
    assert data.startswith(b"%PDF-1.7")
    box = re.search(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert box is not None
    assert [float(side) / 72 * 25.4 for side in box.groups()] == pytest.approx([60, 80], abs=0.01)
    assert portrait["print-own-a"].data in data
    assert data.rstrip().endswith(b"%%EOF")


def test_previews_are_small_and_marked_as_well(portrait: dict[str, Piece]):
    for piece in portrait.values():
        with Image.open(io.BytesIO(piece.preview)) as preview:
            assert preview.format == "WEBP"
            assert max(preview.size) <= 1280
        assert metadata.source_type_in(piece.preview)


def test_cut_twice_it_is_the_same_picture():
    first, second = (np.asarray(pieces.cut_screen(people.drawn(), (320, 180))) for _ in range(2))
    assert (first == second).all()


def test_without_a_certificate_nothing_is_made(settings):
    settings.C2PA_KEY_FILE = ""
    with pytest.raises(signing.SigningFailed):
        signing.sign(b"", "image/jpeg", product_key="portrait")


def test_a_wide_and_a_tall_screen_are_filled_in_full_hd() -> None:
    assert {variant: size for variant, (size, _label) in video.FRAMES.items()} == {
        "video-wide": (1920, 1080),
        "video-tall": (1080, 1920),
    }
    assert {variant: size for variant, (size, _label) in pieces.SCREENS.items()} == {
        "screen-wide": (1920, 1080),
        "screen-tall": (1080, 1920),
    }
