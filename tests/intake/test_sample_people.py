"""The drawn people arrive as a telephone's photos do, and leave intake without what telephones add."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from io import BytesIO

import pytest
from django.conf import settings
from PIL import ExifTags, Image

from orders.intake import Received
from portal.demo.sample_people import PEOPLE, SIZE, sample_photo
from tests.intake.conftest import stored, stored_bytes


def test_a_sample_photo_carries_a_date_a_place_and_an_orientation() -> None:
    image = Image.open(BytesIO(sample_photo(0, 1)))

    assert image.size == SIZE[::-1]
    assert image.getexif()[ExifTags.Base.Orientation] == 6
    assert image.getexif().get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"


def test_after_intake_it_is_upright_and_without_a_place(take_in: Callable[[bytes], Received]) -> None:
    received = take_in(sample_photo(0, 1))

    assert (received.width, received.height) == SIZE
    assert (len(received.faces), received.main_face, received.advice) == (1, 0, ())
    assert received.taken_on == date(2019, 10, 3)
    assert not dict(stored(received.master).getexif())
    assert b"Exif" not in stored_bytes(received.master)


def test_the_same_numbers_are_always_the_same_photo() -> None:
    draw = "import hashlib; from portal.demo.sample_people import sample_photo as s; "
    draw += "print(hashlib.sha256(s(2, 0)).hexdigest())"

    again = subprocess.run(
        [sys.executable, "-c", draw], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )

    assert again.stdout.strip() == sha256(sample_photo(2, 0)).hexdigest()


@pytest.mark.parametrize("number", range(len(PEOPLE)))
def test_any_number_is_somebody(number: int) -> None:
    assert sample_photo(number + len(PEOPLE), 3) == sample_photo(number, 0)
