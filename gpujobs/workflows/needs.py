"""Everything a GPU host needs for the workflows, as plain data: deploy/gpu-host/needs.json is made of it."""

from typing import Any

from gpujobs import workflows
from gpujobs.workflows.downloads import DOWNLOADS
from gpujobs.workflows.model_files import MODEL_FILES, ModelFile
from gpujobs.workflows.packages import PACKAGES


def needs() -> dict[str, Any]:
    """{"packages": ComfyUI first, then its custom_nodes, "models": with each file's path below ComfyUI's directory}."""
    packages = [
        {
            "name": each.name,
            "repository": each.repository,
            "version": each.version,
            "commit": each.commit,
            "licence": each.licence,
        }
        for each in PACKAGES
    ]
    return {"packages": packages, "models": [_model(each) for each in MODEL_FILES]}


def _model(model: ModelFile) -> dict[str, Any]:
    paths = [f"{model.path}/{part}" for part in model.parts] or [model.path]
    return {
        "name": model.file,
        "folder": model.folder,
        "workflows": [name for name in workflows.names() if model in workflows.get(name).models],
        "size_mb": model.size_mb,
        "source": model.source,
        "licence": model.licence,
        "commercial_use": model.commercial_use,
        "alternative": model.alternative,
        "files": [{"path": path, "url": DOWNLOADS[path].url, "sha256": DOWNLOADS[path].sha256} for path in paths],
    }
