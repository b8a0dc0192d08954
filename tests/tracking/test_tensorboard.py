from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ax_anasod.exceptions import OptionError
from ax_anasod.journal import Completed
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.objectives import Objective
from ax_anasod.tracking import TensorBoardTracker, TrackedRun, make_trackers
from tests.tracking.conftest import track_search

accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="needs TensorBoard"
)


def read(folder: Path) -> Any:
    return accumulator.EventAccumulator(str(folder)).Reload()


def test_trials_are_curves_and_rows_with_hyperparameters(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    log = tmp_path / "tensorboard"
    run = track_search(benchmark, 2, tmp_path, TensorBoardTracker(log))
    run = track_search(benchmark, 4, tmp_path, TensorBoardTracker(log))

    errors = [r.end.values["error"] for r in run.records if isinstance(r.end, Completed)]
    curve = read(log).Scalars("trial/error")
    assert [event.step for event in curve] == [0, 1, 2, 3]
    assert [event.value for event in curve] == pytest.approx(errors)
    best = [event.value for event in read(log).Scalars("best/error")]
    assert best == pytest.approx([min(errors[: n + 1]) for n in range(4)])
    for number, error in enumerate(errors):
        of_trial = read(log / "trials" / f"{number:04d}")
        assert [event.value for event in of_trial.Scalars("trial/error")] == pytest.approx([error])
        hyperparameters = of_trial.SummaryMetadata("_hparams_/session_start_info")
        end = run.records[number].end
        assert isinstance(end, Completed)
        assert end.architecture.encode() in hyperparameters.plugin_data.content


@pytest.mark.parametrize("trains", [False, True])
def test_epochs_are_left_to_a_training_that_logs_them(tmp_path: Path, trains: bool) -> None:
    tracker = TensorBoardTracker(tmp_path / "log", tmp_path / "trials" if trains else None)
    run = TrackedRun("mine", (Objective("error", ""),), folder="random/0")
    for epoch in (1, 2):
        tracker.on_epoch_end(run, 3, epoch, {"error/valid": 10.0 / epoch})
    tracker.on_run_end(run, [], None, True)

    folder = tmp_path / "log/random/0/trials/0003"
    assert folder.exists() is not trains
    if not trains:
        assert [event.value for event in read(folder).Scalars("error/valid")] == [10.0, 5.0]


def test_a_run_without_a_folder_has_no_log() -> None:
    with pytest.raises(OptionError, match="--out"):
        make_trackers(["tensorboard"], None)
