"""Commands that fail in one of several processes; these import them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from torch import distributed

from ax_anasod.cli.failures import ErrorReport
from ax_anasod.exceptions import AnasodError, TrainingError


def run(arguments: list[str], end: Callable[[ErrorReport], int]) -> int:
    """Wait for each other in an exchange, which one process never joins.

    Args:
        arguments: What goes wrong in the second process; a folder that gets a file for each.
        end: What is done about an error.
    """
    what, folder = arguments
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    Path(folder, str(os.getpid())).touch()
    distributed.barrier()
    try:
        if rank == 1:
            _fail(what)
        distributed.barrier()
    except (AnasodError, ArithmeticError, RuntimeError) as error:
        return end(ErrorReport.of(error))
    return 0


def _fail(what: str) -> None:
    if what == "memory":
        raise TrainingError("a batch does not fit the memory", "make batches smaller")
    if what == "bug":
        raise ZeroDivisionError("division by zero")
    os.kill(os.getpid(), signal.SIGKILL if what == "killed" else signal.SIGINT)
