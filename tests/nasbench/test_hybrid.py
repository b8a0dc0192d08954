"""The package's table of hybrid language models, against what it was made by."""

from __future__ import annotations

import csv
import gzip
import json
import runpy
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ax_anasod import cells, nasbench
from ax_anasod.exceptions import BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench import HybridLMBenchmark, Objective
from ax_anasod.nasbench.benchmark import KIND
from ax_anasod.networks.decoder_config import DecoderConfig, costs, outer_parameters
from ax_anasod.reproduce import draw_spread, explained_share

FILE = Path(nasbench.__file__).with_name("hybrid_lm.csv.gz")
TRAINED = ("loss", "recall_error", "facts_error")
KNOWN = ("cache_bytes", "parameters", "flops_48", "flops_4096")


def table() -> list[dict[str, str]]:
    with gzip.open(FILE, "rt") as file:
        return list(csv.DictReader(file))


def test_the_table_is_whole_and_small() -> None:
    rows = table()
    assert len({row["arch"] for row in rows}) == len(rows) == 729
    assert FILE.stat().st_size < 100_000
    for name in TRAINED:
        runs = np.array([[float(row[f"{name}_{seed}"]) for seed in range(3)] for row in rows])
        means = [float(row[name]) for row in rows]
        np.testing.assert_allclose(means, runs.mean(axis=1), atol=6e-5)
        # Three trainings, not one three times.
        assert (runs.std(axis=1) > 0).mean() > 0.9


def test_values_are_those_of_the_table() -> None:
    benchmark = HybridLMBenchmark(minimize=TRAINED, report=KNOWN)
    rows = table()[::40]
    codes = benchmark.cell.from_strings([row["arch"] for row in rows])
    found = benchmark.query(codes)
    for name in (*TRAINED, *KNOWN):
        assert found[name].tolist() == [float(row[name]) for row in rows]
    assert found["cost_seconds"].tolist() == [float(row["cpu_seconds"]) for row in rows]


def test_what_is_known_follows_from_the_counts() -> None:
    benchmark = HybridLMBenchmark(minimize=KNOWN, report=())
    codes, config = benchmark.cell.enumerate(), DecoderConfig()
    counts, found = benchmark.cell.encode(codes), benchmark.query(codes)
    short, long = (
        [costs(config, tokens)[name] for name in benchmark.cell.operations] for tokens in (48, 4096)
    )
    expected = {
        "cache_bytes": counts @ [cost.cache_bytes for cost in short],
        "parameters": counts @ [cost.parameters for cost in short] + outer_parameters(config),
        "flops_48": counts @ [cost.flops for cost in short],
        "flops_4096": counts @ [cost.flops for cost in long],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_a_training_says_what_its_row_says() -> None:
    script = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "hybrid_table.py"))
    architecture = cells.get("hybrid-lm").architecture("MMMMMM")
    again = script["train"](architecture, 0, 400)
    (row,) = (row for row in table() if row["arch"] == "MMMMMM")
    # Equal to the bit on the same processor and torch; roundings grow in training elsewhere.
    assert again["loss"] == pytest.approx(float(row["loss_0"]), rel=0.1)
    assert again["recall_error"] == pytest.approx(float(row["recall_error_0"]), rel=0.1)
    assert again["facts_error"] < 3 > float(row["facts_error_0"])


def test_parts_of_the_table_are_counted_from_0() -> None:
    script = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "hybrid_table.py"))
    assert script["shard"]("1/2") == (1, 2)
    with pytest.raises(ArgumentTypeError, match="2/2 is none of 0/2 to 1/2"):
        script["shard"]("2/2")


def test_single_trainings() -> None:
    benchmark = HybridLMBenchmark(minimize=["recall_error", "parameters"], seeds="single")
    rows = table()[:90]
    codes = benchmark.cell.from_strings([row["arch"] for row in rows])
    seeds = benchmark.draw_seeds(codes, np.random.default_rng(0))
    assert seeds is not None
    assert set(seeds.tolist()) == {0, 1, 2}
    found = benchmark.query(codes, seeds)
    assert found["recall_error"].tolist() == [
        float(row[f"recall_error_{seed}"]) for row, seed in zip(rows, seeds, strict=True)
    ]
    assert found["recall_error_mean"].tolist() == [float(row["recall_error"]) for row in rows]
    assert [quantity.name for quantity in benchmark.reported] == [
        *("loss", "facts_error", "recall_error_mean"),
    ]
    best = benchmark.optimum("recall_error")
    assert best == min(float(row[f"recall_error_{s}"]) for row in table() for s in range(3))
    assert best <= (benchmark.optimum("recall_error_mean") or 0.0)
    assert benchmark.seeds_of(codes[:2]) == [(0, 1, 2)] * 2
    assert benchmark.all_values() is None
    with pytest.raises(OptionError):
        benchmark.query(codes)
    with pytest.raises(BenchmarkError, match="no network was trained with seed 3"):
        benchmark.query(codes[:1], np.array([3]))


def test_describes_itself() -> None:
    benchmark = HybridLMBenchmark()
    assert (benchmark.name, benchmark.dataset) == ("hybrid-lm", None)
    assert benchmark.cell == cells.get("hybrid-lm")
    assert benchmark.objectives == (Objective("loss", "nats"),)
    assert [q.name for q in benchmark.reported] == ["recall_error", "facts_error"]
    assert benchmark.has_cost


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"minimize": "recall"}, UnknownNameError, "did you mean 'recall_error'"),
        ({"report": ["cache"]}, UnknownNameError, "did you mean 'cache_bytes'"),
        ({"minimize": ()}, OptionError, "nothing is searched"),
        ({"report": "loss"}, OptionError, "'loss' is named twice"),
        ({"seeds": "one"}, OptionError, "seeds is 'one'"),
    ],
)
def test_refuses(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        HybridLMBenchmark(**options)


@pytest.mark.parametrize("seeds", ["mean", "single"])
def test_refuses_to_restore_from_another_table(seeds: str) -> None:
    description = json.loads(json.dumps(HybridLMBenchmark(seeds=seeds).to_dict()))
    assert description[KIND] == "hybrid-lm"
    assert nasbench.from_dict(description).to_dict() == description
    with pytest.raises(BenchmarkError):
        nasbench.from_dict(description | {"fingerprint": "0" * 64})


def test_the_distribution_explains_most() -> None:
    """What docs/hybrid.md says in numbers, in bounds that these networks must keep."""
    shares = {name: explained_share(HybridLMBenchmark(minimize=name)) or 0.0 for name in TRAINED}
    assert shares["loss"] > 0.6
    assert shares["facts_error"] > 0.6
    assert 0.2 < shares["recall_error"] < shares["facts_error"]
    single = HybridLMBenchmark(minimize="loss", seeds="single")
    spread = draw_spread(single, np.random.default_rng(0), encodings=20)
    assert spread.seeds is not None
    assert 0 < spread.seeds < spread.overall
