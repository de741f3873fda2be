"""The picture of a photo that goes to a GPU host: around the chosen person, and no larger than the models can use.

With several people in a photo each face model chooses one in its own way (the largest, the first found), so the others
are cut away before it is sent; no graph sees anybody whom nobody chose.
"""

import io

from PIL import Image

from orders import files
from orders.models import Photo

# The largest frame of a workflow is 1152 pixels; twice that leaves room for its own cropping.
LONG_SIDE = 2304
QUALITY = 95
# Around the face, in heights of the face: room for hair, shoulders and chest.
ABOVE, BELOW, BESIDE = 1.0, 2.6, 1.6


def of(photo: Photo) -> str:
    """The stored name of the working picture, made when it is first asked for. Raises OSError."""
    box = _part(photo)
    if box is None and max(photo.width, photo.height) <= LONG_SIDE:
        return photo.master
    name = name_for(photo)
    if not files.exists(name):
        files.write(name, _made(photo, box))
    return name


def name_for(photo: Photo) -> str:
    """It differs by the chosen face, so that another choice makes another picture."""
    return f"{photo.folder}/working-{photo.main_face if photo.main_face is not None else 'whole'}.jpg"


def names(photo: Photo) -> list[str]:
    """Every name a working picture of this photo can have."""
    return [f"{photo.folder}/working-{which}.jpg" for which in ("whole", *range(len(photo.faces)))]


def size_of(name: str) -> tuple[int, int]:
    """Width and height in pixels of a stored picture."""
    with Image.open(files.path_of(name), formats=["JPEG", "PNG"]) as picture:
        return picture.size


def _part(photo: Photo) -> tuple[int, int, int, int] | None:
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


def _made(photo: Photo, box: tuple[int, int, int, int] | None) -> bytes:
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
