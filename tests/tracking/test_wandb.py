from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from ax_anasod.exceptions import OptionError
from ax_anasod.journal import Completed
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.tracking import WandbTracker
from tests.conftest import PATIENCE
from tests.tracking.conftest import search

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

BLOCK = 2**15


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs that are sent nowhere."""
    pytest.importorskip("wandb", reason='needs pip install "ax-anasod[wandb]"')
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_PROJECT", "cells")
    return tmp_path / "wandb"


def content(folder: Path) -> list[Any]:
    """The records of the only run in a folder, whose file is a log in the format of LevelDB."""
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.glob("offline-run-*/run-*.wandb")
    data, position, whole, found = file.read_bytes(), 7, b"", []
    while position + 7 <= len(data):
        if (left := BLOCK - position % BLOCK) < 7:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        whole += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # the only or the last part
            found.append(wandb_internal_pb2.Record.FromString(whole))
            whole = b""
    return found


def items(entries: Any) -> dict[str, Any]:
    names = {e.key or "/".join(e.nested_key): json.loads(e.value_json) for e in entries}
    return {name: value for name, value in names.items() if not name.startswith("_")}


def test_trials_epochs_and_the_table_reach_a_run(benchmark: TableBenchmark, offline: Path) -> None:
    run = search(benchmark, 3)
    dispatcher = run.track([WandbTracker()])
    dispatcher.epochs(0, [(1, {"error/valid": 9.0})])
    run.run(3)
    dispatcher.end(run.records, finished=True)

    # A process of its own writes, also when ours has gone on.
    deadline = time.monotonic() + PATIENCE
    while "exit" not in {r.WhichOneof("record_type") for r in content(offline)}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    records = content(offline)
    (started,) = (r.run for r in records if r.WhichOneof("record_type") == "run")
    assert (started.project, started.run_id) == ("cells", dispatcher.run.id)
    assert started.display_name == run.config.experiment_name
    history = [items(r.history.item) for r in records if r.WhichOneof("record_type") == "history"]
    errors = [r.end.values["error"] for r in run.records if isinstance(r.end, Completed)]
    assert history[0] == {"trial 0/error/valid": 9.0, "trial 0/epoch": 1}
    of_trials = [row for row in history if "trial" in row]
    assert [row["trials/error"] for row in of_trials] == errors
    assert [row["best/error"] for row in of_trials] == [min(errors[: n + 1]) for n in range(3)]
    assert [row["all trials/nrows"] for row in history if "all trials/nrows" in row] == [3]


def test_without_a_login_the_run_does_not_begin(
    offline: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(OptionError, match="login"):
        WandbTracker()
