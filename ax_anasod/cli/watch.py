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
class Glance:
    """How a run is now.

    Args:
        line: In one line.
        running: Whether a process works on it.
        shown: All that is shown of it.
    """

    line: str
    running: bool
    shown: RenderableType


def watch(look: Callable[[], Glance]) -> None:
    """Show how a run is until no process works on it any more, or until Ctrl-C.

    Where stdout is no terminal, there is a line for each change, and at the end the whole.

    Args:
        look: How it is now.

    Raises:
        RunError: It was deleted or damaged meanwhile.
    """
    console = Console(highlight=False)
    glance = look()
    try:
        if console.is_terminal:
            with Live(glance.shown, console=console, auto_refresh=False) as live:
                while glance.running:
                    time.sleep(SECONDS_BETWEEN_LOOKS)
                    glance = look()
                    live.update(glance.shown, refresh=True)
            return
        said = ""
        while glance.running:
            if glance.line != said:
                said = glance.line
                console.print(plain(said), soft_wrap=True)
            time.sleep(SECONDS_BETWEEN_LOOKS)
            glance = look()
        Console(highlight=False, width=100_000).print(glance.shown)
    except KeyboardInterrupt:  # asked for: the run goes on
        return
