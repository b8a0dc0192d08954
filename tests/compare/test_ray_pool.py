"""A comparison on a Ray cluster: a real one, of several processes on this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ax_anasod.compare import Contender, Observer, compare_strategies
from ax_anasod.compare.ray_pool import on_cluster
from ax_anasod.exceptions import OptionError, RunError, UnknownNameError
from ax_anasod.nasbench import TableBenchmark

pytest.importorskip("ray", reason="the extra ray is not installed")

CONTENDERS = [Contender("random", {}, 8), Contender("anasod-random", {}, 8)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A local cluster for all tests of this file."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=40)
    yield
    ray.shutdown()


class Stopping(Observer):
    """Stops once there are so many trials."""

    def __init__(self, after: int) -> None:
        self.done, self.after = 0, after

    def progressed(self, done: int, runs: int) -> None:
        self.done = done

    def should_stop(self) -> bool:
        return self.done >= self.after


class Dying:
    """A run whose first process is killed; the next one finds the file of the first."""

    def __init__(self, path: Path, times: int = 1) -> None:
        self.path, self.times = path, times

    def run(self, benchmark: Any, channel: Any) -> None:
        lives = len(list(self.path.iterdir()))
        if lives < self.times:
            (self.path / str(lives)).touch()
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_cluster_makes_the_trials_of_this_machine(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    here = compare_strategies(benchmark, CONTENDERS, seeds=2)
    stopped = compare_strategies(
        benchmark,
        CONTENDERS,
        seeds=2,
        jobs=1,
        out=tmp_path / "there",
        observer=Stopping(5),
        runner="ray",
    )
    assert not stopped.finished
    assert 5 <= len(stopped.results) < 32
    there = compare_strategies(benchmark, CONTENDERS, seeds=2, out=tmp_path / "there", runner="ray")
    assert there.finished
    ours, theirs = (c.results.drop(columns="seconds") for c in (here, there))
    pd.testing.assert_frame_equal(theirs, ours)


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_run_outlives_its_worker_but_not_all_of_them(tmp_path: Path) -> None:
    from ax_anasod.compare.run_worker import WorkerInput

    folders = [tmp_path / "once", tmp_path / "always"]
    for folder in folders:
        folder.mkdir()
    tasks = [Dying(folders[0]), Dying(folders[1], times=100)]
    ends: dict[int, Any] = {}
    with on_cluster(None) as run_on_ray:
        run_on_ray(
            tasks,
            WorkerInput({}),
            None,
            lambda task, done: None,
            lambda task, end: ends.update({tasks.index(task): end.error}),
            lambda: False,
        )
    assert ends[0] is None
    assert "worker was lost" in ends[1]
    assert len(list(folders[1].iterdir())) == 4


def test_what_a_runner_cannot_do_is_refused_before_there_is_a_folder(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(UnknownNameError):
        compare_strategies(benchmark, ["random"], out=out, runner="moon")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="host:1"):
        compare_strategies(benchmark, ["random"], out=out, address="host:1")
    assert not out.exists()


def test_a_cluster_that_is_not_there_is_told_before_there_is_a_folder(
    benchmark: TableBenchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(RunError, match="127.0.0.1:9"):
        compare_strategies(
            benchmark, ["random"], out=tmp_path / "out", runner="ray", address="127.0.0.1:9"
        )
    assert not (tmp_path / "out").exists()
