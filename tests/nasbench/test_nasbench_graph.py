"""NAS-Bench-Graph against the package it comes from."""

from __future__ import annotations

import json
import time
from typing import Any

import nas_bench_graph
import numpy as np
import pytest

from ax_anasod import nasbench
from ax_anasod.exceptions import ArchitectureError, BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench import NASBenchGraphBenchmark, Objective
from ax_anasod.nasbench.benchmark import KIND

SIZES = dict.fromkeys(NASBenchGraphBenchmark.datasets, 26_206) | {"proteins": 2_021}


@pytest.mark.parametrize("dataset", NASBenchGraphBenchmark.datasets)
def test_values_agree_with_the_package(dataset: str) -> None:
    table = nas_bench_graph.light_read(dataset)
    benchmark = NASBenchGraphBenchmark(
        dataset, report=["test_error", "latency_seconds", "parameters_millions"]
    )
    assert benchmark.cell.size == len(table) == SIZES[dataset]
    codes = benchmark.cell.sample(300, np.random.default_rng(0))
    result = benchmark.query(codes)
    for i, code in enumerate(codes):
        entry = table[official_hash(benchmark, code)]
        assert result["valid_error"][i] == 100 * (1 - entry["valid_perf"])
        assert result["test_error"][i] == 100 * (1 - entry["perf"])
        assert result["latency_seconds"][i] == entry["latency"]
        assert result["parameters_millions"][i] == entry["para"]


def official_hash(benchmark: NASBenchGraphBenchmark, code: np.ndarray) -> int:
    """The package's own number of an architecture, from its own list of links."""
    operations = [benchmark.cell.operations[i] for i in code[:4]]
    links = nas_bench_graph.architecture.link_list[code[4]]
    number: int = nas_bench_graph.Arch(links, operations).valid_hash()
    return number


def test_every_isomorphic_code_gets_the_value_of_its_class() -> None:
    benchmark = NASBenchGraphBenchmark("citeseer")
    table = nas_bench_graph.light_read("citeseer")
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.integers(0, 9, size=(500, 4)), rng.integers(0, 9, 500)])
    codes = codes[benchmark.cell.is_valid(codes)]
    assert (benchmark.cell.canonical(codes) != codes).any()
    expected = [100 * (1 - table[official_hash(benchmark, code)]["valid_perf"]) for code in codes]
    assert benchmark.query(codes)["valid_error"].tolist() == expected


def test_describes_itself() -> None:
    benchmark = NASBenchGraphBenchmark("cora")
    assert (benchmark.name, benchmark.dataset) == ("nas-bench-graph", "cora")
    assert benchmark.cell.name == "nas-bench-graph"
    assert benchmark.objectives == (Objective("valid_error", "percent"),)
    assert benchmark.reported == (Objective("test_error", "percent"),)
    assert not benchmark.has_cost
    assert NASBenchGraphBenchmark("proteins").cell.name == "nas-bench-graph-proteins"


def test_optimum_is_the_best_of_the_table() -> None:
    table = nas_bench_graph.light_read("cora")
    best = max(entry["valid_perf"] for entry in table.values())
    benchmark = NASBenchGraphBenchmark("cora")
    assert benchmark.optimum("valid_error") == 100 * (1 - best)
    assert benchmark.optimum("valid_error") == pytest.approx(18.07, abs=0.005)
    assert benchmark.optimum("test_error") == pytest.approx(16.87, abs=0.005)


def test_several_objectives() -> None:
    benchmark = NASBenchGraphBenchmark("cora", accuracy="test", minimize=["latency_seconds"])
    assert [o.name for o in benchmark.objectives] == ["test_error", "latency_seconds"]
    assert [o.unit for o in benchmark.objectives] == ["percent", "seconds"]
    assert [o.name for o in benchmark.reported] == ["valid_error"]
    only_size = NASBenchGraphBenchmark(
        "cora", accuracy=(), minimize="parameters_millions", report=()
    )
    assert list(only_size.query(only_size.cell.enumerate()[:2])) == ["parameters_millions"]


def test_all_skips_are_no_architecture() -> None:
    benchmark = NASBenchGraphBenchmark("cora")
    skip = benchmark.cell.operations.index("skip")
    with pytest.raises(ArchitectureError):
        benchmark.query(np.array([[skip, skip, skip, skip, 0]]))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dataset": "corra"}, UnknownNameError, r"data set 'corra' \(did you mean 'cora'"),
        ({"accuracy": "tst"}, UnknownNameError, "split 'tst' .did you mean 'test'"),
        ({"minimize": "latency"}, UnknownNameError, "did you mean 'latency_seconds'"),
        ({"report": ["perf"]}, UnknownNameError, "quantity 'perf' .known: valid_error"),
        ({"accuracy": ()}, OptionError, "nothing is searched"),
        ({"report": "valid_error"}, OptionError, "'valid_error' is named twice"),
        ({"minimize": "valid_error"}, OptionError, "'valid_error' is named twice"),
    ],
)
def test_refuses(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        NASBenchGraphBenchmark(**({"dataset": "cora"} | options))


@pytest.mark.parametrize(
    "options", [{}, {"accuracy": (), "minimize": ["latency_seconds"], "report": ["test_error"]}]
)
def test_round_trip(options: dict[str, Any]) -> None:
    benchmark = NASBenchGraphBenchmark("proteins", **options)
    description = json.loads(json.dumps(benchmark.to_dict()))
    assert description[KIND] == "nas-bench-graph"
    restored = nasbench.from_dict(description)
    assert isinstance(restored, NASBenchGraphBenchmark)
    assert restored.to_dict() == description
    assert restored.objectives == benchmark.objectives
    assert restored.reported == benchmark.reported


def test_refuses_to_restore_from_another_release_of_the_package() -> None:
    description = NASBenchGraphBenchmark("proteins").to_dict() | {"fingerprint": "0" * 64}
    with pytest.raises(BenchmarkError):
        nasbench.from_dict(description)


def test_loads_in_less_than_a_second() -> None:
    NASBenchGraphBenchmark("cora")
    start = time.process_time()
    NASBenchGraphBenchmark("cora")
    assert time.process_time() - start < 1.0
