"""Where the face is, and what belongs to its person. Deterministic: the same bytes always give the same answer.

A face is what OpenCV's frontal Haar cascade finds; failing that (drawn people are flat), one skin-coloured patch that
fills its box like an ellipse, stands upright and has something dark in its upper half. A plain colour has no face.
"""

import threading
from pathlib import Path

import cv2
import numpy
from PIL import Image, ImageDraw

Box = tuple[int, int, int, int]
Pixels = numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.uint8]]
LONGEST_SIDE = 480
CUT_OUT_SIDE = 400
# Skin in YCrCb, from light to dark: chroma varies little, brightness does.
SKIN_LOW, SKIN_HIGH = (50, 134, 80), (255, 178, 128)

_cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"))
_cascade_in_use = threading.Lock()


def find(image: Image.Image) -> Box | None:
    """(left, top, width, height) of the largest face in the image's own pixels, or None."""
    scale = min(1.0, LONGEST_SIDE / max(image.size))
    small = image.convert("RGB").resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    pixels = numpy.asarray(small)
    box = _by_cascade(pixels) or _by_skin(pixels)
    if box is None:
        return None
    left, top, width, height = (round(value / scale) for value in box)
    return left, top, width, height


def _by_cascade(pixels: Pixels) -> Box | None:
    grey = cv2.equalizeHist(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    smallest = max(24, min(grey.shape) // 12)
    with _cascade_in_use:
        found = _cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=4, minSize=(smallest, smallest))
    boxes: list[Box] = [(int(x), int(y), int(w), int(h)) for x, y, w, h in found]
    return max(boxes, key=lambda box: box[2] * box[3], default=None)


def _by_skin(pixels: Pixels) -> Box | None:
    mask = cv2.inRange(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb), SKIN_LOW, SKIN_HIGH)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, numpy.ones((9, 9), numpy.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    total = mask.shape[0] * mask.shape[1]
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    best: Box | None = None
    for index in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[index])
        is_face_shaped = 0.9 <= h / w <= 2.2 and 0.55 <= area / (w * h) <= 0.92
        if not is_face_shaped or not 0.01 <= area / total <= 0.5:
            continue
        # Eyes: the upper half of a face is not one even tone.
        upper = grey[y : y + h // 2, x + w // 5 : x + w - w // 5]
        if upper.size and float(upper.std()) > 8 and (best is None or w * h > best[2] * best[3]):
            best = (x, y, w, h)
    return best


def cut_out(image: Image.Image, face: Box) -> Image.Image:
    """An L mask of the image's size: the head and shoulders that belong to this face, softened."""
    scale = min(1.0, CUT_OUT_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    x, y = (face[0] + face[2] / 2) * scale, (face[1] + face[3] / 2) * scale
    half = face[3] * scale / 2
    guess = Image.new("L", size, cv2.GC_BGD)
    pen = ImageDraw.Draw(guess)
    maybe, surely = cv2.GC_PR_FGD, cv2.GC_FGD
    pen.rectangle((0, y + 1.1 * half, *size), fill=cv2.GC_PR_BGD)
    pen.ellipse((x - 1.2 * half, y - 1.7 * half, x + 1.2 * half, y + 1.1 * half), fill=maybe)
    pen.rectangle((x - 0.5 * half, y + 0.8 * half, x + 0.5 * half, y + 1.6 * half), fill=maybe)
    pen.ellipse((x - 2.4 * half, y + 1.2 * half, x + 2.4 * half, y + 6 * half), fill=maybe)
    pen.ellipse((x - 0.7 * half, y - 0.8 * half, x + 0.7 * half, y + 0.9 * half), fill=surely)
    pen.rectangle((x - 0.35 * half, y, x + 0.35 * half, size[1]), fill=surely)
    # Black bars that a resize put around the photo are not part of it.
    small = image.convert("RGB").resize(size)
    bars = Image.new("L", size, 255)
    bars.paste(0, small.getbbox())
    guess.paste(cv2.GC_BGD, mask=bars)

    labels = numpy.array(guess)
    models = numpy.zeros((2, 1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(numpy.array(small), labels, (0, 0, 1, 1), models[0], models[1], 3, cv2.GC_INIT_WITH_MASK)
    person = numpy.isin(labels, (maybe, surely)).astype(numpy.uint8) * 255
    soft = cv2.GaussianBlur(cv2.medianBlur(person, 5), (0, 0), 1.2)
    return Image.fromarray(soft).resize(image.size, Image.Resampling.BICUBIC)
