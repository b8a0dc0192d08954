"""The log of a training for TensorBoard."""

from __future__ import annotations

import shutil
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from ax_anasod.exceptions import RunError
from ax_anasod.training.epoch import TensorBoardLog


@pytest.mark.skipif(
    find_spec("tensorflow") is not None, reason="TensorFlow, which TensorBoard writes by, is silent"
)
def test_a_log_whose_folder_is_deleted_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The thread of the writer ends with the same error, which is raised here.
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    others = set(threading.enumerate())
    log = TensorBoardLog(tmp_path / "run")
    log.write_scalars({"loss": 1.0}, 1)
    writers = set(threading.enumerate()) - others
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(RunError, match="log for TensorBoard in .*run cannot be written: No such"):
        log.write_scalars({"loss": 1.0}, 2)
    for writer in writers:
        writer.join()
    with pytest.raises(RunError, match="cannot be written"):
        log.close()
