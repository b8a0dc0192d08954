"""Both kinds of process pass the examination of every benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from ax_anasod.nasbench import NASBench301Benchmark
from ax_anasod.testing import BenchmarkConformance
from tests.nasbench.nasbench301.linear_worker import write_ensemble


class TestLinearModel(BenchmarkConformance):
    """Which every machine can run."""

    @pytest.fixture(scope="class")
    @classmethod
    def benchmark(cls, tmp_path_factory: pytest.TempPathFactory) -> NASBench301Benchmark:
        folder, python = write_ensemble(tmp_path_factory.mktemp("examined") / "linear")
        return NASBench301Benchmark(folder, python=python, noise=True)


@pytest.mark.slow
class TestPackage(BenchmarkConformance):
    """An ensemble of ours that the package nasbench301 has trained."""

    @pytest.fixture(scope="class")
    @classmethod
    def benchmark(cls, ensembles: Path, python: str) -> NASBench301Benchmark:
        return NASBench301Benchmark(ensembles, surrogate="xgb", python=python, noise=True)
