"""One instance's input, output and temp folders, and the names that ComfyUI gives to files in them."""

import hashlib
import os
import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gpujobs.workflows.model_files import MODEL_FILES


class OutputPlace(NamedTuple):
    folder: Path
    stem: str
    subfolder: str
    counter: int


@dataclass(frozen=True)
class Folders:
    """home/input, home/output, home/temp. Input and output outlive a restart, temp does not."""

    home: Path

    @property
    def input(self) -> Path:
        return self.home / "input"

    @property
    def output(self) -> Path:
        return self.home / "output"

    @property
    def temp(self) -> Path:
        return self.home / "temp"

    def make(self) -> None:
        shutil.rmtree(self.temp, ignore_errors=True)
        for folder in (self.input, self.output, self.temp):
            folder.mkdir(parents=True, exist_ok=True)

    def lay_models(self, absent: Collection[str]) -> None:
        """Empty files in the places of the models that the product's workflows load: SFTP shows whether one is there,
        and nothing here reads what is in it."""
        for model in MODEL_FILES:
            place = self.home / model.path
            if model.file in absent:
                shutil.rmtree(place, ignore_errors=True)
                place.unlink(missing_ok=True)
                continue
            for file in [place / part for part in model.parts] or [place]:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()

    def of_type(self, kind: str) -> Path | None:
        return {"input": self.input, "output": self.output, "temp": self.temp}.get(kind)

    def annotated(self, name: str) -> tuple[str, Path | None]:
        """'photo.png [output]' names a folder by itself; a plain name names none."""
        found = re.fullmatch(r"(.*) \[(input|output|temp)\]", name, flags=re.DOTALL)
        return (found[1], self.of_type(found[2])) if found else (name, None)

    def input_file(self, name: str) -> Path:
        """Where LoadImage looks. Nothing keeps '../' out, as in ComfyUI."""
        plain, folder = self.annotated(name)
        return Path(os.path.join(folder or self.input, plain))  # noqa: PTH118 pathlib would drop what is being tried

    def input_names(self) -> list[str]:
        return sorted(entry.name for entry in self.input.iterdir() if entry.is_file())

    def fingerprint(self, name: str) -> str:
        path = self.input_file(name)
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""

    def place_for(self, base: Path, prefix: str) -> OutputPlace:
        """Where files with this prefix go and the next free number: one more than the highest number there now, so a
        deleted file's name is given again.

        Raises Exception in ComfyUI's words for a prefix that leaves the folder.
        """
        normal = os.path.normpath(prefix)
        subfolder, stem = os.path.split(normal)
        folder = Path(os.path.normpath(base / subfolder))
        if folder != base and base not in folder.parents:
            shared = os.path.commonpath((base, folder))
            raise Exception(
                "**** ERROR: Saving image outside the output folder is not allowed."
                f"\n full_output_folder: {folder}\n         output_dir: {base}\n         commonpath: {shared}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        pattern = re.compile(re.escape(stem) + r"_(\d+)", re.IGNORECASE)
        numbers = [int(found[1]) for entry in folder.iterdir() if (found := pattern.match(entry.name))]
        return OutputPlace(folder, stem, subfolder, max(numbers, default=0) + 1)
