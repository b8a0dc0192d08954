"""The runner that trains on a Ray cluster: a real one, of several processes on this machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ax.core.trial_status import TrialStatus

from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.runners import RayRunner
from ax_anasod.training import TrainingTask, TrialState, TrialTraining, load_data
from tests.conftest import PATIENCE

pytest.importorskip("ray", reason="the extra ray is not installed")

EPOCHS = 40


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A local cluster for all tests of this file."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=40)
    yield
    ray.shutdown()


def wait(condition: Any) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def epochs(folder: str) -> int:
    state = TrialState.read(Path(folder))
    return 0 if state is None else len(state.epochs)


def worker_of(folder: str) -> int:
    """The process that writes the last TensorBoard log of a trial."""
    logs = sorted(Path(folder).glob("events*"), key=lambda path: path.stat().st_mtime_ns)
    return int(logs[-1].name.split(".")[-2])


def contents(folder: str) -> dict[str, bytes]:
    """What a trial goes on from: all but the logs."""
    files = [path for path in Path(folder).iterdir() if not path.name.startswith("events")]
    return {path.name: path.read_bytes() for path in files}


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_trials_outlive_their_workers(
    task: TrainingTask, encoding: dict[str, Any], tmp_path: Path
) -> None:
    longer = replace(task, training=task.training.with_options(epochs=EPOCHS))
    # Whatever waits for a worker or for Ray, these do not come to an end by themselves.
    endless = replace(task, training=task.training.with_options(epochs=100_000))
    runners = [
        RayRunner(kind, str(tmp_path / "trials"), seed=1, retries=1)
        for kind in (longer, endless, endless)
    ]
    metadata = [runners[0].run_trial(0, encoding)]
    survivor = metadata[0]["folder"]
    wait(lambda: epochs(survivor) > 1)
    os.kill(worker_of(survivor), signal.SIGKILL)
    assert epochs(survivor) < EPOCHS

    # Two at a time: the last waits for one of the others.
    metadata += [runners[index].run_trial(index, encoding) for index in (1, 2)]
    stopped, failing = (m["folder"] for m in metadata[1:])
    wait(lambda: epochs(stopped) > 1)
    runners[1].stop_trial(1, metadata[1])
    at_stop = contents(stopped)
    # The worker of the third is killed more often than it may be.
    known: set[str] = set()
    for _ in range(2):
        wait(lambda: {path.name for path in Path(failing).glob("events*")} - known)
        known.update(path.name for path in Path(failing).glob("events*"))
        os.kill(worker_of(failing), signal.SIGKILL)

    statuses: dict[int, TrialStatus] = {}

    def polled() -> bool:
        statuses.update({i: runners[i].poll_trial(i, metadata[i]) for i in range(3)})
        return TrialStatus.RUNNING not in statuses.values()

    wait(polled)
    assert statuses == {
        0: TrialStatus.COMPLETED,
        1: TrialStatus.EARLY_STOPPED,
        2: TrialStatus.FAILED,
    }
    state, cancelled, lost = (TrialState.read(Path(m["folder"])) for m in metadata)
    assert lost is not None
    assert "its worker was lost 2 times: WorkerCrashedError" in str(lost.reason)
    assert cancelled is not None
    assert len(cancelled.epochs) > 1
    # Nobody was at work in its folder any more.
    assert contents(stopped) == at_stop
    # Killed in the middle and gone on with in another process, as if nothing had been.
    assert state is not None
    whole = TrialTraining(
        longer, runners[0].codes(0, encoding), state.seed, tmp_path / "whole", tensorboard=False
    ).advance(load_data(longer.data), epochs=None)
    assert [e.valid_loss for e in state.epochs] == [e.valid_loss for e in whole.epochs]
    for runner in runners:
        runner.close()


def test_wrong_arguments_are_refused(task: TrainingTask, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="more than 0 processors.*got 0, 0.0 and 3"):
        RayRunner(task, str(tmp_path), cpus=0)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_an_address_where_nobody_listens_is_refused(
    task: TrainingTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    # Another test of this process may have a cluster.
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(RunError, match=f"no Ray cluster answers at {address}: .*ray start --head"):
        RayRunner(task, str(tmp_path), address=address).prepare()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "words"),
    [
        ({"cpus": 999}, "processors .* the 999 that"),
        ({"gpus": 99}, "GPUs .* the 99 that"),
    ],
)
def test_more_than_this_machine_has_is_refused(
    task: TrainingTask, tmp_path: Path, share: dict[str, Any], words: str
) -> None:
    import ray

    if ray.is_initialized():
        ray.shutdown()
    with pytest.raises(RunError, match=words):
        RayRunner(task, str(tmp_path), **share).prepare()
    assert not ray.is_initialized()
