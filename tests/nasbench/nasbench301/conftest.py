"""The real surrogates, and architectures with the values that they must give."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ax_anasod import cells
from ax_anasod.nasbench import NASBench301Benchmark
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
