"""Looking at a run again and again while it works."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console, RenderableType
from rich.live import Live

from ax_anasod.cli.terminal import plain

SECONDS_BETWEEN_LOOKS: Final = 1.0


@dataclass(frozen=True)
class RunSnapshot:
    """The state of a run at one moment.

    Args:
        line: The state in one line.
        running: True if a process works on the run.
        shown: The state as it is shown.
    """

    line: str
    running: bool
    shown: RenderableType


def watch(look: Callable[[], RunSnapshot]) -> None:
    """Show the state of a run until no process works on it any more, or until Ctrl-C.

    Where stdout is no terminal, there is a line for each change, and at the end the whole.

    Args:
        look: Returns the current state of the run.

    Raises:
        RunError: The run was deleted or damaged meanwhile.
    """
    console = Console(highlight=False)
    snapshot = look()
    try:
        if console.is_terminal:
            with Live(snapshot.shown, console=console, auto_refresh=False) as live:
                while snapshot.running:
                    time.sleep(SECONDS_BETWEEN_LOOKS)
                    snapshot = look()
                    live.update(snapshot.shown, refresh=True)
            return
        said = ""
        while snapshot.running:
            if snapshot.line != said:
                said = snapshot.line
                console.print(plain(said), soft_wrap=True)
            time.sleep(SECONDS_BETWEEN_LOOKS)
            snapshot = look()
        Console(highlight=False, width=100_000).print(snapshot.shown)
    except KeyboardInterrupt:  # asked for: the run goes on
        return
