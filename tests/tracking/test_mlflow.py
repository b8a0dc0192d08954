from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ax_anasod.journal import Completed, Failed, Record, Started
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.objectives import Objective
from ax_anasod.tracking import MLflowTracker, TrackedRun, TrackerDispatcher
from tests.tracking.conftest import track_search

pytestmark = [
    pytest.mark.slow,
    # Of the migrations of its database, and of packages of its own.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a store in a database of its own, which takes half a minute to make."""
    mlflow = pytest.importorskip("mlflow", reason='needs pip install "ax-anasod[mlflow]"')
    database = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    logging.disable(logging.WARNING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
        yield mlflow.MlflowClient()
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def experiment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the experiment, another one for each test."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    return str(request.node.name)


def runs_of(store: Any, experiment: str) -> dict[str, Any]:
    found = store.search_runs([store.get_experiment_by_name(experiment).experiment_id])
    return {run.data.tags["ax_anasod.trial"]: run for run in found}


def steps(store: Any, run: Any, metric: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in store.get_metric_history(run.info.run_id, metric)]


def test_a_run_and_its_trials_are_nested_runs_also_after_it_went_on(
    benchmark: TableBenchmark, tmp_path: Path, store: Any, experiment: str
) -> None:
    track_search(benchmark, 2, tmp_path, MLflowTracker())
    run = track_search(benchmark, 3, tmp_path, MLflowTracker())

    found = runs_of(store, experiment)
    assert set(found) == {"", "0", "1", "2"}
    whole = found[""]
    ends = [record.end for record in run.records if isinstance(record.end, Completed)]
    errors = [(end.trial, end.values["error"]) for end in ends]
    assert steps(store, whole, "error") == errors
    assert whole.info.status == "FINISHED"
    assert whole.data.params["strategy"] == "random"
    best = min(ends, key=lambda end: end.values["error"])
    assert whole.data.tags["best architecture"] == best.architecture
    for end in ends:
        trial = found[str(end.trial)]
        assert trial.data.tags["mlflow.parentRunId"] == whole.info.run_id
        assert trial.data.params["architecture"] == end.architecture
        assert steps(store, trial, "error") == errors[end.trial : end.trial + 1]


def test_epochs_failures_and_odd_names(store: Any, experiment: str) -> None:
    names = ("top-1 (%)", "m²")
    run = TrackedRun("mine", tuple(Objective(name, "") for name in names))
    dispatcher = TrackerDispatcher(run, [MLflowTracker()])
    records = [
        Record(Started(n, n, {"n_conv": 1}, "initial", "random"), end)
        for n, end in enumerate(
            (
                Completed(0, dict.fromkeys(names, 3.0), "x" * 7000, {"conv": 1}, None, 1.0),
                Failed(1, "the network diverged", {}, 1.0),
            )
        )
    ]
    dispatcher.trial(records, records[0], [(1, {"error/valid": 9.0}), (2, {"error/valid": 8.0})])
    dispatcher.trial(records, records[1])
    dispatcher.end(records, finished=False)

    found = runs_of(store, experiment)
    assert steps(store, found["0"], "error/valid") == [(1, 9.0), (2, 8.0)]
    assert found["0"].data.metrics["top-1 ___"] == 3.0
    assert found["0"].data.params["architecture"] == "x" * 6000
    assert found["1"].info.status == "FAILED"
    assert found["1"].data.tags["reason"] == "the network diverged"
    assert found[""].info.status == "KILLED"
