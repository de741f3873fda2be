"""A host's lease, kept by a thread of its own: whatever its driver has to wait for, it is not taken for dead."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

from django.db import DatabaseError, connections
from django.utils import timezone

from gpujobs.models import GpuHost

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
RENEW_SECONDS = 5.0


class WheelLost(Exception):
    """Another driver has taken the host over."""


class Wheel:
    """Renewed while the block runs; ``renewed`` is called after each time. Given back in the end."""

    def __init__(self, host: GpuHost, driver: UUID, name: str, *, renewed: Callable[[], None]) -> None:
        self._host, self._driver, self._name = host, driver, name
        self._renewed = renewed
        self._trouble: WheelLost | DatabaseError | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_stopped, name=f"wheel-{host.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def check(self) -> None:
        """Raises WheelLost where another drives now, DatabaseError where nobody could be asked."""
        if self._trouble is not None:
            raise self._trouble

    def _renew_until_stopped(self) -> None:
        try:
            while not self._stopping.wait(RENEW_SECONDS):
                if not self._host.take_wheel(self._driver, timezone.now() + LEASE, self._name):
                    raise WheelLost(self._host.name)
                self._renewed()
        except (WheelLost, DatabaseError) as trouble:
            log.warning("the wheel of %s is not kept: %s", self._host.name, type(trouble).__name__)
            self._trouble = trouble
        finally:
            connections.close_all()
