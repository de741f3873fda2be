"""What a GPU host gets to see of a photo."""

import io
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from gpujobs.models import Job
from gpujobs.workflows.living_video.spec import FRAME_HEIGHT, SHAPES, nearest_shape
from orders import files, production, working_picture
from tests.factories import make_consent, make_order, make_photo

pytestmark = pytest.mark.django_db

LEFT_FACE, RIGHT_FACE = [0.1, 0.3, 0.15, 0.2], [0.7, 0.3, 0.15, 0.2]
RED, BLUE = (200, 30, 30), (30, 30, 200)


def photo_of(width, height, *, order=None, **facts):
    """A photo that is red in its left half and blue in its right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=95, subsampling=0)
    order = order or make_order()
    name = default_storage.save(f"{order.folder}/photos/{uuid4()}/master.jpg", ContentFile(content.getvalue()))
    return make_photo(order, width=width, height=height, master=name, **facts)


def opened(photo):
    with Image.open(files.path_of(working_picture.of(photo))) as picture:
        return picture.convert("RGB")


def test_a_photo_of_one_person_goes_as_it_is():
    photo = photo_of(1200, 1600, faces=[LEFT_FACE], main_face=0)
    assert working_picture.of(photo) == photo.master


def test_a_large_photo_goes_smaller_in_the_same_shape():
    photo = photo_of(4000, 6000, faces=[], main_face=None)
    assert opened(photo).size == (1536, 2304)


@pytest.mark.parametrize(("chosen", "colour"), [(0, RED), (1, BLUE)])
def test_of_several_people_only_the_chosen_one_is_sent(chosen, colour):
    photo = photo_of(2000, 1500, faces=[LEFT_FACE, RIGHT_FACE], main_face=chosen)
    picture = opened(photo)
    other = photo.face_boxes[1 - chosen]
    assert picture.width < other.left or chosen == 1
    assert all(abs(a - b) < 30 for a, b in zip(picture.getpixel((picture.width // 2, 50)), colour, strict=True))


def test_a_neighbour_s_face_is_cut_away_however_near():
    near = [[0.3, 0.3, 0.15, 0.2], [0.46, 0.3, 0.15, 0.2]]
    photo = photo_of(2000, 1500, faces=near, main_face=0)
    assert opened(photo).width <= photo.face_boxes[1].left


def test_another_choice_makes_another_picture():
    photo = photo_of(2000, 1500, faces=[LEFT_FACE, RIGHT_FACE], main_face=0)
    first = working_picture.of(photo)
    photo.main_face = 1
    assert working_picture.of(photo) != first
    assert {first, working_picture.of(photo)} <= set(working_picture.names(photo))


@pytest.mark.parametrize(
    ("size", "face"),
    [
        # left, top, width, height: a selfie, a head near the top, somebody at the far right of a panorama.
        ((1080, 1920), [0.3, 0.1, 0.4, 0.225]),
        ((1440, 2960), [0.05, 0.06, 0.4, 0.195]),
        ((8000, 600), [0.9, 0.2, 0.03, 0.4]),
        ((1600, 1200), [0.7, 0.1, 0.2, 0.267]),
    ],
)
def test_for_a_video_a_photo_is_cut_around_the_face_to_a_shape_that_nothing_more_is_cut_off(size, face):
    photo = photo_of(*size, faces=[face], main_face=0)
    name = working_picture.of(photo, for_video=True)
    assert name in working_picture.names(photo)
    cut = working_picture.size_of(name)
    assert cut[0] / cut[1] == pytest.approx(SHAPES[nearest_shape(*cut)] / FRAME_HEIGHT, rel=0.01)
    left, top, right, bottom = working_picture.part_of(photo, for_video=True)
    head = photo.face_boxes[0]
    assert left <= head.left
    assert head.left + head.width <= right
    # From the crown, which is above what the cascade draws, to below the chin.
    assert top <= max(0, head.top - 0.3 * head.height)
    assert head.top + head.height <= bottom


def test_a_photo_whose_face_nobody_found_goes_to_a_video_as_it_is():
    photo = photo_of(1080, 1920, faces=[], main_face=None)
    assert working_picture.of(photo, for_video=True) == photo.master


def test_a_video_is_asked_for_with_the_cut_picture_in_its_shape():
    order = make_order(products=("living_video",))
    photo = photo_of(1080, 1920, faces=[[0.3, 0.1, 0.4, 0.225]], main_face=0, order=order)
    make_consent(order)
    production.submit(order, by=order.created_by, request=None)
    job = Job.objects.get(workflow="living_video")
    assert job.images == {"photo": working_picture.name_for(photo, for_video=True)}
    assert job.params["shape"] == "5x7"


def test_a_video_s_frame_follows_the_picture_s_shape():
    order = make_order(products=("living_video",))
    make_photo(order)
    make_consent(order)
    production.submit(order, by=order.created_by, request=None)
    job = Job.objects.get(workflow="living_video")
    assert job.params["shape"] == nearest_shape(600, 750)
