"""One trial's lookup in a benchmark."""

from __future__ import annotations

import json
from unittest.mock import patch

import numpy as np
import pytest

from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace
from ax_anasod.exceptions import ArchitectureError, EncodingError, OptionError, UnknownNameError
from ax_anasod.nasbench import Benchmark
from ax_anasod.runners import BenchmarkQuery

COUNTS = {"n_conv": 2, "n_pool": 3, "n_skip": 1}


def test_the_architecture_of_an_encoding_is_the_one_that_the_space_draws(
    toy_benchmark: Benchmark, toy_cell: Cell
) -> None:
    query = BenchmarkQuery(toy_benchmark, "encoding", seed=4)

    result = query(9, COUNTS)

    drawn = AnasodSearchSpace.from_cell(toy_cell).decode(COUNTS, seed=4, trial_index=9)
    assert result["architecture"] == str(drawn)
    looked_up = toy_benchmark.query(drawn.code[None, :])
    assert result["values"] == {
        "error": looked_up["error"][0],
        "size": looked_up["size"][0],
    }
    assert result["cost_seconds"] == 62.0
    assert json.loads(json.dumps(result)) == result


def test_repeats_of_an_encoding_are_observations_of_several_architectures(
    toy_benchmark: Benchmark,
) -> None:
    query = BenchmarkQuery(toy_benchmark, "encoding")

    results = [query(index, COUNTS) for index in range(30)]

    assert len({r["architecture"] for r in results}) > 15
    assert len({r["values"]["error"] for r in results}) > 5
    assert query(3, COUNTS) == results[3]


def test_an_architecture_is_looked_up_as_it_is(toy_benchmark: Benchmark) -> None:
    parameters = {f"block_{i}": name for i, name in enumerate(["conv"] * 2 + ["pool"] * 4)}

    result = BenchmarkQuery(toy_benchmark, "architecture")(0, parameters)

    assert result["architecture"] == "conv|conv|pool|pool|pool|pool"
    assert result["values"]["size"] == 24.0


def test_the_names_of_the_parameters_tell_what_they_are(toy_benchmark: Benchmark) -> None:
    query = BenchmarkQuery(toy_benchmark, seed=4)
    architecture = {f"block_{i}": name for i, name in enumerate(["conv"] * 2 + ["pool"] * 4)}

    assert query(9, architecture) == BenchmarkQuery(toy_benchmark, "architecture")(9, architecture)
    assert query(9, COUNTS) == BenchmarkQuery(toy_benchmark, "encoding", seed=4)(9, COUNTS)


def test_what_is_not_in_the_space_is_refused(toy_benchmark: Benchmark) -> None:
    with pytest.raises(EncodingError):
        BenchmarkQuery(toy_benchmark)(0, {"n_conv": 7, "n_pool": 0, "n_skip": 0})
    with pytest.raises(ArchitectureError):
        BenchmarkQuery(toy_benchmark, "architecture")(0, {f"block_{i}": "cnv" for i in range(6)})


def test_wrong_arguments_are_refused(toy_benchmark: Benchmark) -> None:
    with pytest.raises(UnknownNameError):
        BenchmarkQuery(toy_benchmark, "encodings")
    with pytest.raises(OptionError):
        BenchmarkQuery(toy_benchmark, "encoding", seed=-1)


def test_what_the_benchmark_returns_is_left_as_it_is(toy_benchmark: Benchmark) -> None:
    kept = toy_benchmark.query(toy_benchmark.cell.sample(1, np.random.default_rng(0)))
    before = dict(kept)
    query = BenchmarkQuery(toy_benchmark, "encoding")
    with patch.object(toy_benchmark, "query", return_value=kept):
        costs = [query(index, COUNTS)["cost_seconds"] for index in range(2)]
    assert kept == before
    assert costs == [before["cost_seconds"][0]] * 2
