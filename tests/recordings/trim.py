"""Trim what was recorded from real ComfyUI servers to what the tests and the stand-in need.

    python tests/recordings/trim.py [RECORDED_DIR]

RECORDED_DIR (default: ../shared/comfyui beside the checkout) holds object_info-0.2.4.json and transcripts/*.json.
Written:

- tests/recordings/VERSION-SCENARIO.json: messages and shapes, one event per line. Dropped: traceback text,
  descriptions, log text, byte counts of JSON answers (they no longer fit). File names of real people are replaced.
- gpujobs/workflows/node_facts.json: types, ranges, defaults, required/optional, outputs of the node classes in
  NODE_MODULES, NODE_CLASSES and every graph.json under gpujobs/workflows. No tooltips, no descriptions.

The files written are committed: a clone needs nothing beside it. Run again after adding a class to a graph.
"""

import ast
import json
import re
import sys
import unicodedata
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

CHECKOUT = Path(__file__).resolve().parents[2]
RECORDINGS = CHECKOUT / "tests" / "recordings"
WORKFLOWS = CHECKOUT / "gpujobs" / "workflows"
NODE_FACTS = WORKFLOWS / "node_facts.json"

# Whole modules: ComfyUI's own nodes and the packs that the seed's graphs lean on.
NODE_MODULES = {
    "nodes",
    "comfy_extras.nodes_images",
    "comfy_extras.nodes_latent",
    "comfy_extras.nodes_mask",
    "comfy_extras.nodes_compositing",
    "comfy_extras.nodes_post_processing",
    "comfy_extras.nodes_upscale_model",
    "comfy_extras.nodes_custom_sampler",
    "comfy_extras.nodes_sd3",
    "comfy_extras.nodes_clip_sdxl",
    "comfy_extras.nodes_controlnet",
    "comfy_extras.nodes_freelunch",
    "comfy_extras.nodes_differential_diffusion",
    "comfy_extras.nodes_pag",
    "comfy_extras.nodes_sag",
    "comfy_extras.nodes_rebatch",
    "comfy_extras.nodes_perpneg",
    "comfy_extras.nodes_model_advanced",
    "custom_nodes.ComfyUI_InstantID",
    "custom_nodes.ComfyUI_IPAdapter_plus",
    "custom_nodes.ComfyUI-CogVideoXWrapper",
    "custom_nodes.ComfyUI-Frame-Interpolation",
    "custom_nodes.ComfyUI-VideoHelperSuite",
    "custom_nodes.ComfyUI_essentials",
}
# Single classes out of packs too large to keep whole.
NODE_CLASSES = {
    "ImageResizeKJ",
    "GetImageSizeAndCount",
    "GetImagesFromBatchIndexed",
    "GetImageRangeFromBatch",
    "ImageBatchMulti",
    "ImageConcanate",
    "ImagePadForOutpaintMasked",
    "ColorMatch",
    "ResizeMask",
    "GrowMaskWithBlur",
    "StringConstant",
    "INTConstant",
    "FloatConstant",
    "Display Any (rgthree)",
    "ETN_LoadImageBase64",
    "easy loadImageBase64",
    "easy cleanGpuUsed",
    "easy clearCacheAll",
}

HANGUL_FILE = re.compile(r"[가-힣\u1100-\u11ff][가-힣\u1100-\u11ff0-9 _]*\.(jpe?g|png)")
ESCAPED_FILE = re.compile(r"(?:%[0-9A-F]{2})[%0-9A-F_]*\.(jpe?g|png)")
PROSE = {"tooltip", "output_tooltips", "description"}


def without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_prose(each) for key, each in value.items() if key not in PROSE}
    if isinstance(value, list):
        return [without_prose(each) for each in value]
    return value


def classes_in_graphs() -> set[str]:
    used = set()
    for path in WORKFLOWS.glob("*/graph*.json"):
        graph = json.loads(path.read_text(encoding="utf-8"))
        used |= {node["class_type"] for node in graph.values()}
    return used


def node_facts(object_info: dict[str, Any]) -> dict[str, Any]:
    wanted = NODE_CLASSES | classes_in_graphs()
    facts = {}
    for name, info in sorted(object_info.items()):
        if name in wanted or info["python_module"] in NODE_MODULES:
            facts[name] = without_files(name, without_prose(info))
    missing = wanted - facts.keys()
    if missing:
        raise SystemExit(f"not in the recorded object_info: {sorted(missing)}")
    return facts


def without_files(name: str, info: dict[str, Any]) -> dict[str, Any]:
    """What lay in the recorded host's input folder is no fact about the node."""
    for inputs in (info["input"].get("required", {}), info["input"].get("optional", {})):
        for key, spec in inputs.items():
            reads_files = name.startswith(("LoadImage", "LoadLatent", "VHS_Load")) and isinstance(spec[0], list)
            if reads_files and key in {"image", "latent", "video", "audio", "directory"}:
                spec[0] = []
    return info


def nobodys_name(name: str) -> str:
    """Some files were named after real people. The new name is as Korean as the old one, decomposed if that was."""
    if name.startswith("영정 사진"):
        return name
    drawn = f"사진_{zlib.crc32(name.encode()) % 1000:03}.{name.rsplit('.', 1)[1]}"
    return drawn if unicodedata.is_normalized("NFC", name) else unicodedata.normalize("NFD", drawn)


def trimmed(value: Any, key: str = "") -> Any:
    if key == "traceback":
        return []
    if isinstance(value, dict):
        return {k: trimmed(v, k) for k, v in value.items() if k not in PROSE}
    if isinstance(value, list):
        return [trimmed(each) for each in value]
    if isinstance(value, str):
        value = ESCAPED_FILE.sub(lambda found: quote(nobodys_name(unquote(found[0]))), value)
        value = HANGUL_FILE.sub(lambda found: nobodys_name(found[0]), value)
        return re.split(r"\n*(?:Below is the error log|Traceback \(most recent call last\))", value)[0]
    return value


def trimmed_event(event: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = trimmed(event)
    headers = kept.get("response_headers")
    if headers and "response_json" in kept:
        headers.pop("Content-Length", None)
    if kept.get("path") == "/internal/logs":
        kept["response_json"] = ""
    other = kept.pop("request_other", None)
    if other:
        kept["request_params"] = ast.literal_eval(other["params"])
    return kept


def as_events(recorded: dict[str, Any]) -> list[dict[str, Any]]:
    """The seed's graphs were recorded in another form: the answer, the socket's messages, the record."""
    if "events" in recorded:
        return list(recorded["events"])
    (prompt_id, record), *_ = recorded["history"].items()
    _, _, graph, extra_data, _ = record["prompt"]
    first, *rest = [
        {"t": each["t"], "kind": "ws_text", "ws": "ws", "message": {"type": each["type"], "data": each["data"]}}
        if "type" in each
        else {"t": each["t"], "kind": "ws_binary", "ws": "ws", "message": each}
        for each in recorded["ws"]
    ]
    post = {
        "t": first["t"],
        "kind": "http",
        "method": "POST",
        "path": "/prompt",
        "request_json": {"prompt": graph, "client_id": extra_data["client_id"]},
        "status": recorded["post_status"],
        "response_json": recorded["post_response"],
        "note": "rebuilt from the record: values are those after validation",
    }
    record_read = {
        "t": rest[-1]["t"] if rest else first["t"],
        "kind": "http",
        "method": "GET",
        "path": f"/history/{prompt_id}",
        "status": 200,
        "response_json": recorded["history"],
    }
    return [
        {"t": 0, "kind": "ws_open", "ws": "ws"},
        first,
        post,
        *rest,
        record_read,
        {"t": 0, "kind": "ws_closed", "ws": "ws"},
    ]


def write_recording(path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    version, scenario = path.stem.split("-", 1)
    head = {"version": version, "scenario": scenario, "about": recorded.get("about", "one of the seed's graphs")}
    lines = [json.dumps(trimmed_event(event), ensure_ascii=False) for event in as_events(recorded)]
    text = json.dumps(head, ensure_ascii=False)[:-1] + ', "events": [\n' + ",\n".join(lines) + "\n]}\n"
    (RECORDINGS / path.name).write_text(text, encoding="utf-8")


def write_node_facts(path: Path) -> None:
    facts = node_facts(json.loads(path.read_text(encoding="utf-8")))
    lines = [f"{json.dumps(name)}: {json.dumps(info, ensure_ascii=False)}" for name, info in facts.items()]
    NODE_FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    recorded = Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKOUT.parent / "shared" / "comfyui"
    for path in sorted((recorded / "transcripts").glob("*.json")):
        write_recording(path)
    write_node_facts(recorded / "object_info-0.2.4.json")


if __name__ == "__main__":
    main()
