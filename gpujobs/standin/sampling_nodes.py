"""Samplers, what leads a face into them, and what turns pictures into latents and back."""

from dataclasses import replace

from PIL import Image

from . import faces, pictures
from .nodes import behaves, given, pass_through
from .run import Inputs, Made, Run
from .values import Conditioning, Guider, Latent, Model, Noise, Pictures, Sigmas, Size, solid


def _face_in(photos: Pictures) -> bool:
    return any(faces.find(photos.frame(index)) for index in range(photos.count))


@behaves("ApplyInstantID", "ApplyInstantIDAdvanced", "ApplyInstantIDControlNet", "InstantIDAttentionPatch")
def apply_instant_id(run: Run, inputs: Inputs) -> Made:
    photos: Pictures | None = inputs.get("image")
    if photos is not None and not _face_in(photos):
        raise Exception("Reference Image: No face detected.")
    return _with_face(pass_through(run, inputs), photos)


@behaves("IPAdapterFaceID", "IPAAdapterFaceIDBatch", "IPAdapterFaceIDKolors")
def apply_face_id(run: Run, inputs: Inputs) -> Made:
    photos: Pictures = inputs["image"]
    for index in range(photos.count):
        if not faces.find(photos.frame(index)):
            raise Exception("InsightFace: No face detected.")
    return _with_face(pass_through(run, inputs), photos)


@behaves("IPAdapter", "IPAdapterAdvanced", "IPAdapterBatch", "IPAdapterTiled", "IPAdapterMS")
def apply_ip_adapter(run: Run, inputs: Inputs) -> Made:
    return _with_face(pass_through(run, inputs), inputs.get("image"))


def _with_face(made: Made, photos: Pictures | None) -> Made:
    """The first photo given stays: an IP-Adapter for style after a face node must not take its place."""
    outputs = tuple(
        replace(value, face=value.face or photos) if isinstance(value, Model | Conditioning) else value
        for value in made.outputs
    )
    return Made(outputs, made.ui)


@behaves("EmptyLatentImage", "EmptySD3LatentImage")
def empty_latent(run: Run, inputs: Inputs) -> Made:
    size = (inputs["width"] // 8 * 8, inputs["height"] // 8 * 8)
    return Made((Latent(inputs["batch_size"], size),))


@behaves("VAEEncode", "VAEEncodeTiled", "VAEEncodeForInpaint", "VHS_VAEEncodeBatched", "CogVideoImageEncode")
def encode(run: Run, inputs: Inputs) -> Made:
    source: Pictures = next(value for value in inputs.values() if isinstance(value, Pictures))
    size = (source.size[0] // 8 * 8, source.size[1] // 8 * 8)
    return Made((Latent(source.count, size, source.filled(size)),))


@behaves("InpaintModelConditioning")
def encode_for_inpainting(run: Run, inputs: Inputs) -> Made:
    source: Pictures = inputs["pixels"]
    return Made((inputs["positive"], inputs["negative"], Latent(source.count, source.size, source)))


@behaves("VAEDecode", "VAEDecodeTiled", "VHS_VAEDecodeBatched", "CogVideoDecode")
def decode(run: Run, inputs: Inputs) -> Made:
    latent: Latent = inputs["samples"]
    return Made((latent.source or solid(latent.size, (127, 127, 127), latent.count),))


@behaves("LatentUpscale", "LatentUpscaleBy")
def upscale_latent(run: Run, inputs: Inputs) -> Made:
    latent: Latent = inputs["samples"]
    if "scale_by" in inputs:
        wanted: Size = (round(latent.size[0] * inputs["scale_by"]), round(latent.size[1] * inputs["scale_by"]))
    else:
        wanted = (inputs["width"], inputs["height"])
    size = (wanted[0] // 8 * 8, wanted[1] // 8 * 8)
    source = latent.source and latent.source.resized(size)
    return Made((Latent(latent.count, size, source),))


@behaves("RepeatLatentBatch", "VHS_DuplicateLatents")
def repeat_latent(run: Run, inputs: Inputs) -> Made:
    latent: Latent = next(value for value in inputs.values() if isinstance(value, Latent))
    times = given(inputs, "amount", "multiply_by", default=1)
    source = latent.source and latent.source.picked(list(range(latent.count)) * times)
    return Made((Latent(latent.count * times, latent.size, source), latent.count * times))


@behaves("KSampler", "KSamplerAdvanced", "KSamplerVariationsStochastic+", "KSamplerVariationsWithNoise+")
def sample(run: Run, inputs: Inputs) -> Made:
    first, last = inputs.get("start_at_step", 0), inputs.get("end_at_step", inputs["steps"])
    steps = max(1, min(last, inputs["steps"]) - first)
    latent: Latent = inputs["latent_image"]
    is_retouch = latent.source is not None and (inputs.get("denoise", 1.0) < 1 or first > 0)
    seed = int(given(inputs, "seed", "noise_seed", default=0))
    positive: Conditioning = inputs.get("positive") or Conditioning()
    return Made((_sampled(run, inputs["model"], positive, latent, seed, steps, is_retouch=is_retouch),))


@behaves("SamplerCustom", "SamplerCustomAdvanced")
def sample_custom(run: Run, inputs: Inputs) -> Made:
    guider: Guider = inputs.get("guider") or Guider(inputs["model"], inputs["positive"])
    noise: Noise = inputs.get("noise") or Noise(inputs["noise_seed"])
    sigmas: Sigmas = inputs["sigmas"]
    latent: Latent = inputs["latent_image"]
    is_retouch = latent.source is not None
    made = _sampled(run, guider.model, guider.conditioning, latent, noise.seed, sigmas.steps, is_retouch=is_retouch)
    return Made((made, made))


def _sampled(
    run: Run, model: Model, positive: Conditioning, latent: Latent, seed: int, steps: int, *, is_retouch: bool
) -> Latent:
    run.hold(model.name)
    photos = latent.source if is_retouch else model.face or positive.face or latent.source

    def draw(index: int) -> Image.Image:
        if photos is None:
            return pictures.imagined(latent.size, positive.text, seed + index)
        if is_retouch:
            return pictures.retouched(photos.frame(index % photos.count), latent.size, seed + index)
        photo = photos.frame((seed + index) % photos.count)
        return pictures.composed(photo, latent.size, positive.text, seed + index)

    label = photos.label if is_retouch and photos and photos.label else f"#{seed % 10000:04}"
    result = Pictures.drawn(latent.count, latent.size, draw, label)
    sketch = pictures.preview_of(result.frame(0), 1)
    for step in range(1, steps + 1):
        run.sampler_step()
        run.progress(step, steps, pictures.preview_of(sketch, step / steps))
    return Latent(latent.count, latent.size, result)


@behaves("CogVideoSampler", "CogVideoXFunSampler")
def sample_video(run: Run, inputs: Inputs) -> Made:
    pipeline: Model = inputs["pipeline"]
    run.hold(pipeline.name)
    conditions = [value for value in inputs.values() if isinstance(value, Latent) and value.source]
    frames = int(given(inputs, "num_frames", "video_length", default=49))
    size: Size = conditions[0].size if conditions else (720, 480)
    if "width" in inputs and "height" in inputs:
        size = (inputs["width"], inputs["height"])
    seed = int(inputs["seed"])
    source = conditions[0].source if conditions else None
    still = source.frame(0) if source else pictures.imagined(size, inputs["positive"].text, seed)
    for step in range(1, inputs["steps"] + 1):
        run.sampler_step()
        run.progress(step, inputs["steps"])
    return Made((pipeline, Latent(frames, size, pictures.moving(still, size, frames, seed))))
