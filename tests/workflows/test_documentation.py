"""docs/workflows.md says what the code says."""

from pathlib import Path

import pytest
from django.conf import settings

from gpujobs.workflows import get, names
from gpujobs.workflows.model_files import MODEL_FILES, ModelFile
from gpujobs.workflows.packages import NODE_CLASSES, PACKAGES, Package

PAGE = (Path(settings.BASE_DIR) / "docs" / "workflows.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", MODEL_FILES, ids=lambda model: model.file)
def test_every_model_file_is_there_with_its_terms(model: ModelFile) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{model.path}` |")]
    size = f"{model.size_mb / 1000:.1f} GB" if model.size_mb >= 1000 else f"{model.size_mb} MB"
    commercial = "yes" if model.commercial_use else "**no**"
    assert row.split(" | ")[1:] == [size, model.source, model.licence, commercial, f"{model.alternative or '–'} |"]
    assert model.commercial_use or model.alternative


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_node_package_is_there_with_its_version(package: Package) -> None:
    row = f"| [{package.name}]({package.repository}) | {package.version} | `{package.commit[:7]}` | {package.licence} |"
    assert row in PAGE


@pytest.mark.parametrize("name", names())
def test_every_workflow_is_there_with_its_inputs_and_memory(name: str) -> None:
    workflow = get(name)
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    assert all(f"`{each.slot}`" in row for each in workflow.inputs if each.required)
    assert f"{workflow.min_vram_mb // 1000} GB" in row
    assert f"## {name}\n" in PAGE


def test_no_package_lists_a_class_that_no_graph_uses_and_no_model_is_left_over() -> None:
    assert set(NODE_CLASSES) == {each.name for name in names() for each in get(name).node_classes}
    assert set(MODEL_FILES) == {model for name in names() for model in get(name).models}
