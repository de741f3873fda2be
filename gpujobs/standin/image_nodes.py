"""Nodes that take pictures in and change their size, shape or number."""

import ast
import base64
import io
import math
import operator
import re
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageFilter, ImageOps

from . import video
from .nodes import behaves, given, pass_through
from .run import Inputs, Made, Run
from .values import Model, Pictures, Size, VideoInfo, solid

NO_MASK: Size = (64, 64)


def _opened(image: Image.Image) -> Made:
    upright = ImageOps.exif_transpose(image).convert("RGB")
    return Made((Pictures.of([upright]), solid(NO_MASK, (0, 0, 0))))


@behaves("LoadImage")
def load_image(run: Run, inputs: Inputs) -> Made:
    with Image.open(str(run.folders.input_file(inputs["image"]))) as image:
        return _opened(image)


@behaves("ETN_LoadImageBase64", "easy loadImageBase64")
def load_base64(run: Run, inputs: Inputs) -> Made:
    text = given(inputs, "image", "base64_data", default="")
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return _opened(image)


@behaves("VHS_LoadVideo", "VHS_LoadVideoFFmpeg")
def load_video(run: Run, inputs: Inputs) -> Made:
    frames, fps = video.decode(
        run.folders.input_file(inputs["video"]),
        limit=inputs.get("frame_load_cap", 0),
        skip=inputs.get("skip_first_frames", 0),
        every=inputs.get("select_every_nth", 1),
    )
    for index in range(1, frames.count + 1):
        run.progress(index, frames.count)
    width, height = inputs.get("custom_width", 0), inputs.get("custom_height", 0)
    if inputs.get("force_size", "Disabled") == "Custom" and width and height:
        frames = frames.filled((width, height))
    return Made((frames, frames.count, None, VideoInfo(fps, frames.count, frames.size)))


@behaves("VHS_VideoInfo")
def video_info(run: Run, inputs: Inputs) -> Made:
    info: VideoInfo = inputs["video_info"]
    return Made(info.fields() + info.fields())


@behaves("VHS_VideoInfoSource", "VHS_VideoInfoLoaded")
def half_video_info(run: Run, inputs: Inputs) -> Made:
    info: VideoInfo = inputs["video_info"]
    return Made(info.fields())


def _proportional(size: Size, width: int, height: int) -> Size:
    """A side of 0 follows from the other."""
    if width == 0 and height == 0:
        return size
    if width == 0:
        return max(1, round(size[0] * height / size[1])), height
    if height == 0:
        return width, max(1, round(size[1] * width / size[0]))
    return width, height


@behaves("ImageScale")
def scale(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["image"]
    size = _proportional(image.size, inputs["width"], inputs["height"])
    return Made((image.filled(size) if inputs["crop"] == "center" else image.resized(size),))


@behaves("ImageScaleBy")
def scale_by(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["image"]
    factor = inputs["scale_by"]
    return Made((image.resized((round(image.size[0] * factor), round(image.size[1] * factor))),))


@behaves("ImageScaleToTotalPixels")
def scale_to_pixels(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["image"]
    factor = math.sqrt(inputs["megapixels"] * 1024 * 1024 / (image.size[0] * image.size[1]))
    return Made((image.resized((round(image.size[0] * factor), round(image.size[1] * factor))),))


@behaves("ImageResizeKJ")
def resize_kj(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["image"]
    width = inputs.get("width_input") or inputs["width"]
    height = inputs.get("height_input") or inputs["height"]
    if isinstance(inputs.get("get_image_size"), Pictures):
        width, height = inputs["get_image_size"].size
    size = _proportional(image.size, width, height)
    if inputs["keep_proportion"]:
        factor = min(size[0] / image.size[0], size[1] / image.size[1])
        size = (round(image.size[0] * factor), round(image.size[1] * factor))
    step = inputs["divisible_by"]
    if step > 1:
        size = (size[0] - size[0] % step, size[1] - size[1] % step)
    resized = image.filled(size) if inputs.get("crop") == "center" else image.resized(size)
    return Made((resized, *size))


@behaves("ImageResize+")
def resize_essentials(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["image"]
    width, height = inputs["width"] or image.size[0], inputs["height"] or image.size[1]
    step = inputs.get("multiple_of", 0)
    if step > 1:
        width, height = width - width % step, height - height % step
    method = inputs["method"]
    if method == "fill / crop":
        return Made((image.filled((width, height)), width, height))
    if method == "stretch":
        return Made((image.resized((width, height)), width, height))
    factor = min(width / image.size[0], height / image.size[1])
    kept = image.resized((round(image.size[0] * factor), round(image.size[1] * factor)))
    if method == "pad":
        kept = kept.mapped((width, height), lambda each: ImageOps.pad(each, (width, height)))
    return Made((kept, *kept.size))


@behaves("ImageCrop", "ImageCrop+")
def crop(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["image"]
    width, height = min(inputs["width"], image.size[0]), min(inputs["height"], image.size[1])
    left, top = given(inputs, "x", "x_offset", default=0), given(inputs, "y", "y_offset", default=0)
    if "center" in str(inputs.get("position", "")):
        left, top = left + (image.size[0] - width) // 2, top + (image.size[1] - height) // 2
    left, top = min(left, image.size[0] - width), min(top, image.size[1] - height)
    cropped = image.mapped((width, height), lambda each: each.crop((left, top, left + width, top + height)))
    return Made((cropped, left, top))


@behaves("ImagePadForOutpaint")
def pad(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["image"]
    left, top, right, bottom = (inputs[side] for side in ("left", "top", "right", "bottom"))
    size = (image.size[0] + left + right, image.size[1] + top + bottom)

    def padded(each: Image.Image) -> Image.Image:
        """The border shows the picture's own blurred edge, as an outpainting would carry it on."""
        canvas = each.resize(size).filter(ImageFilter.GaussianBlur(max(size) / 40))
        canvas.paste(each, (left, top))
        return canvas

    return Made((image.mapped(size, padded), solid(size, (255, 255, 255))))


@behaves("ImageFlip+")
def flip(run: Run, inputs: Inputs) -> Made:
    def flipped(each: Image.Image) -> Image.Image:
        across = ImageOps.mirror(each) if "x" in inputs["axis"] else each
        return ImageOps.flip(across) if "y" in inputs["axis"] else across

    return Made((inputs["image"].mapped(inputs["image"].size, flipped),))


@behaves("ImageBlur")
def blur(run: Run, inputs: Inputs) -> Made:
    run.touch_gpu()
    image: Pictures = inputs["image"]
    return Made((image.mapped(image.size, lambda each: each.filter(ImageFilter.GaussianBlur(inputs["sigma"]))),))


@behaves("ImageConcanate")
def concatenate(run: Run, inputs: Inputs) -> Made:
    """Side by side. Sides that differ in length are an error on the node as well, so the second is made to fit."""
    first: Pictures = inputs["image1"]
    second: Pictures = inputs["image2"]
    is_row = inputs["direction"] in {"left", "right"}
    if inputs["direction"] in {"left", "up"}:
        first, second = second, first
    fitting = (second.size[0], first.size[1]) if is_row else (first.size[0], second.size[1])
    second = second.resized(fitting)
    size = (first.size[0] + fitting[0], first.size[1]) if is_row else (first.size[0], first.size[1] + fitting[1])

    def joined(index: int) -> Image.Image:
        canvas = Image.new("RGB", size)
        canvas.paste(first.frame(min(index, first.count - 1)), (0, 0))
        corner = (first.size[0], 0) if is_row else (0, first.size[1])
        canvas.paste(second.frame(min(index, second.count - 1)), corner)
        return canvas

    return Made((Pictures.drawn(max(first.count, second.count), size, joined, first.label),))


@behaves("ImageUpscaleWithModel")
def upscale_with_model(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["image"]
    model: Model = inputs["upscale_model"]
    found = re.search(r"(\d)x|x(\d)", model.name, re.IGNORECASE)
    factor = int(found[1] or found[2]) if found else 4
    for index in range(1, image.count + 1):
        run.wait(run.settings.frame_seconds)
        run.progress(index, image.count)
    return Made((image.resized((image.size[0] * factor, image.size[1] * factor)),))


@behaves("ImageBatch", "ImageBatchMulti", "ImageBatchMultiple+", "VHS_MergeImages")
def batch(run: Run, inputs: Inputs) -> Made:
    first, *others = [value for value in inputs.values() if isinstance(value, Pictures)]
    for other in others:
        first = first.joined(other)
    return Made((first, first.count))


@behaves("RepeatImageBatch", "VHS_DuplicateImages")
def repeat(run: Run, inputs: Inputs) -> Made:
    image: Pictures = given(inputs, "image", "images")
    times = given(inputs, "amount", "multiply_by", default=1)
    repeated = image.picked(list(range(image.count)) * times)
    return Made((repeated, repeated.count))


@behaves("ImageFromBatch", "ImageFromBatch+", "GetImageRangeFromBatch")
def from_batch(run: Run, inputs: Inputs) -> Made:
    image: Pictures | None = given(inputs, "image", "images")
    if image is None:
        return pass_through(run, inputs)
    start = min(given(inputs, "batch_index", "start", "start_index", default=0), image.count - 1)
    length = given(inputs, "length", "num_frames", default=1)
    end = image.count if length < 0 else min(image.count, start + length)
    return Made((image.picked(range(start, end)), solid(image.size, (255, 255, 255))))


@behaves("VHS_SelectEveryNthImage")
def every_nth(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["images"]
    chosen = image.picked(range(inputs["skip_first_images"], image.count, inputs["select_every_nth"]))
    return Made((chosen, chosen.count))


@behaves("FILM VFI")
def interpolate(run: Run, inputs: Inputs) -> Made:
    """Every ... VFI class. They report no progress, so an interrupt waits until they are through."""
    frames: Pictures = inputs["frames"]
    longer = frames.between(int(inputs.get("multiplier", 2)))
    run.wait(run.settings.frame_seconds * longer.count)
    return Made((longer,))


@behaves("GetImageSize+", "GetImageSizeAndCount")
def image_size(run: Run, inputs: Inputs) -> Made:
    image: Pictures = inputs["image"]
    size = (*image.size, image.count)
    return Made((image, *size) if run.class_type == "GetImageSizeAndCount" else size)


@behaves("EmptyImage")
def empty_image(run: Run, inputs: Inputs) -> Made:
    colour = inputs["color"]
    rgb = (colour >> 16 & 255, colour >> 8 & 255, colour & 255)
    return Made((solid((inputs["width"], inputs["height"]), rgb, inputs["batch_size"]),))


OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


@behaves("SimpleMath+")
def calculate(run: Run, inputs: Inputs) -> Made:
    def value(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in inputs:
                return float(inputs[name])
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return float(OPERATORS[type(op)](value(left), value(right)))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
        raise ValueError(f"SimpleMath cannot read {inputs['value']!r}")

    result = value(ast.parse(inputs["value"], mode="eval").body)
    return Made((round(result), result))
