"""The built-in benchmarks pass their examination, and it fails those that deserve it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.exceptions import AnasodError
from ax_anasod.nasbench import (
    Benchmark,
    HybridLMBenchmark,
    NASBench201Benchmark,
    NASBench301Benchmark,
    NASBenchGraphBenchmark,
    Objective,
)
from ax_anasod.nasbench import benchmark as registry
from ax_anasod.testing import BenchmarkConformance, SyntheticObjective
from tests.reproduce.conftest import means, official, single  # noqa: F401

graph_benchmark = lru_cache(NASBenchGraphBenchmark)
darts_benchmark = lru_cache(NASBench301Benchmark)


class TestNASBenchGraph(BenchmarkConformance):
    @pytest.fixture(params=["cora", "proteins"])
    def benchmark(self, request: pytest.FixtureRequest) -> Benchmark:
        return graph_benchmark(request.param)


class TestHybridLM(BenchmarkConformance):
    @pytest.fixture(params=["mean", "single"])
    def benchmark(self, request: pytest.FixtureRequest) -> Benchmark:
        return HybridLMBenchmark(minimize=["loss", "cache_bytes"], seeds=request.param)


class TestTable(BenchmarkConformance):
    @pytest.fixture
    def benchmark(self, toy_benchmark: Benchmark) -> Benchmark:
        return toy_benchmark


class TestNASBench201(BenchmarkConformance):
    @pytest.fixture
    def benchmark(self, means: NASBench201Benchmark) -> Benchmark:  # noqa: F811
        return means


class TestSingleRunsOfNASBench201(BenchmarkConformance):
    @pytest.fixture
    def benchmark(self, single: NASBench201Benchmark) -> Benchmark:  # noqa: F811
        return single


class TestNASBench301(BenchmarkConformance):
    @pytest.fixture
    def benchmark(self, shared_data: Path) -> Benchmark:
        pytest.importorskip("onnxruntime")
        return darts_benchmark(shared_data / "darts" / "nb301_yahpo")


class Examined(Benchmark):
    """A benchmark of a user's own, with one flaw or none."""

    def __init__(self, flaw: str = "") -> None:
        self.name, self.dataset, self.flaw = "examined", None, flaw
        self.cell = cells.Cell("own", operations=["conv", "pool", "skip"], num_blocks=4)
        name = "cost_seconds" if flaw == "name" else "test_error"
        unit = "seconds" if flaw == "unit" else "percent"
        self.objectives = (Objective(name, unit),)
        self.reported = () if flaw != "repeated" else self.objectives
        self._asked = 0

    def query(self, codes: Any, seeds: Any = None) -> dict[str, Any]:
        if self.flaw != "anything":
            codes = self.cell.validate_codes(codes)
        values = SyntheticObjective(self.cell)(np.minimum(codes, 2))
        self._asked += 1
        if self.flaw == "state":
            values = values + self._asked
        if self.flaw == "batch" and len(codes):
            values = values - values[0] + 50
        if self.flaw == "range" and len(codes):
            values = values + 100
        if self.flaw == "shape":
            return {"test_error": values[:, None]}
        if self.flaw == "missing":
            return {}
        if self.flaw == "list":
            return {"test_error": values.tolist()}
        if self.flaw == "fraction":
            return {"test_error": values / 100}
        if self.flaw == "further":
            return {"test_error": values, "valid_error": values}
        return {self.objectives[0].name: values}

    def optimum(self, objective: str) -> float | None:
        if self.flaw == "optimum":
            return 99.0
        return super().optimum(objective) if self.flaw != "optimum of anything" else None

    def to_dict(self) -> dict[str, Any]:
        flaw = "state" if self.flaw == "description" else self.flaw
        return {"benchmark": "examined", "flaw": flaw}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        return cls(description["flaw"])


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    # As register_benchmark does, but for these tests only.
    monkeypatch.setitem(registry._CLASSES, "examined", Examined)


class TestOwn(BenchmarkConformance):
    @pytest.fixture
    def benchmark(self) -> Benchmark:
        return Examined()


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ("missing", r"no values of \['test_error'\]"),
        ("further", r"\['valid_error'\] is neither searched nor reported"),
        ("list", "test_error is a list, no array"),
        ("shape", r"test_error has the shape \(24, 1\)"),
        ("range", "test_error is 1.* percent"),
        ("fraction", "no test_error of 24 architectures exceeds 0.* it seems to be a fraction"),
    ],
)
def test_what_is_wrong_is_said(flaw: str, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        BenchmarkConformance().test_every_quantity_is_answered(Examined(flaw))


def test_a_task_that_everything_solves_may_say_so() -> None:
    class Solved(BenchmarkConformance):
        exceeded_percent = 0.0

    benchmark = Examined("fraction")
    Solved().test_every_quantity_is_answered(benchmark)
    with pytest.raises(AssertionError, match="set exceeded_percent in your test class to 0"):
        BenchmarkConformance().test_every_quantity_is_answered(benchmark)


@pytest.mark.parametrize(
    ("flaw", "test"),
    [
        ("name", "quantities_have_names_of_their_own"),
        ("unit", "quantities_have_names_of_their_own"),
        ("repeated", "quantities_have_names_of_their_own"),
        ("missing", "every_quantity_is_answered"),
        ("shape", "every_quantity_is_answered"),
        ("range", "every_quantity_is_answered"),
        ("batch", "architectures_do_not_depend_on_each_other"),
        ("state", "a_query_can_be_repeated"),
        ("anything", "what_is_no_architecture_is_refused"),
        ("optimum", "nothing_is_better_than_the_optimum"),
        ("optimum of anything", "nothing_is_better_than_the_optimum"),
        ("description", "its_description_restores_it"),
        ("missing", "it_can_be_searched"),
    ],
)
def test_flaws_are_found(flaw: str, test: str) -> None:
    with pytest.raises((AssertionError, AnasodError, KeyError)):
        getattr(BenchmarkConformance(), f"test_{test}")(Examined(flaw))
