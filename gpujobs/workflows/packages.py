"""Which package each node class in use comes from, and the version whose inputs the graphs were written for."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Package:
    """A folder of ComfyUI's custom_nodes, or ComfyUI itself. ``commit`` is the one to check out, in full, or a tag."""

    name: str
    repository: str
    version: str
    commit: str
    licence: str
    classes: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class NodeClass:
    name: str
    package: Package


COMFYUI = Package(
    name="ComfyUI",
    repository="https://github.com/comfyanonymous/ComfyUI",
    version="0.2.4",
    commit="v0.2.4",
    licence="GPL-3.0",
    classes=(
        "CheckpointLoaderSimple",
        "CLIPLoader",
        "CLIPTextEncode",
        "CLIPVisionLoader",
        "ControlNetLoader",
        "EmptyLatentImage",
        "ImageBatch",
        "ImageBlend",
        "ImageBlur",
        "ImageCrop",
        "ImageFromBatch",
        "ImageScale",
        "ImageScaleBy",
        "ImageUpscaleWithModel",
        "KSampler",
        "LoadImage",
        "LoraLoaderModelOnly",
        "MaskComposite",
        "SaveImage",
        "SolidMask",
        "UpscaleModelLoader",
        "VAEDecode",
    ),
)
INSTANTID = Package(
    name="ComfyUI_InstantID",
    repository="https://github.com/cubiq/ComfyUI_InstantID",
    version="1.0.0",
    commit="1ef34ef573581bd9727c1e0ac05aa956b356a510",
    licence="Apache-2.0",
    classes=("ApplyInstantIDAdvanced", "InstantIDFaceAnalysis", "InstantIDModelLoader"),
)
IPADAPTER = Package(
    name="ComfyUI_IPAdapter_plus",
    repository="https://github.com/cubiq/ComfyUI_IPAdapter_plus",
    version="2.0.0",
    commit="b188a6cb39b512a9c6da7235b880af42c78ccd0d",
    licence="GPL-3.0",
    classes=(
        "IPAdapterAdvanced",
        "IPAdapterFaceID",
        "IPAdapterInsightFaceLoader",
        "IPAdapterModelLoader",
        "PrepImageForClipVision",
    ),
)
COGVIDEO = Package(
    name="ComfyUI-CogVideoXWrapper",
    repository="https://github.com/kijai/ComfyUI-CogVideoXWrapper",
    version="1.1.0",
    commit="909d7026f3532dab1104fccaf3f1f1bc1506b6dc",
    licence="Apache-2.0 (stated since 2024-12-24)",
    classes=(
        "CogVideoDecode",
        "CogVideoImageEncode",
        "CogVideoSampler",
        "CogVideoTextEncode",
        "DownloadAndLoadCogVideoModel",
    ),
    note=(
        "The state of main from 2024-11-08 (1cc6e1f) to 2024-11-19. From 67f2f6a (1.5.0) on the nodes take other "
        "inputs: the prompt is accepted with node_errors and succeeds without a video."
    ),
)
ESSENTIALS = Package(
    name="ComfyUI_essentials",
    repository="https://github.com/cubiq/ComfyUI_essentials",
    version="1.1.0",
    commit="5a4e5cd5750515d76f3a3363b7d2a0f362507796",
    licence="MIT",
    classes=("ImageFlip+", "ImageResize+"),
)
KJNODES = Package(
    name="ComfyUI-KJNodes",
    repository="https://github.com/kijai/ComfyUI-KJNodes",
    version="1.0.1",
    commit="28381262d197596eb2b4c9bcc361228a5dcef4cc",
    licence="GPL-3.0",
    classes=("ImageConcanate",),
)
VIDEO_HELPER = Package(
    name="ComfyUI-VideoHelperSuite",
    repository="https://github.com/Kosinkadink/ComfyUI-VideoHelperSuite",
    version="1.4.0",
    commit="d1d59ba6ac84e3c7608841c630fcb66ae3d2e080",
    licence="GPL-3.0",
    classes=("VHS_LoadVideo", "VHS_VideoCombine"),
)
INTERPOLATION = Package(
    name="ComfyUI-Frame-Interpolation",
    repository="https://github.com/Fannovel16/ComfyUI-Frame-Interpolation",
    version="1.0.6",
    commit="c336f7184cb1ac1243381e725fea1ad2c0a10c09",
    licence="MIT",
    classes=("FILM VFI",),
)

PACKAGES = (COMFYUI, INSTANTID, IPADAPTER, COGVIDEO, ESSENTIALS, KJNODES, VIDEO_HELPER, INTERPOLATION)
NODE_CLASSES = MappingProxyType(
    {name: NodeClass(name=name, package=package) for package in PACKAGES for name in package.classes}
)
