"""python -m benches.managed: manage.py for the workers that drive a real ComfyUI: they know the bench's own workflow,
and keep what a history says of an execution before they delete it."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

KEPT = "BENCH_EXECUTIONS"


def keep_executions(into: Path) -> None:
    """From now on, in this process and those that it forks: a line for each record that is deleted.

    It costs one more request for each job, once its result is home.
    """
    from gpujobs.comfyui import ComfyUI

    delete = ComfyUI.delete_history

    def kept(self: ComfyUI, prompt_ids: Iterable[str]) -> None:
        wanted = list(prompt_ids)
        records = [record for each in wanted if (record := self.history(each)) is not None and record.completed]
        port = urlsplit(self._base_url).port
        lines = [json.dumps(execution(record) | {"port": port}) for record in records]
        with into.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))
        delete(self, wanted)

    ComfyUI.delete_history = kept  # type: ignore[method-assign]


def execution(record: Any) -> dict[str, Any]:
    """One entry as a stand-in's ledger has it, from the messages that the history keeps: epoch seconds of the host."""
    return {
        "prompt_id": record.prompt_id,
        "extra_data": record.extra_data,
        "started": record.started_at / 1000,
        "ended": record.ended_at / 1000,
        "cached": len(record.cached_nodes),
    }


if __name__ == "__main__":
    from benches.recipe import add_scaling
    from manage import main

    add_scaling()
    keep_executions(Path(os.environ[KEPT]))
    main()
