"""What every test shares: where the real data lies, and how hypothesis behaves."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, groupby, islice
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from ax_anasod._ax import experiment_of

if TYPE_CHECKING:
    from ax.api.client import Client

    from ax_anasod.cells import Cell
    from ax_anasod.nasbench import Benchmark

PATIENCE = 900
"""Seconds after which a process hangs; a machine with other work is ten times as slow."""

SHARED_VARIABLE = "AX_ANASOD_SHARED"

# Ray's workers are nice to everybody else: beside a worker of the tests on each core they wait
# for minutes.
os.environ.setdefault("RAY_worker_niceness", "0")

# No deadline: the first call of a compiled or cached function is slow, and so are busy
# machines. In CI the examples are the same each time, so that a red run can be repeated.
settings.register_profile("local", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker starts with its share of the slow tests, so that none waits for another's.

    Coverage is measured by the others alone: traced, a test takes 1.6 times as long.
    """
    slow, fast = [], []
    for item in items:
        if item.get_closest_marker("slow") is None:
            fast.append(item)
        else:
            item.add_marker("no_cover")
            slow.append(item)
    # The longest, notebooks and trainings, are the last in the alphabet. Tests of one module
    # share what they set up, and stay together.
    modules = [list(tests) for _, tests in groupby(slow, key=lambda item: item.path)][::-1]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    # --dist worksteal cuts the list into pieces of equal length, one a worker; whoever is done
    # takes over the end of another's.
    left, rest, ordered = len(items), iter(fast), []
    for worker in range(workers):
        size = left // (workers - worker)
        left -= size
        own = list(chain.from_iterable(modules[worker::workers]))
        ordered += [*own, *islice(rest, max(size - len(own), 0))]
    items[:] = [*ordered, *rest]


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the key lies with which descriptions are sealed; not the user's own."""
    folder = tmp_path_factory.mktemp("state")
    os.environ["XDG_STATE_HOME"] = str(folder)
    return folder


@pytest.fixture
def stranger(
    state_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """From its call on, what was written before is a stranger's: the key is another one."""

    def become() -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state of another user"))

    return become


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark data, which is no part of the repository.

    It lies beside the checkout, or where the environment variable says; a test that needs it
    is skipped where it is absent, but not where the variable names a wrong place.
    """
    named = os.environ.get(SHARED_VARIABLE)
    if named is not None:
        folder = Path(named)
        if not folder.is_dir():
            pytest.fail(f"{SHARED_VARIABLE}={named} is no folder")
        return folder
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: set {SHARED_VARIABLE} to the folder of the benchmark data")
    return folder


@pytest.fixture(scope="session")
def server() -> ForkServerContext:
    """Starts processes as forks of a server that has loaded the libraries and nothing else.

    To load them takes longer than most of what tests run in a process of its own. A process has
    one such server, so that this list is that of all tests.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            *("ax_anasod.cli.running", "ax_anasod.cli.parsing", "ax_anasod.cli.comparison_view"),
            *("ax_anasod.analysis", "ax_anasod.retraining", "sklearn.datasets"),
            *("lightning.fabric", "torch.utils.tensorboard"),
        ]
    )
    return context


@pytest.fixture
def run_script(
    server: ForkServerContext, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., CompletedProcess[str]]:
    """Runs a script, or a module, as ``python script ARGUMENTS`` would, in a new process."""

    def run(script: Path | str, *arguments: object, folder: Path) -> CompletedProcess[str]:
        streams = tmp_path_factory.mktemp("streams")
        command = {
            "script": str(script),
            "arguments": [str(argument) for argument in arguments],
            "folder": str(folder),
            "output": str(streams / "output"),
            "errors": str(streams / "errors"),
        }
        process = server.Process(
            target=runpy.run_path,
            args=(str(Path(__file__).with_name("forked.py")), {"command": command}, "__main__"),
        )
        process.start()
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            pytest.fail(f"{script} did not end within {PATIENCE} seconds")
        texts = [(streams / name).read_text() for name in ("output", "errors")]
        return CompletedProcess([str(script)], process.exitcode or 0, *texts)

    return run


@pytest.fixture(scope="session")
def toy_cell() -> Cell:
    """Three operations in six blocks: 28 encodings, 729 architectures."""
    from ax_anasod.cells import Cell

    return Cell("toy", operations=["conv", "pool", "skip"], num_blocks=6)


@pytest.fixture(scope="session")
def toy_error() -> Callable[[Mapping[str, Any]], float]:
    """An error with its optimum, 1, at two conv, three pool, one skip."""

    def error(parameters: Mapping[str, Any]) -> float:
        return float(1 + (parameters["n_conv"] - 2) ** 2 + (parameters["n_pool"] - 3) ** 2)

    return error


@pytest.fixture(scope="session")
def toy_benchmark(
    toy_cell: Cell,
    toy_error: Callable[[Mapping[str, Any]], float],
    tmp_path_factory: pytest.TempPathFactory,
) -> Benchmark:
    """A table of all toy architectures: ``error`` (searched), ``size`` (reported), a cost.

    Architectures of an encoding differ by up to 1, so that it matters which one is drawn.
    """
    import pandas as pd

    from ax_anasod.nasbench import TableBenchmark

    codes = toy_cell.enumerate()
    counts = toy_cell.encode(codes)
    within = codes @ [1, 2, 3, 4, 5, 6] / 60
    table = pd.DataFrame(
        {
            "arch": toy_cell.to_strings(codes),
            "error": [
                toy_error({"n_conv": conv, "n_pool": pool}) + extra
                for (conv, pool, _), extra in zip(counts.tolist(), within.tolist(), strict=True)
            ],
            "size": 10.0 * counts[:, 0] + counts[:, 1],
            "seconds": 60.0 + counts[:, 0],
        }
    )
    path = tmp_path_factory.mktemp("toy") / "toy.csv.gz"
    table.to_csv(path, index=False)
    return TableBenchmark(path, toy_cell, minimize="error", report="size", cost="seconds")


@pytest.fixture(scope="session")
def advance() -> Callable[..., list[tuple[Any, ...]]]:
    """Ask and tell until an experiment has so many trials; the parameters of all of them."""

    def until(
        client: Client, num_trials: int, error: Callable[[Mapping[str, Any]], Any]
    ) -> list[tuple[Any, ...]]:
        while len(experiment_of(client).trials) < num_trials:
            for index, parameters in client.get_next_trials(1).items():
                value = error(parameters)
                raw = dict(value) if isinstance(value, Mapping) else {"error": value}
                client.complete_trial(index, raw_data=raw)
        return [
            tuple(arm.parameters.values())
            for _, trial in sorted(experiment_of(client).trials.items())
            for arm in trial.arms
        ]

    return until


@pytest.fixture(scope="session")
def own_warnings() -> Callable[[], AbstractContextManager[list[str]]]:
    """Collects the texts of this package's warnings, each time that one is given."""

    @contextmanager
    def collecting() -> Iterator[list[str]]:
        from ax_anasod.exceptions import AnasodWarning

        texts: list[str] = []
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", AnasodWarning)
            yield texts
        texts += [str(warning.message) for warning in said]

    return collecting


@pytest.fixture(scope="session")
def disturb() -> Callable[[int], None]:
    """Set every global generator of random numbers, which must not matter to anything."""
    import random

    import numpy as np
    import torch

    def set_all(seed: int) -> None:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  (the global one is what is meant)
        torch.manual_seed(seed)

    return set_all
