"""Files and graphs for the tests: drawn faces, plain colours, short videos, small graphs."""

import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from gpujobs.standin import video

SIZE = (240, 300)


def png(colour: tuple[int, int, int] = (90, 120, 150), size: tuple[int, int] = SIZE) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", size, colour).save(packed, "PNG")
    return packed.getvalue()


def face_png() -> bytes:
    """A face as flat as a drawing gets: an ellipse of skin, two eyes, a mouth."""
    image = Image.new("RGB", SIZE, (120, 140, 160))
    pen = ImageDraw.Draw(image)
    pen.ellipse((70, 60, 170, 200), fill=(224, 182, 152))
    for x in (98, 142):
        pen.ellipse((x - 9, 112, x + 9, 124), fill=(40, 30, 30))
    pen.line((100, 168, 140, 168), fill=(150, 60, 60), width=5)
    packed = io.BytesIO()
    image.save(packed, "PNG")
    return packed.getvalue()


def mp4(path: Path, frames: int, fps: float = 12) -> bytes:
    pictures = (Image.new("RGB", (64, 48), (index * 5, 90, 90)) for index in range(frames))
    video.encode(pictures, (64, 48), path, fps=fps, crf=23, pixel_format="yuv420p", comment="", on_frame=lambda: None)
    return path.read_bytes()


def scaled(name: str = "photo.png", *, prefix: str = "t/scaled", width: int = 64) -> dict[str, Any]:
    """LoadImage, ImageScale, SaveImage."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "2": {
            "class_type": "ImageScale",
            "inputs": {"image": ["1", 0], "upscale_method": "lanczos", "width": width, "height": 80, "crop": "center"},
        },
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": prefix}},
    }


def sampled(*, seed: int = 1, steps: int = 4, prefix: str = "t/sampled", text: str = "a portrait") -> dict[str, Any]:
    """A KSampler on the recorded tiny checkpoint, 64 pixels square."""
    return {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny-sd3-random.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": text}},
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["4", 0],
                "positive": ["6", 0],
                "negative": ["6", 0],
                "latent_image": ["5", 0],
                "seed": seed,
                "steps": steps,
                "cfg": 4.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": prefix}},
    }
