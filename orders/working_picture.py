"""The picture of a photo that goes to a GPU host: around the chosen person, and no larger than the models can use.

With several people in a photo each face model chooses one in its own way (the largest, the first found), so the others
are cut away before it is sent; no graph sees anybody whom nobody chose.
"""

import io

from PIL import Image

from gpujobs.workflows.living_video.spec import FRAME_HEIGHT, SHAPES, nearest_shape
from orders import files
from orders.finishing import cutting
from orders.models import Photo

Box = tuple[int, int, int, int]

# The largest frame of a workflow is 1152 pixels; twice that leaves room for its own cropping.
LONG_SIDE = 2304
QUALITY = 95
# Around the face, in heights of the face: room for hair, shoulders and chest.
ABOVE, BELOW, BESIDE = 1.0, 2.6, 1.6


def of(photo: Photo, *, for_video: bool = False) -> str:
    """The stored name of the working picture, made when it is first asked for. Raises OSError.

    ``for_video``: cut around the face to the nearest shape that a video can have. Its graph fills the shape and would
    cut from the middle, a tenth off the top of a phone's upright photo.
    """
    box = part_of(photo, for_video=for_video)
    if box is None and max(photo.width, photo.height) <= LONG_SIDE:
        return photo.master
    name = name_for(photo, for_video=for_video)
    if not files.exists(name):
        files.write(name, _made(photo, box))
    return name


def part_of(photo: Photo, *, for_video: bool = False) -> Box | None:
    """Left, top, right and bottom of what is sent, in pixels; None where the whole is."""
    return _shaped(photo, _part(photo)) if for_video else _part(photo)


def name_for(photo: Photo, *, for_video: bool = False) -> str:
    """It differs by the chosen face, so that another choice makes another picture."""
    face = photo.main_face if photo.main_face is not None else "whole"
    return f"{photo.folder}/working-{face}{'-video' if for_video else ''}.jpg"


def names(photo: Photo) -> list[str]:
    """Every name a working picture of this photo can have."""
    faces = ("whole", *range(len(photo.faces)))
    return [f"{photo.folder}/working-{which}{use}.jpg" for which in faces for use in ("", "-video")]


def size_of(name: str) -> tuple[int, int]:
    """Width and height in pixels of a stored picture."""
    with Image.open(files.path_of(name), formats=["JPEG", "PNG"]) as picture:
        return picture.size


def _part(photo: Photo) -> Box | None:
    """Left, top, right and bottom of what is kept, in pixels; None where the whole is."""
    if photo.main_face is None or len(photo.faces) < 2:
        return None
    chosen = photo.face_boxes[photo.main_face]
    middle = chosen.left + chosen.width / 2
    left, right = middle - chosen.height * BESIDE, middle + chosen.height * BESIDE
    # Never into a neighbour's face, where the chosen one leaves it a side.
    for other in photo.face_boxes:
        if other.number == chosen.number:
            continue
        if other.left >= chosen.left + chosen.width:
            right = min(right, other.left)
        elif other.left + other.width <= chosen.left:
            left = max(left, other.left + other.width)
    return (
        max(0, round(left)),
        max(0, round(chosen.top - chosen.height * ABOVE)),
        min(photo.width, round(right)),
        min(photo.height, round(chosen.top + chosen.height * (1 + BELOW))),
    )


def _shaped(photo: Photo, box: Box | None) -> Box | None:
    """What of that part, or of the whole, has a video's shape with the chosen head in it; as it was without a face."""
    if photo.main_face is None:
        return box
    left, top, right, bottom = box or (0, 0, photo.width, photo.height)
    size = right - left, bottom - top
    face = photo.face_boxes[photo.main_face]
    place = (face.left - left) / size[0], (face.top - top) / size[1], face.width / size[0], face.height / size[1]
    cut = cutting.cover(cutting.Head.of(place, size), size, SHAPES[nearest_shape(*size)] / FRAME_HEIGHT)
    begin_x, begin_y = left + round(cut.left), top + round(cut.top)
    shaped = begin_x, begin_y, begin_x + round(cut.width), begin_y + round(cut.height)
    return box if shaped == (left, top, right, bottom) else shaped


def _made(photo: Photo, box: Box | None) -> bytes:
    out = io.BytesIO()
    with Image.open(files.path_of(photo.master), formats=["JPEG", "PNG"]) as master:
        profile = master.info.get("icc_profile")
        if box is None:
            # A JPEG can be decoded at a half or a quarter, which spares most of the work for a large one.
            master.draft("RGB", (LONG_SIDE, LONG_SIDE))
        picture = master.crop(box) if box else master
        picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
        picture.save(out, "JPEG", quality=QUALITY, subsampling=0, icc_profile=profile)
    return out.getvalue()
