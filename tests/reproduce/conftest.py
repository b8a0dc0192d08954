"""A NAS-Bench-201 of invented values, in the form that the package keeps beside the file.

And a few differentiable searches on the digits, which know nothing of it.
"""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.compare.run_worker import TaskProgress
from ax_anasod.nasbench import NASBench201Benchmark
from ax_anasod.nasbench.nasbench201_cache import write_cache
from ax_anasod.nasbench.nasbench201_trials import RUNS, SPLITS, Trials
from ax_anasod.reproduce import OneShotMethod, OneShotProtocol
from ax_anasod.reproduce.one_shot_runs import tasks_of
from ax_anasod.reproduce.one_shot_task import OneShotTask
from ax_anasod.training import ImageData, load_data

CELL = cells.get("nas-bench-201")


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All 15,625 cells with two or three seeds, at 200 epochs; cifar10-valid also at 12.

    The error grows with each operation by a step of its own, with the place of the blocks
    a little, and with the seed a little less.
    """
    codes = CELL.enumerate()
    rng = np.random.default_rng(0)
    seeds = np.array([777, 888, 999])
    architecture, place = np.nonzero(np.arange(3) < 2 + (np.arange(len(codes)) % 2)[:, None])
    counts = CELL.encode(codes)
    base = 8 + counts @ [6.0, 2.0, 0.5, 0.0, 1.0] + 0.3 * np.sin(codes @ (5 ** np.arange(6)))
    error = base[architecture] + 0.1 * rng.standard_normal(len(architecture))
    seconds = 100.0 + counts[architecture] @ [0.0, 0.0, 40.0, 90.0, 10.0]
    runs = [(run, 200) for run in RUNS] + [("cifar10-valid", 12)]
    n = len(architecture)
    trials = Trials(
        architectures=tuple(CELL.to_strings(codes)),
        architecture=np.tile(architecture, len(runs)),
        epochs=np.repeat([epochs for _, epochs in runs], n),
        run=np.repeat([RUNS.index(run) for run, _ in runs], n),
        seed=np.tile(seeds[place], len(runs)),
        accuracy={split: np.tile(100 - error, len(runs)) for split in SPLITS},
        seconds=np.tile(seconds, len(runs)),
    )
    path = tmp_path_factory.mktemp("official") / "trials.parquet"
    write_cache(path, trials)
    return path


@pytest.fixture(scope="session")
def single(official: Path) -> NASBench201Benchmark:
    """Single training runs, as the paper searches them."""
    return NASBench201Benchmark(official, "cifar10", seeds="single")


@pytest.fixture(scope="session")
def means(official: Path) -> NASBench201Benchmark:
    """Means over the training seeds."""
    return NASBench201Benchmark(official, "cifar10")


@pytest.fixture(scope="session")
def tested(official: Path) -> NASBench201Benchmark:
    """Test errors, as Table 3 judges by."""
    return NASBench201Benchmark(official, "cifar10", search="test")


@pytest.fixture(scope="session")
def protocol() -> OneShotProtocol:
    """Two epochs on few of the digits."""
    return OneShotProtocol.at_scale(
        "cpu", CELL, data={"images": 140}, network={"channels": 2}, epochs=2, device="cpu"
    )


@pytest.fixture(scope="session")
def digits(protocol: OneShotProtocol) -> ImageData:
    """Its images."""
    return load_data(protocol.data)


@pytest.fixture(scope="session")
def searched(
    protocol: OneShotProtocol, digits: ImageData, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with two searches of each of two methods, made in this process."""
    folder = tmp_path_factory.mktemp("searched") / "out"
    methods = [OneShotMethod("anasod-dnas"), OneShotMethod("darts")]
    for task in tasks_of(protocol, CELL, methods, digits, 2, folder):
        carry_out_here(task)
    return folder


class Listener:
    """The end of a connection that tells a search to stop after so many epochs, if any."""

    def __init__(self, most: int | None) -> None:
        self.epochs: list[int] = []
        self._most = most

    def send(self, message: TaskProgress) -> None:
        self.epochs.append(message.done)

    def poll(self) -> bool:
        return self._most is not None and len(self.epochs) >= self._most


def carry_out_here(task: OneShotTask, most: int | None = None) -> list[int]:
    """Carry a search out in this process, or so many epochs of it; those it has reported."""
    listener = Listener(most)
    connection = cast("Connection", listener)
    task.run(lambda: pytest.fail("a search needs no benchmark"), connection)
    return listener.epochs
