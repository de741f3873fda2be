"""What flows along a graph's links in place of tensors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from PIL import Image

Size = tuple[int, int]


@dataclass(frozen=True)
class Pictures:
    """IMAGE and MASK: `count` RGB pictures of one size, drawn only when looked at (a long video would not fit).

    label: what the sample mark says beside 견본, such as the seed. unscaled: the same before it was made larger or
    smaller, so that an upscale that is halved again costs one resize.
    """

    count: int
    size: Size
    frame: Callable[[int], Image.Image]
    label: str = ""
    unscaled: "Pictures | None" = None

    @classmethod
    def of(cls, images: Sequence[Image.Image]) -> "Pictures":
        """As ComfyUI batches: all take the first one's size."""
        size = images[0].size
        same = [image if image.size == size else image.resize(size) for image in images]
        return cls(len(same), size, same.__getitem__)

    @classmethod
    def drawn(cls, count: int, size: Size, draw: Callable[[int], Image.Image], label: str = "") -> "Pictures":
        return cls(count, size, lru_cache(maxsize=4)(draw), label)

    def mapped(self, size: Size, change: Callable[[Image.Image], Image.Image]) -> "Pictures":
        return Pictures.drawn(self.count, size, lambda i: change(self.frame(i)), self.label)

    def resized(self, size: Size) -> "Pictures":
        if size == self.size:
            return self
        base = self.unscaled or self
        return replace(base.mapped(size, lambda image: image.resize(size, Image.Resampling.LANCZOS)), unscaled=base)

    def picked(self, indices: Sequence[int]) -> "Pictures":
        chosen = list(indices)
        return replace(self, count=len(chosen), frame=lambda i: self.frame(chosen[i]), unscaled=None)

    def joined(self, other: "Pictures") -> "Pictures":
        """The other pictures are centre-cropped and scaled to this one's size, as ImageBatch does."""
        same = other.filled(self.size)

        def either(i: int) -> Image.Image:
            return self.frame(i) if i < self.count else same.frame(i - self.count)

        return replace(self, count=self.count + other.count, frame=either, unscaled=None)

    def filled(self, size: Size) -> "Pictures":
        """Cropped about the centre to the shape of `size`, then scaled to it."""
        if size == self.size:
            return self
        (width, height), (new_width, new_height) = self.size, size
        scale = max(new_width / width, new_height / height)
        crop_width, crop_height = new_width / scale, new_height / scale
        left, top = (width - crop_width) / 2, (height - crop_height) / 2
        box = (left, top, left + crop_width, top + crop_height)
        return self.mapped(size, lambda image: image.resize(size, Image.Resampling.LANCZOS, box=box))

    def between(self, multiplier: int) -> "Pictures":
        """Interpolated: multiplier - 1 new pictures between each two, as the VFI nodes count."""
        if self.count < 2:
            return self
        still = replace(self, frame=lru_cache(maxsize=2)(self.frame))

        def blend(i: int) -> Image.Image:
            whole, part = divmod(i, multiplier)
            if part == 0:
                return still.frame(whole)
            return Image.blend(still.frame(whole), still.frame(whole + 1), part / multiplier)

        return replace(self, count=(self.count - 1) * multiplier + 1, frame=blend, unscaled=None)


@dataclass(frozen=True)
class Latent:
    """LATENT: how many pictures of which size will come out, and what they are made from (None: empty latent)."""

    count: int
    size: Size
    source: Pictures | None = None


@dataclass(frozen=True)
class Model:
    """MODEL, CLIP, VAE and every other loaded thing: its file, and the photo whose face was put into it."""

    name: str
    face: Pictures | None = None


@dataclass(frozen=True)
class Conditioning:
    text: str = ""
    face: Pictures | None = None


@dataclass(frozen=True)
class Noise:
    seed: int


@dataclass(frozen=True)
class Sigmas:
    steps: int


@dataclass(frozen=True)
class Guider:
    model: Model
    conditioning: Conditioning


@dataclass(frozen=True)
class VideoInfo:
    """VHS_VIDEOINFO, in the order that VHS_VideoInfo gives it out."""

    fps: float
    count: int
    size: Size

    def fields(self) -> tuple[float, int, float, int, int]:
        return (self.fps, self.count, self.count / self.fps if self.fps else 0.0, *self.size)


@dataclass(frozen=True)
class Opaque:
    """A value of a type that no behaviour looks into."""

    kind: str
    parts: tuple[object, ...] = field(default=())


def solid(size: Size, colour: tuple[int, int, int], count: int = 1) -> Pictures:
    return Pictures.drawn(count, size, lambda i: Image.new("RGB", size, colour))
