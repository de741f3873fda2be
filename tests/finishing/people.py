"""Drawn people with their faces found, as a finish gets them; found once a run."""

import io
from functools import cache

from PIL import Image

from orders.finishing.pieces import Source
from orders.intake.advice import look_at
from portal.demo.sample_people import sample_photo
from tests.factories import drawn_person

# Crown, eyes and chin as shares of the height, read off the first photos of the first two sample people.
CROWN, EYES, CHIN = 0.152, 0.384, 0.606
# Where a cascade would see the face of `drawn_person`, which is too plain for it.
PLAIN_FACE = (0.28, 0.2326, 0.44, 0.344)


@cache
def drawn(number: int = 3, size: tuple[int, int] = (896, 1152), product: str = "portrait") -> Source:
    picture = Image.open(io.BytesIO(drawn_person(number, size)))
    return Source(product_key=product, picture=picture, face=PLAIN_FACE)


@cache
def sampled(person: int, product: str = "portrait") -> Source:
    picture = Image.open(io.BytesIO(sample_photo(person, 0))).convert("RGB")
    look = look_at(picture)
    face = None if look.main_face is None else look.faces[look.main_face]
    return Source(product_key=product, picture=picture, face=face)
