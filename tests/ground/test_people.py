"""The sample person, drawn by code."""

import io

import cv2
import numpy
import pytest
from PIL import Image

from portal.demo import people


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_sample_photo_is_a_jpeg_with_one_face_that_a_detector_finds(number: int) -> None:
    image = Image.open(io.BytesIO(people.photo(number)))
    assert image.format == "JPEG"
    assert image.size == people.SIZE
    grey = numpy.asarray(image.convert("L").resize((480, 600)))
    detector = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")
    assert len(detector.detectMultiScale(grey, 1.1, 4)) == 1


def test_the_three_photos_differ() -> None:
    photos = [people.photo(number) for number in range(3)]
    assert len(set(photos)) == 3
