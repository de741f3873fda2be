"""How node classes behave. One that has no behaviour here passes its inputs through, type by type."""

from collections.abc import Callable
from typing import Any

from .run import Inputs, Made, NodeFailureError, Run
from .values import Conditioning, Guider, Latent, Model, Noise, Opaque, Pictures, Sigmas, VideoInfo, solid

Behaviour = Callable[[Run, Inputs], Made]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaves(*classes: str) -> Callable[[Behaviour], Behaviour]:
    def register(behaviour: Behaviour) -> Behaviour:
        for each in classes:
            BEHAVIOURS[each] = behaviour
        return behaviour

    return register


def given(inputs: Inputs, *names: str, default: Any = None) -> Any:
    """The first of these inputs that is there: sister classes name the same thing differently."""
    return next((inputs[name] for name in names if inputs.get(name) is not None), default)


def perform(run: Run, inputs: Inputs) -> Made:
    """Runs the node that `run` stands at. Raises whatever the real node would, as a node may."""
    _read_models(run, inputs)
    run.wait(run.settings.node_seconds.get(run.class_type, 0))
    if run.class_type.endswith(" VFI") and "frames" in inputs:
        return BEHAVIOURS["FILM VFI"](run, inputs)
    return BEHAVIOURS.get(run.class_type, pass_through)(run, inputs)


def _read_models(run: Run, inputs: Inputs) -> None:
    for value in inputs.values():
        if not isinstance(value, str) or value not in run.settings.broken_models:
            continue
        if run.class_type == "DownloadAndLoadCogVideoModel":
            message = "Cannot find an appropriate cached snapshot folder for the specified revision on the local disk"
            raise NodeFailureError("huggingface_hub.errors.LocalEntryNotFoundError", message)
        if run.class_type.endswith(" VFI"):
            raise Exception(f"Tried all GitHub base urls to download {value} but no suceess.")
        raise RuntimeError(f"ERROR: Could not detect model type of: ComfyUI/models/checkpoints/{value}")


def pass_through(run: Run, inputs: Inputs) -> Made:
    """Each output takes the input of the same type (the second such output the second one, where there is one)."""
    specs = run.facts.inputs(run.class_type)
    by_type: dict[str, list[Any]] = {}
    for name, value in inputs.items():
        kind = specs[name][0] if name in specs else ""
        if isinstance(kind, str):
            by_type.setdefault(kind, []).append(value)
    outputs = []
    for kind in run.facts.returns(run.class_type):
        candidates = by_type.get(kind, [])
        if candidates:
            outputs.append(candidates[0])
            by_type[kind] = candidates[1:] or candidates
        else:
            outputs.append(_from_nothing(kind, inputs))
    return Made(tuple(outputs))


def _from_nothing(kind: str, inputs: Inputs) -> Any:
    plain = {"INT": 0, "FLOAT": 0.0, "STRING": "", "BOOLEAN": False}
    if kind in plain:
        return plain[kind]
    picture = next((value for value in inputs.values() if isinstance(value, Pictures)), None)
    match kind:
        case "IMAGE":
            return picture or solid((64, 64), (0, 0, 0))
        case "MASK":
            return solid(picture.size if picture else (64, 64), (255, 255, 255))
        case "LATENT":
            return Latent(1, (512, 512))
        case "CONDITIONING":
            return Conditioning()
        case "NOISE":
            return Noise(int(inputs.get("noise_seed", 0)))
        case "SIGMAS":
            return Sigmas(int(inputs.get("steps", 20)))
        case "MODEL" | "CLIP" | "VAE" | "UPSCALE_MODEL" | "COGVIDEOPIPE":
            return Model(next((value for value in inputs.values() if isinstance(value, str)), ""))
        case "VHS_VIDEOINFO":
            return VideoInfo(0, 0, (0, 0))
    return Opaque(kind)


@behaves("CheckpointLoaderSimple", "CheckpointLoader", "unCLIPCheckpointLoader", "UNETLoader", "DiffusersLoader")
def load_checkpoint(run: Run, inputs: Inputs) -> Made:
    name = next(value for key, value in inputs.items() if key in {"ckpt_name", "unet_name", "model_path"})
    run.hold(name)
    return Made(tuple(Model(name) for _ in run.facts.returns(run.class_type)))


@behaves("DownloadAndLoadCogVideoModel", "DownloadAndLoadCogVideoGGUFModel")
def load_video_model(run: Run, inputs: Inputs) -> Made:
    run.hold(inputs["model"])
    return Made((Model(inputs["model"]),))


@behaves("CLIPTextEncode", "CLIPTextEncodeSDXL", "CLIPTextEncodeSDXL+", "CLIPTextEncodeSD3", "CogVideoTextEncode")
def encode_text(run: Run, inputs: Inputs) -> Made:
    texts = [value for key, value in inputs.items() if isinstance(value, str) and key.startswith(("text", "prompt"))]
    outputs = run.facts.returns(run.class_type)
    return Made(tuple(Conditioning(" ".join(texts)) if kind == "CONDITIONING" else inputs["clip"] for kind in outputs))


@behaves("ConditioningCombine", "ConditioningConcat", "ConditioningAverage")
def combine_conditioning(run: Run, inputs: Inputs) -> Made:
    parts = [value for value in inputs.values() if isinstance(value, Conditioning)]
    face = next((part.face for part in parts if part.face), None)
    return Made((Conditioning(" ".join(part.text for part in parts), face),))


@behaves("BasicGuider", "CFGGuider", "DualCFGGuider", "PerpNegGuider")
def guide(run: Run, inputs: Inputs) -> Made:
    conditioning = next(value for value in inputs.values() if isinstance(value, Conditioning))
    return Made((Guider(inputs["model"], conditioning),))
