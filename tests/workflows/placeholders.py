"""Small files under the names of the models, for a ComfyUI that is to accept our graphs without the real weights.

    COMFYUI_PYTHON -m tests.workflows.placeholders COMFYUI_DIRECTORY

Most are empty: their loaders list them and fail as soon as they read them. Two can be run, so that whole graphs are
seen to work: the upscalers have ESRGAN's architecture with weights that repeat each pixel 4x4 times, and FILM's is a
TorchScript module that fades one frame into the next. Files that are there already are left as they are.
"""

import sys
from pathlib import Path

import torch

from gpujobs.workflows.model_files import MODEL_FILES

# The loader knows ESRGAN by its names and takes any number of features; the growth is 32 in all of them.
FEATURES, GROWTH = 8, 32


class Fade(torch.nn.Module):
    def forward(self, first: torch.Tensor, second: torch.Tensor, when: torch.Tensor) -> torch.Tensor:
        return first + (second - first) * when.reshape(-1, 1, 1, 1)


def passing(outputs: int, inputs: int) -> torch.Tensor:
    """A 3x3 convolution that hands the first channels on as they are."""
    weight = torch.zeros(outputs, inputs, 3, 3)
    for channel in range(min(outputs, inputs, 3)):
        weight[channel, channel, 1, 1] = 1.0
    return weight


def repeating() -> dict[str, torch.Tensor]:
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
    return state


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if "upscale_models" in path.parts:
        torch.save(repeating(), path)
    elif path.name.startswith("film_net"):
        torch.jit.script(Fade()).save(str(path))
    else:
        path.touch()


def main() -> None:
    root = Path(sys.argv[1])
    for model in MODEL_FILES:
        whole = root / model.path
        for path in [whole / part for part in model.parts] or [whole]:
            if not path.exists():
                write(path)


if __name__ == "__main__":
    main()
