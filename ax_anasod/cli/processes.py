"""One command in several processes, which train one network together, a device each.

Torch's launcher starts them, as ``torchrun`` does, and Lightning Fabric's strategy ``ddp`` finds
them (`ax_anasod.training.Hardware.fabric`). The first one alone speaks and writes.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

from ax_anasod.cli.failures import TRACEBACK, ErrorReport
from ax_anasod.files import write_whole
from ax_anasod.locks import end_with_parent
from ax_anasod.training.hardware import rank_and_size

Run = Callable[[list[str], Callable[[ErrorReport], int]], int]
"""`ax_anasod.cli.app.run`."""

# Longer than the launcher needs to notice a dead process and to end the others.
_SECONDS_TO_BE_ENDED: Final = 5.0
_LOG_LEVEL: Final = "TORCH_CPP_LOG_LEVEL"
_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")


class MultiProcessRequest(Exception):
    """A command asks to be run in several processes.

    Args:
        number: Number of processes.
        advice: Hint for an interrupted command or a lost process.
    """

    def __init__(self, number: int, advice: str) -> None:
        super().__init__(number, advice)
        self.number, self.advice = number, advice


@contextmanager
def first_process_speaks() -> Iterator[None]:
    """Discard the output of all processes that ``torchrun`` has started but the first."""
    if rank_and_size()[0] == 0:
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


def run_in_processes(run: Run, arguments: list[str], request: MultiProcessRequest) -> int:
    """Run a command in several processes of this machine, which end with this one.

    Where one of them fails, all end, and one line says why.

    Args:
        run: Function that runs a command.
        arguments: The command, as it was given.
        request: The request of the command.

    Returns:
        The exit code.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    with tempfile.TemporaryDirectory(prefix="ax-anasod-") as folder, _undisturbed():
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=request.number,
            run_id=uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
        )
        try:
            elastic_launch(config, _work)(run, arguments, Path(folder))
            return 0
        except ChildFailedError as error:
            report = _first_report(Path(folder))
            if report is None and os.environ.get(TRACEBACK) == "1":
                raise
            failure = error.get_first_failure()[1]
            ended_by = -failure.exitcode
            how = failure.signal_name() if ended_by > 0 else f"exit code {failure.exitcode}"
        except (SignalException, KeyboardInterrupt) as error:
            report, how, ended_by = None, "", getattr(error, "sigval", signal.SIGINT)
    return _say_end(report, ended_by, how, request)


def _say_end(
    report: ErrorReport | None, ended_by: int, how: str, request: MultiProcessRequest
) -> int:
    """Print why the processes have ended, and return the exit code."""
    from ax_anasod.cli.terminal import INTERRUPTED, note, stderr_console

    # The first of them may have had no time to show it again.
    stderr_console().show_cursor()
    if report is not None:
        return report.say()
    if ended_by == signal.SIGINT:
        note(f"interrupted; {request.advice}")
        return INTERRUPTED
    if not how:
        signal.raise_signal(ended_by)
    lost = f"one of the {request.number} processes that train was lost ({how})"
    return ErrorReport(f"{lost}; what was written is whole", request.advice, code=1).say()


def _work(run: Run, arguments: list[str], folder: Path) -> None:
    """Run the command in one of the processes."""
    end_with_parent()
    # At any instant, as by SIGKILL: files are replaced whole, and the first process says it.
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    code = run(arguments, partial(_leave_report, folder))
    if code:
        sys.exit(code)


def _leave_report(folder: Path, report: ErrorReport) -> int:
    """Write the error report of a command for the process that has started this one."""
    if not report.expected:
        # When one process is lost, the others fail too, because they wait for its gradients.
        time.sleep(_SECONDS_TO_BE_ENDED)
    write_whole(folder / f"{os.getpid()}.json", json.dumps(asdict(report)))
    return report.code


def _first_report(folder: Path) -> ErrorReport | None:
    """The earliest error report in the folder; None if there is none."""
    words = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return ErrorReport(**json.loads(words[0].read_text())) if words else None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep what torch says of processes off the terminal, and undo its handlers of signals."""
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    handlers = {number: signal.getsignal(number) for number in numbers}
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    # The processes inherit it. Torch would warn that it looks for parameters that are not used.
    given = os.environ.get(_LOG_LEVEL)
    os.environ[_LOG_LEVEL] = given or "ERROR"
    try:
        yield
    finally:
        logging.disable(before)
        if given is None:
            del os.environ[_LOG_LEVEL]
        for number, handler in handlers.items():
            signal.signal(number, handler)
