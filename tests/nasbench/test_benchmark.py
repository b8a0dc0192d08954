"""Benchmarks by name, and benchmarks of the user's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from ax_anasod import nasbench
from ax_anasod.cells import Cell
from ax_anasod.exceptions import AnasodError, BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench import Benchmark, NASBenchGraphBenchmark, Objective, TableBenchmark
from ax_anasod.nasbench import benchmark as registry_module


@pytest.fixture(autouse=True)
def _leave_registry_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "_CLASSES", dict(registry_module._CLASSES))


def test_names() -> None:
    assert {"table", "nas-bench-201", "nas-bench-graph"} <= set(nasbench.names())
    assert nasbench.get_class("table") is TableBenchmark


def test_make(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("arch,x\na,1\nb,2\n")
    benchmark = nasbench.make(
        "table",
        path=tmp_path / "t.csv",
        cell=Cell("one", operations=["a", "b"], num_blocks=1),
        minimize=["x"],
        name="my table",
    )
    assert isinstance(benchmark, TableBenchmark)
    assert benchmark.name == "my table"
    assert isinstance(nasbench.make("nas-bench-graph", dataset="cora"), NASBenchGraphBenchmark)


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("nas-bench-grap", {}, UnknownNameError, "did you mean 'nas-bench-graph'"),
        ("nas-bench-graph", {}, OptionError, "'nas-bench-graph' needs the option 'dataset'"),
        ("table", {"path": "x"}, OptionError, "'table' needs the option 'cell'"),
        (
            "nas-bench-graph",
            {"datset": "cora"},
            OptionError,
            r"no option 'datset' \(did you mean 'dataset'",
        ),
    ],
)
def test_make_refuses(
    name: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nasbench.make(name, **options)


def test_from_dict_refuses() -> None:
    with pytest.raises(BenchmarkError, match="has no 'benchmark', it is .'path'"):
        nasbench.from_dict({"path": "x"})
    with pytest.raises(UnknownNameError):
        nasbench.from_dict({"benchmark": "tabel"})


WRONG = [None, True, -1, 10**30, 1.5, float("nan"), "", "x" * 5000, "a\0b", [], [1], [["x"]], {}]


@pytest.fixture
def descriptions(tmp_path: Path) -> list[dict[str, Any]]:
    cell = Cell("bits", operations=["zero", "one"], num_blocks=3)
    lines = [f"{arch},{i}.5,{i}" for i, arch in enumerate(cell.to_strings(cell.enumerate()[:7]))]
    (tmp_path / "t.csv").write_text("\n".join(["arch,x,y", *lines]))
    table = nasbench.TableBenchmark(
        tmp_path / "t.csv", cell, minimize="x", report="y", present_only=True
    )
    return [table.to_dict(), nasbench.make("nas-bench-graph", dataset="cora").to_dict()]


def test_damaged_descriptions_are_refused_in_one_line(descriptions: list[dict[str, Any]]) -> None:
    refused: list[str] = []
    for description in descriptions:
        for name in description:
            others = {key: value for key, value in description.items() if key != name}
            for damaged in (others, *({**others, name: wrong} for wrong in WRONG)):
                try:
                    assert nasbench.from_dict(damaged).objectives
                except AnasodError as error:
                    refused.append(str(error))
    assert len(refused) > 150
    assert not any("\n" in message for message in refused)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fingerprint": 3}, "saved description of the benchmark has fingerprint = 3, not a text"),
        ({"cell": []}, r"has cell = \[\], not an object"),
        ({"accuracy": "x"}, "has accuracy = 'x', not a list"),
        ({"report": [None]}, r"has report\[0\] = None, not a text"),
        ({"present_only": 1}, "has present_only = 1, not true or false"),
        ({"resolved_path": "x" * 5000, "path": "a\0b"}, "the data of the run is no longer at x"),
    ],
)
def test_what_is_wrong_in_a_description_is_named(
    descriptions: list[dict[str, Any]], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(BenchmarkError, match=message):
        nasbench.from_dict({**descriptions[0], **change})
    del descriptions[0]["cost"]
    with pytest.raises(BenchmarkError, match="lacks cost"):
        nasbench.from_dict(descriptions[0])


class Sum(Benchmark):
    """A user's benchmark: the sum of the operation numbers, shifted."""

    def __init__(self, shift: float = 0.0) -> None:
        self.name = "sum"
        self.dataset = None
        self.cell = Cell("bits", operations=["zero", "one"], num_blocks=3)
        self.objectives = (Objective("total", ""),)
        self.reported = ()
        self.shift = shift

    def query(self, codes: np.ndarray, seeds: np.ndarray | None = None) -> dict[str, np.ndarray]:
        return {"total": codes.sum(axis=1) + self.shift}

    def to_dict(self) -> dict[str, Any]:
        return {"benchmark": "sum", "shift": self.shift}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        return cls(description["shift"])


def test_a_benchmark_of_the_user() -> None:
    nasbench.register_benchmark("sum")(Sum)
    benchmark = nasbench.make("sum", shift=1.5)
    assert benchmark.query(benchmark.cell.enumerate())["total"].max() == 4.5
    assert benchmark.optimum("total") is None
    with pytest.raises(UnknownNameError):
        benchmark.optimum("totl")
    assert benchmark.draw_seeds(benchmark.cell.enumerate(), np.random.default_rng(0)) is None
    restored = nasbench.from_dict(benchmark.to_dict())
    assert isinstance(restored, Sum)
    assert restored.shift == 1.5


def test_a_name_is_not_taken_from_another_class() -> None:
    with pytest.raises(OptionError, match="'table' is taken by TableBenchmark"):
        nasbench.register_benchmark("table")(Sum)
    assert nasbench.get_class("table") is TableBenchmark
    nasbench.register_benchmark("sum")(Sum)
    nasbench.register_benchmark("sum")(Sum)


def test_import_is_light() -> None:
    code = (
        "import sys, ax_anasod.nasbench; "
        "heavy = ('torch', 'pandas', 'pyarrow', 'ax', 'nas_bench_graph'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
