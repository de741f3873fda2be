"""Models that no loader lists, looked up on the host's disk by SFTP."""

import posixpath

import paramiko

from gpujobs.models import Instance
from gpujobs.ssh import SshError
from gpujobs.workflows.model_files import ModelFile


class Disk:
    """What lies under one ComfyUI's own directory."""

    def __init__(self, sftp: paramiko.SFTPClient, instance: Instance) -> None:
        self._sftp = sftp
        self._known: dict[str, str] = {}
        self.root = instance.directory or self._beside(instance.input_dir)

    def why_not_there(self, model: ModelFile) -> str:
        """In words what keeps the model from being loaded, or nothing where all of it is there."""
        if not self.root:
            return "ComfyUI's directory is not known, so nobody can look for it; name it with gpu add --directory"
        folder = posixpath.join(self.root, self._folder(model.path))
        missing = []
        for path in [posixpath.join(folder, part) for part in model.parts] or [folder]:
            if problem := self._problem(path):
                missing.append(f"{posixpath.relpath(path, self.root)} {problem}")
        if not missing:
            return ""
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        fetched = "; the node would fetch it while a job runs" if model.fetches_when_missing else ""
        return f"{missing[0]}{more}{fetched}"

    def _beside(self, input_dir: str) -> str:
        """The directory that the input folder lies in, where that is ComfyUI's."""
        parent = posixpath.dirname(input_dir.rstrip("/"))
        return parent if parent and not self._problem(posixpath.join(parent, "models")) else ""

    def _folder(self, path: str) -> str:
        """A package of nodes may have been cloned under its name in other letters."""
        first, _, rest = path.partition("/")
        if first != "custom_nodes":
            return path
        package, _, inside = rest.partition("/")
        try:
            names = self._sftp.listdir(posixpath.join(self.root, first))
        except SshError:
            raise
        except OSError:
            # Looked up again by its own name, which says what is wrong.
            return path
        same = next((name for name in names if name.casefold() == package.casefold()), package)
        return posixpath.join(first, same, inside)

    def _problem(self, path: str) -> str:
        if path not in self._known:
            self._known[path] = self._ask(path)
        return self._known[path]

    def _ask(self, path: str) -> str:
        try:
            self._sftp.stat(path)
        except FileNotFoundError:
            return "is not on the disk"
        except SshError:
            raise
        except OSError as error:
            return f"cannot be looked at: {error.strerror or error}"
        return ""
