"""The entry point of a process of a comparison; it loads nothing until it is quiet."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from multiprocessing.connection import Connection

from ax_anasod.locks import end_with_parent


def begin(connection: Connection) -> None:
    """Serve a comparison, see :func:`ax_anasod.compare.run_worker.work`.

    Args:
        connection: To the process that has started this one.
    """
    end_with_parent()
    # Ctrl-C reaches the whole group of processes; the main one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    be_quiet()
    # The output of a benchmark must not mix with the results of the main process.
    os.dup2(2, 1)
    from ax_anasod.compare.run_worker import work

    work(connection)


def be_quiet() -> None:
    """Silence Ax and its kin in this process.

    They warn and log about their own doing, from their import on, into the progress bar of
    the main process.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
