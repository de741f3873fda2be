"""Small files under the names of the models, for a ComfyUI that is to take our graphs without the real weights.

    COMFYUI_PYTHON -m tests.workflows.placeholders COMFYUI_DIRECTORY

Most are empty: their loaders list them and fail as soon as they read them. Five can be run, so that whole graphs are
seen to work: the upscalers have ESRGAN's architecture with weights that repeat each pixel 4x4 times, FILM's is a
TorchScript module that fades one frame into the next, CogVideoX's has its architecture with one layer of random
weights, and beside it stands a silent CLIP, which ComfyUI takes in the place of a T5. What is there stays as it is.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from safetensors.torch import save_file

from gpujobs.workflows.model_files import COGVIDEOX_I2V, FILM, MODEL_FILES, REALESRGAN, T5, ULTRASHARP

# The loader knows ESRGAN by its names and takes any number of features; the growth is 32 in all of them.
FEATURES, GROWTH = 8, 32
# CLIP-L's own numbers: they are not read from the file.
CLIP_TOKENS, CLIP_WORDS, CLIP_WIDTH, CLIP_LAYERS = 77, 49408, 768, 12


class Fade(torch.nn.Module):
    def forward(self, first: torch.Tensor, second: torch.Tensor, when: torch.Tensor) -> torch.Tensor:
        return first + (second - first) * when.reshape(-1, 1, 1, 1)


def fading(path: Path) -> None:
    torch.jit.script(Fade()).save(str(path))


def passing(outputs: int, inputs: int) -> torch.Tensor:
    """A 3x3 convolution that hands the first channels on as they are."""
    weight = torch.zeros(outputs, inputs, 3, 3)
    for channel in range(min(outputs, inputs, 3)):
        weight[channel, channel, 1, 1] = 1.0
    return weight


def repeating(path: Path) -> None:
    """ESRGAN with one block that adds nothing, so that each pixel comes out 4x4 times."""
    shapes = {"model.0": (FEATURES, 3), "model.3": (FEATURES, FEATURES), "model.6": (FEATURES, FEATURES)}
    shapes |= {"model.8": (FEATURES, FEATURES), "model.10": (3, FEATURES)}
    state = {f"{name}.weight": passing(*shape) for name, shape in shapes.items()}
    state |= {f"{name}.bias": torch.zeros(shape[0]) for name, shape in shapes.items()}
    silent = {"model.1.sub.1": (FEATURES, FEATURES)}
    for dense in (1, 2, 3):
        for conv in (1, 2, 3, 4, 5):
            outputs = FEATURES if conv == 5 else GROWTH
            silent[f"model.1.sub.0.RDB{dense}.conv{conv}.0"] = (outputs, FEATURES + (conv - 1) * GROWTH)
    for name, (outputs, inputs) in silent.items():
        state |= {f"{name}.weight": torch.zeros(outputs, inputs, 3, 3), f"{name}.bias": torch.zeros(outputs)}
    torch.save(state, path)


def tiny_video_model(path: Path) -> None:
    """CogVideoX I2V for the frame, the length and the latents of the real one, in the real one's files."""
    torch.manual_seed(1)
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=1,
        attention_head_dim=64,
        num_layers=1,
        in_channels=32,
        out_channels=16,
        time_embed_dim=32,
        text_embed_dim=4096,
        max_text_seq_length=CLIP_TOKENS,
        sample_width=90,
        sample_height=60,
        sample_frames=49,
        use_rotary_positional_embeddings=True,
        use_learned_positional_embeddings=True,
    )
    transformer.save_config(path / "transformer")
    state = {name: weight.bfloat16().contiguous() for name, weight in transformer.state_dict().items()}
    files = [part for part in COGVIDEOX_I2V.parts if part.endswith("-of-00003.safetensors")]
    where = {name: files[position % len(files)] for position, name in enumerate(state)}
    for file in files:
        save_file({name: state[name] for name in state if where[name] == file}, path / file, {"format": "pt"})
    index = {"metadata": {}, "weight_map": {name: Path(file).name for name, file in where.items()}}
    (path / "transformer/diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    vae = AutoencoderKLCogVideoX(
        block_out_channels=(4, 4, 4, 4),
        norm_num_groups=2,
        layers_per_block=1,
        latent_channels=16,
        sample_height=480,
        sample_width=720,
        scaling_factor=0.7,
    )
    vae.save_config(path / "vae")
    weights = {name: weight.bfloat16().contiguous() for name, weight in vae.state_dict().items()}
    save_file(weights, path / "vae/diffusion_pytorch_model.safetensors", {"format": "pt"})


def silent_words(path: Path) -> None:
    """CLIP-L of zeros."""
    wide, inner = CLIP_WIDTH, 4 * CLIP_WIDTH
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.token_embedding.weight": (CLIP_WORDS, wide),
        "embeddings.position_embedding.weight": (CLIP_TOKENS, wide),
        "final_layer_norm.weight": (wide,),
        "final_layer_norm.bias": (wide,),
    }
    linear = {f"self_attn.{name}_proj": (wide, wide) for name in ("q", "k", "v", "out")}
    linear |= {"mlp.fc1": (inner, wide), "mlp.fc2": (wide, inner)}
    for layer in range(CLIP_LAYERS):
        for name, (outputs, inputs) in linear.items():
            shapes[f"encoder.layers.{layer}.{name}.weight"] = (outputs, inputs)
            shapes[f"encoder.layers.{layer}.{name}.bias"] = (outputs,)
        for norm in ("layer_norm1", "layer_norm2"):
            shapes |= {f"encoder.layers.{layer}.{norm}.{kind}": (wide,) for kind in ("weight", "bias")}
    save_file({f"text_model.{name}": torch.zeros(shape, dtype=torch.half) for name, shape in shapes.items()}, path)


RUNNABLE: dict[str, Callable[[Path], None]] = {
    ULTRASHARP.path: repeating,
    REALESRGAN.path: repeating,
    FILM.path: fading,
    COGVIDEOX_I2V.path: tiny_video_model,
    T5.path: silent_words,
}


def main() -> None:
    root = Path(sys.argv[1])
    for model in MODEL_FILES:
        whole = root / model.path
        if whole.exists():
            continue
        for path in [whole / part for part in model.parts] or [whole]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        if model.path in RUNNABLE:
            RUNNABLE[model.path](whole)


if __name__ == "__main__":
    main()
