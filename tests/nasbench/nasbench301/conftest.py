"""The real surrogates, and architectures with the values that they must give."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ax_anasod import cells
from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench import NASBench301Benchmark
from ax_anasod.nasbench.nasbench301.installation import find_interpreter
from tests.nasbench.nasbench301.linear_worker import write_ensemble


@pytest.fixture(scope="session")
def onnx_directory(shared_data: Path) -> Path:
    """YAHPO Gym's surrogate."""
    pytest.importorskip("onnxruntime")
    return shared_data / "darts" / "nb301_yahpo"


@pytest.fixture
def onnx_copy(onnx_directory: Path, tmp_path: Path) -> Path:
    """The same in a folder of the test, which may damage it."""
    copy = tmp_path / "surrogate"
    copy.mkdir()
    for name in ("model.onnx", "encoding.json"):
        shutil.copyfile(onnx_directory / name, copy / name)
    return copy


@pytest.fixture(scope="session")
def known(shared_data: Path) -> pd.DataFrame:
    """12,439 architectures with surrogate values from elsewhere."""
    return pd.read_csv(shared_data / "darts" / "nb301_archs.csv.gz")


@pytest.fixture(scope="session")
def known_codes(known: pd.DataFrame) -> np.ndarray:
    """Their codes."""
    return cells.get("darts").from_strings(known["arch"].tolist())


@pytest.fixture(scope="session")
def some_codes() -> np.ndarray:
    """Forty architectures, drawn uniformly."""
    return cells.get("darts").sample(40, np.random.default_rng(301))


@pytest.fixture
def linear_command() -> list[str]:
    """Runs the worker's loop around a linear model, see `linear_worker`."""
    return [sys.executable, "-I", str(Path(__file__).with_name("linear_worker.py"))]


@pytest.fixture
def noisy(tmp_path: Path) -> NASBench301Benchmark:
    """A noisy surrogate with training times: a linear model in a process of its own."""
    folder, python = write_ensemble(tmp_path / "linear")
    return NASBench301Benchmark(folder, python=python, noise=True)


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter that has the package."""
    try:
        return find_interpreter(Path())
    except BenchmarkError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def ensembles(python: str, known: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with xgb_ours, lgb_time_ours and gnn_gin_ours."""
    folder = tmp_path_factory.mktemp("ensembles_of_ours")
    columns = {"yahpo_val_98": "accuracy", "yahpo_runtime_seconds_98": "seconds"}
    known.rename(columns=columns)[["arch", *columns.values()]].to_csv(
        folder / "table.csv.gz", index=False
    )
    command = [
        python,
        "-I",
        str(Path(__file__).with_name("train_ensemble.py")),
        str(folder / "table.csv.gz"),
    ]
    options = ["--models", "xgb,lgb_time,gnn_gin", "--members", "2", "--rows", "160"]
    done = subprocess.run(
        [*command, str(folder), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder
