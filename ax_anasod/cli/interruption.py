"""Ctrl-C in a search: the first ends it after the trial or epoch, the second at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self


class Interruption:
    """Remembers Ctrl-C instead of raising it, so that a trial is never torn.

    Args:
        announce: Called with a sentence at the first Ctrl-C.
        unit: What is not torn.
    """

    def __init__(self, announce: Callable[[str], None], unit: str = "trial") -> None:
        self.requested = False
        self._announce, self._unit = announce, unit
        self._before: Any = None

    def __enter__(self) -> Self:
        # Python delivers signals to the main thread only, and lets only it set handlers.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self._announce(f"stopping after this {self._unit}; Ctrl-C again stops at once")
