"""The queue and the history of one ComfyUI process. Both are lost with it."""

import copy
import heapq
import threading
import time
from collections.abc import Callable
from typing import Any

from .faults import Faults

# [number, prompt id, graph, extra_data, output nodes]: as /queue and /history give it.
Item = tuple[float, str, dict[str, Any], dict[str, Any], list[str]]


class JobQueue:
    """Thread-safe. changed() is called after every change, from whichever thread made it."""

    def __init__(self, faults: Faults, changed: Callable[[], None]) -> None:
        self._lock = threading.RLock()
        self._filled = threading.Condition(self._lock)
        self._waiting: list[Item] = []
        self._running: Item | None = None
        self._history: dict[str, dict[str, Any]] = {}
        self._visible_at: dict[str, float] = {}
        self._faults = faults
        self._changed = changed

    def put(self, item: Item) -> None:
        with self._lock:
            heapq.heappush(self._waiting, item)
            self._changed()
            self._filled.notify()

    def get(self, timeout: float) -> Item | None:
        with self._lock:
            if not self._waiting:
                self._filled.wait(timeout)
            if not self._waiting:
                return None
            item = heapq.heappop(self._waiting)
            self._running = copy.deepcopy(item)
            self._changed()
            return item

    def finish(self, record: dict[str, Any]) -> None:
        """Moves the running item into the history."""
        with self._lock:
            item, self._running = self._running, None
            if item is None:
                return
            self._history[item[1]] = {"prompt": list(item), **record}
            self._visible_at[item[1]] = time.monotonic() + self._faults.history_lag
            limit = self._faults.history_limit
            while limit is not None and len(self._history) > limit:
                del self._history[next(iter(self._history))]
            self._changed()

    def remaining(self) -> int:
        with self._lock:
            return len(self._waiting) + (self._running is not None)

    def snapshot(self) -> tuple[list[Item], list[Item]]:
        """(running, waiting); the waiting ones in heap order, as ComfyUI lists them."""
        with self._lock:
            running = [self._running] if self._running is not None else []
            return copy.deepcopy((running, self._waiting))

    def clear(self) -> None:
        with self._lock:
            self._waiting = []
            self._changed()

    def delete(self, prompt_id: str) -> None:
        """A running or unknown prompt stays as it is, without a word."""
        with self._lock:
            kept = [item for item in self._waiting if item[1] != prompt_id]
            if len(kept) < len(self._waiting):
                self._waiting = kept
                heapq.heapify(self._waiting)
                self._changed()

    def history(self, prompt_id: str | None = None, max_items: int | None = None) -> dict[str, Any]:
        with self._lock:
            now = time.monotonic()
            shown = {key: value for key, value in self._history.items() if self._visible_at.get(key, 0) <= now}
            if prompt_id is not None:
                shown = {key: value for key, value in shown.items() if key == prompt_id}
            elif max_items is not None:
                newest = list(shown)[max(0, len(shown) - max_items) :]
                shown = {key: shown[key] for key in newest}
            return copy.deepcopy(shown)

    def delete_history(self, prompt_id: str) -> None:
        with self._lock:
            self._history.pop(prompt_id, None)

    def clear_history(self) -> None:
        with self._lock:
            self._history.clear()
