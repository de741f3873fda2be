"""No bytes whatever bring intake to raise anything but PhotoRefused, or to leave a file after it."""

import uuid
from io import BytesIO

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orders import intake
from orders.intake import PhotoRefused
from tests.intake.conftest import stored_files
from tests.intake.pictures import exif, heic, picture, saved, wide_gamut_profile

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:PIL"),
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]
SMALL = picture(64, 48)
WHOLE = {
    "jpeg": saved(SMALL, "JPEG", exif=exif(6), icc_profile=wide_gamut_profile()),
    "progressive": saved(SMALL, "JPEG", progressive=True),
    "png": saved(SMALL, "PNG", icc_profile=wide_gamut_profile(), exif=exif(3)),
    "webp": saved(SMALL, "WEBP", exif=exif(8), icc_profile=wide_gamut_profile()),
    "lossless": saved(SMALL, "WEBP", lossless=True),
    "tiff": saved(SMALL, "TIFF", compression="tiff_lzw"),
    "uncompressed": saved(SMALL, "TIFF", exif=exif(5).tobytes()),
    "heic": heic(SMALL, exif=exif(1).tobytes()),
}
BEGINNINGS = [data[:16] for data in WHOLE.values()]
unhurried = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def take_in_or_refuse(data: bytes) -> None:
    before = len(stored_files())
    kept = 3
    try:
        intake.receive(BytesIO(data), folder=f"orders/{uuid.uuid4()}")
    except PhotoRefused:
        kept = 0
    assert len(stored_files()) == before + kept


@unhurried
@given(st.binary(max_size=400))
@example(b"\0\0\0\1ftyp")
@example(b"RIFF\0\0\0\0WEBP")
def test_random_bytes(data: bytes) -> None:
    take_in_or_refuse(data)


@unhurried
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=400))
def test_random_bytes_behind_an_honest_beginning(beginning: bytes, rest: bytes) -> None:
    take_in_or_refuse(beginning + rest)


@pytest.mark.parametrize("kind", WHOLE)
@unhurried
@given(data=st.data())
def test_a_photo_with_bytes_changed_removed_and_added(kind: str, data: st.DataObject) -> None:
    bent = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(bent) - 1))
        match data.draw(st.sampled_from(["change", "remove", "add", "repeat"])):
            case "change":
                bent[at] = data.draw(st.integers(0, 255))
            case "remove":
                del bent[at : at + data.draw(st.integers(1, 40))]
            case "add":
                bent[at:at] = data.draw(st.binary(min_size=1, max_size=20))
            case "repeat":
                bent[at:at] = bent[at : at + 200]
        if not bent:
            break
    take_in_or_refuse(bytes(bent))
