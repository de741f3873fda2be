"""Nodes that draw nothing: they take as long as they would, and every output is a copy of one file."""

import shutil
from pathlib import Path

from .run import Inputs, Made, Run


def perform_canned(run: Run, inputs: Inputs) -> Made:
    """Stands for `nodes.perform` where Settings.canned_result names a file."""
    run.wait(run.settings.node_seconds.get(run.class_type, 0))
    if run.facts.is_output(run.class_type):
        return _copy_out(run, inputs, Path(str(run.settings.canned_result)))
    if "steps" in inputs:
        for step in range(1, inputs["steps"] + 1):
            run.sampler_step()
            run.progress(step, inputs["steps"])
    return Made(tuple(None for _ in run.facts.returns(run.class_type)))


def _copy_out(run: Run, inputs: Inputs, result: Path) -> Made:
    place = run.folders.place_for(run.folders.output, inputs["filename_prefix"])
    name = f"{place.stem}_{place.counter:05}_{result.suffix}"
    shutil.copyfile(result, place.folder / name)
    listed = {"filename": name, "subfolder": place.subfolder, "type": "output"}
    return Made(ui={"gifs" if result.suffix == ".mp4" else "images": [listed]})
