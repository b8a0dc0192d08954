"""The log of a training for TensorBoard."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest

from ax_anasod.exceptions import RunError
from ax_anasod.training.epoch import TensorBoardLog


@pytest.mark.skipif(
    find_spec("tensorflow") is not None,
    reason="TensorBoard writes by TensorFlow, which says nothing",
)
# The thread of the writer ends with the error that is raised here, too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_log_whose_folder_is_deleted_says_so(tmp_path):
    log = TensorBoardLog(tmp_path / "run")
    log.write_scalars({"loss": 1.0}, 1)
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(RunError, match="log for TensorBoard in .*run cannot be written: No such"):
        log.write_scalars({"loss": 1.0}, 2)
    with pytest.raises(RunError, match="cannot be written"):
        log.close()
