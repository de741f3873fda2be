"""The model files the workflows load: where they lie on a GPU host, where they come from, on what terms.

Sizes are rounded, as their publishers list them. ``commercial_use`` follows the stricter reading of the licence.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """One file, or one folder with ``parts`` in it, under ComfyUI's directory on the host.

    ``loaders`` are the (node class, input) pairs that name it. ``listed`` says whether the live node's list of
    choices comes from the disk: only then does /object_info tell if the file is there. Nodes marked
    ``fetches_when_missing`` would download the file while a job runs; the doctor looks for it on the disk so that
    they never have to. ``base`` is the model family it was trained for; all of one graph's must agree.
    ``only_if`` is the (parameter, value) without which the file is not loaded.
    """

    folder: str
    file: str
    source: str
    licence: str
    commercial_use: bool
    size_mb: int
    loaders: tuple[tuple[str, str], ...]
    parts: tuple[str, ...] = ()
    listed: bool = True
    fetches_when_missing: bool = False
    base: str = ""
    alternative: str = ""
    only_if: tuple[str, Any] | None = None

    @property
    def path(self) -> str:
        """Relative to ComfyUI's directory, with forward slashes."""
        return f"{self.folder}/{self.file}"


DREAMSHAPER = ModelFile(
    folder="models/checkpoints",
    file="DreamShaperXL-v2_1-turboDPMSDE.safetensors",
    source="https://civitai.com/models/112902, v2.1 Turbo DPM++ SDE, renamed as the hosts have it",
    licence="published as OpenRAIL++; made with SDXL Turbo, whose own licence is non-commercial",
    commercial_use=False,
    size_mb=6_940,
    loaders=(("CheckpointLoaderSimple", "ckpt_name"),),
    base="SDXL",
    alternative="a Stability AI licence for SDXL Turbo, or another SDXL checkpoint with its own steps and cfg",
)
INSTANTID_ADAPTER = ModelFile(
    folder="models/instantid",
    file="ip-adapter.bin",
    source="https://huggingface.co/InstantX/InstantID",
    licence="Apache-2.0; works only with antelopev2, see there",
    commercial_use=True,
    size_mb=1_690,
    loaders=(("InstantIDModelLoader", "instantid_file"),),
    base="SDXL",
)
INSTANTID_CONTROLNET = ModelFile(
    folder="models/controlnet",
    file="Instantid_sdxl_controlnet.safetensors",
    source="https://huggingface.co/InstantX/InstantID, ControlNetModel/diffusion_pytorch_model.safetensors, renamed",
    licence="Apache-2.0",
    commercial_use=True,
    size_mb=2_500,
    loaders=(("ControlNetLoader", "control_net_name"),),
    base="SDXL",
)
ANTELOPE = ModelFile(
    folder="models/insightface/models",
    file="antelopev2",
    parts=("1k3d68.onnx", "2d106det.onnx", "genderage.onnx", "glintr100.onnx", "scrfd_10g_bnkps.onnx"),
    source="https://github.com/deepinsight/insightface/releases/tag/v0.7, antelopev2.zip",
    licence="InsightFace: non-commercial research only",
    commercial_use=False,
    size_mb=410,
    loaders=(),
    listed=False,
    fetches_when_missing=True,
    alternative="a commercial licence from InsightFace; InstantID was trained on this model and takes no other",
)
BUFFALO = ModelFile(
    folder="models/insightface/models",
    file="buffalo_l",
    parts=("1k3d68.onnx", "2d106det.onnx", "det_10g.onnx", "genderage.onnx", "w600k_r50.onnx"),
    source="https://github.com/deepinsight/insightface/releases/tag/v0.7, buffalo_l.zip",
    licence="InsightFace: non-commercial research only",
    commercial_use=False,
    size_mb=330,
    loaders=(("IPAdapterInsightFaceLoader", "model_name"),),
    listed=False,
    fetches_when_missing=True,
    alternative="a commercial licence from InsightFace; FaceID was trained on this model and takes no other",
)
# The loader knows a "plus v2" model by these letters in its name: the file must not be renamed.
FACEID_ADAPTER = ModelFile(
    folder="models/ipadapter",
    file="ip-adapter-faceid-plusv2_sdxl.bin",
    source="https://huggingface.co/h94/IP-Adapter-FaceID",
    licence="research only, as the InsightFace model it was trained on",
    commercial_use=False,
    size_mb=1_490,
    loaders=(("IPAdapterModelLoader", "ipadapter_file"),),
    base="SDXL",
    alternative="none; InstantID alone carries a likeness, less closely, and needs antelopev2 all the same",
)
FACEID_LORA = ModelFile(
    folder="models/loras",
    file="ip-adapter-faceid-plusv2_sdxl_lora.safetensors",
    source="https://huggingface.co/h94/IP-Adapter-FaceID",
    licence="research only, as the InsightFace model it was trained on",
    commercial_use=False,
    size_mb=370,
    loaders=(("LoraLoaderModelOnly", "lora_name"),),
    base="SDXL",
    alternative="goes with its adapter",
)
CLOTHES_ADAPTER = ModelFile(
    folder="models/ipadapter",
    file="ip-adapter-plus_sdxl_vit-h.safetensors",
    source="https://huggingface.co/h94/IP-Adapter, sdxl_models",
    licence="Apache-2.0",
    commercial_use=True,
    size_mb=850,
    loaders=(("IPAdapterModelLoader", "ipadapter_file"),),
    base="SDXL",
    only_if=("clothes", "own"),
)
CLIP_VISION_H = ModelFile(
    folder="models/clip_vision",
    file="CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors",
    source="https://huggingface.co/h94/IP-Adapter, models/image_encoder/model.safetensors, renamed",
    licence="MIT",
    commercial_use=True,
    size_mb=2_530,
    loaders=(("CLIPVisionLoader", "clip_name"),),
)
COGVIDEOX_I2V = ModelFile(
    folder="models/CogVideo",
    file="CogVideoX-5b-I2V",
    parts=(
        "transformer/config.json",
        "transformer/diffusion_pytorch_model.safetensors.index.json",
        "transformer/diffusion_pytorch_model-00001-of-00003.safetensors",
        "transformer/diffusion_pytorch_model-00002-of-00003.safetensors",
        "transformer/diffusion_pytorch_model-00003-of-00003.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ),
    source="https://huggingface.co/THUDM/CogVideoX-5b-I2V, folders transformer and vae",
    licence="CogVideoX licence: free for research; commercial use after registration, up to 1 million visits a month",
    commercial_use=False,
    size_mb=11_700,
    loaders=(("DownloadAndLoadCogVideoModel", "model"),),
    listed=False,
    fetches_when_missing=True,
    base="CogVideoX-5b",
    alternative="register with the publisher; the 2b model (Apache-2.0) makes video from text only",
)
T5 = ModelFile(
    folder="models/clip",
    file="t5xxl_fp8_e4m3fn.safetensors",
    source="https://huggingface.co/comfyanonymous/flux_text_encoders",
    licence="Apache-2.0",
    commercial_use=True,
    size_mb=4_890,
    loaders=(("CLIPLoader", "clip_name"),),
)
FILM = ModelFile(
    folder="custom_nodes/ComfyUI-Frame-Interpolation/ckpts/film",
    file="film_net_fp32.pt",
    source="https://github.com/Fannovel16/ComfyUI-Frame-Interpolation/releases/tag/models",
    licence="Apache-2.0",
    commercial_use=True,
    size_mb=140,
    loaders=(("FILM VFI", "ckpt_name"),),
    listed=False,
    fetches_when_missing=True,
)
ULTRASHARP = ModelFile(
    folder="models/upscale_models",
    file="4x-Ultrasharp.pt",
    source="https://huggingface.co/Kim2091/UltraSharp (4x-UltraSharp.pth, renamed as the hosts have it)",
    licence="CC BY-NC-SA 4.0: non-commercial",
    commercial_use=False,
    size_mb=67,
    loaders=(("UpscaleModelLoader", "model_name"),),
    alternative="RealESRGAN_x4plus.pth, which is used wherever this file is not",
    only_if=("upscaler", "ultrasharp"),
)
REALESRGAN = ModelFile(
    folder="models/upscale_models",
    file="RealESRGAN_x4plus.pth",
    source="https://github.com/xinntao/Real-ESRGAN/releases/tag/v0.1.0",
    licence="BSD-3-Clause",
    commercial_use=True,
    size_mb=67,
    loaders=(("UpscaleModelLoader", "model_name"),),
    only_if=("upscaler", "realesrgan"),
)
MODEL_FILES = (
    DREAMSHAPER,
    INSTANTID_ADAPTER,
    INSTANTID_CONTROLNET,
    ANTELOPE,
    BUFFALO,
    FACEID_ADAPTER,
    FACEID_LORA,
    CLOTHES_ADAPTER,
    CLIP_VISION_H,
    COGVIDEOX_I2V,
    T5,
    FILM,
    ULTRASHARP,
    REALESRGAN,
)
