"""Where each file of each model can be fetched from before a host goes to work, and how to know it arrived whole.

Sums are those that several public lists agree on; nobody here has fetched the files. An empty one is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gpujobs.workflows import model_files
from gpujobs.workflows.model_files import ModelFile

HUGGING_FACE = "https://huggingface.co"
INSIGHTFACE = "https://github.com/deepinsight/insightface/releases/download/v0.7"


@dataclass(frozen=True, kw_only=True)
class Download:
    """``url`` of the file itself, or of a .zip with a member of the file's name. ``sha256`` of the file, in hex."""

    url: str
    sha256: str = ""


def _whole(model: ModelFile, url: str, sha256: str = "") -> dict[str, Download]:
    return {model.path: Download(url=url, sha256=sha256)}


def _parts(model: ModelFile, archive: str, sums: Mapping[str, str]) -> dict[str, Download]:
    return {f"{model.path}/{part}": Download(url=archive, sha256=sums[part]) for part in model.parts}


# Both packages of faces hold the same detector and landmarks; they differ in how they know one face from another.
FACE_SUMS = {
    "1k3d68.onnx": "df5c06b8a0c12e422b2ed8947b8869faa4105387f199c477af038aa01f9a45cc",
    "2d106det.onnx": "f001b856447c413801ef5c42091ed0cd516fcd21f2d6b79635b1e733a7109dbf",
    "det_10g.onnx": "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
    "genderage.onnx": "4fde69b1c810857b88c64a335084f1c3fe8f01246c9a191b48c7bb756d6652fb",
    "glintr100.onnx": "4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf",
    "scrfd_10g_bnkps.onnx": "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
    "w600k_r50.onnx": "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
}

DOWNLOADS: Mapping[str, Download] = MappingProxyType(
    _whole(
        model_files.DREAMSHAPER,
        f"{HUGGING_FACE}/Lykon/dreamshaper-xl-v2-turbo/resolve/main/DreamShaperXL_Turbo_v2_1.safetensors",
        "4496b36d48bfd7cfe4e5dbce3485db567bcefa2bef7238d290dbd45612125083",
    )
    | _whole(
        model_files.INSTANTID_ADAPTER,
        f"{HUGGING_FACE}/InstantX/InstantID/resolve/main/ip-adapter.bin",
        "02b3618e36d803784166660520098089a81388e61a93ef8002aa79a5b1c546e1",
    )
    | _whole(
        model_files.INSTANTID_CONTROLNET,
        f"{HUGGING_FACE}/InstantX/InstantID/resolve/main/ControlNetModel/diffusion_pytorch_model.safetensors",
        "c8127be9f174101ebdafee9964d856b49b634435cf6daa396d3f593cf0bbbb05",
    )
    | _parts(model_files.ANTELOPE, f"{INSIGHTFACE}/antelopev2.zip", FACE_SUMS)
    | _parts(model_files.BUFFALO, f"{INSIGHTFACE}/buffalo_l.zip", FACE_SUMS)
    | _whole(
        model_files.FACEID_ADAPTER,
        f"{HUGGING_FACE}/h94/IP-Adapter-FaceID/resolve/main/ip-adapter-faceid-plusv2_sdxl.bin",
        "c6945d82b543700cc3ccbb98d363b837e9c596281607857c74b713a876daf5fb",
    )
    | _whole(
        model_files.FACEID_LORA,
        f"{HUGGING_FACE}/h94/IP-Adapter-FaceID/resolve/main/ip-adapter-faceid-plusv2_sdxl_lora.safetensors",
        "f24b4bb2dad6638a09c00f151cde84991baf374409385bcbab53c1871a30cb7b",
    )
    | _whole(
        model_files.CLOTHES_ADAPTER,
        f"{HUGGING_FACE}/h94/IP-Adapter/resolve/main/sdxl_models/ip-adapter-plus_sdxl_vit-h.safetensors",
        "3f5062b8400c94b7159665b21ba5c62acdcd7682262743d7f2aefedef00e6581",
    )
    | _whole(
        model_files.CLIP_VISION_H,
        f"{HUGGING_FACE}/h94/IP-Adapter/resolve/main/models/image_encoder/model.safetensors",
        "6ca9667da1ca9e0b0f75e46bb030f7e011f44f86cbfb8d5a36590fcd7507b030",
    )
    | {
        f"{model_files.COGVIDEOX_I2V.path}/{part}": Download(
            url=f"{HUGGING_FACE}/THUDM/CogVideoX-5b-I2V/resolve/main/{part}"
        )
        for part in model_files.COGVIDEOX_I2V.parts
    }
    | _whole(
        model_files.T5,
        f"{HUGGING_FACE}/comfyanonymous/flux_text_encoders/resolve/main/t5xxl_fp8_e4m3fn.safetensors",
        "7d330da4816157540d6bb7838bf63a0f02f573fc48ca4d8de34bb0cbfd514f09",
    )
    | _whole(
        model_files.FILM,
        "https://github.com/Fannovel16/ComfyUI-Frame-Interpolation/releases/download/models/film_net_fp32.pt",
    )
    | _whole(
        model_files.ULTRASHARP,
        f"{HUGGING_FACE}/Kim2091/UltraSharp/resolve/main/4x-UltraSharp.pth",
        "a5812231fc936b42af08a5edba784195495d303d5b3248c24489ef0c4021fe01",
    )
    | _whole(
        model_files.REALESRGAN,
        "https://github.com/xinntao/Real-ESRGAN/releases/download/v0.1.0/RealESRGAN_x4plus.pth",
        "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1",
    )
)
