"""The paper's column of NAS-Bench-301, with either form of the surrogate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ax_anasod.nasbench import NASBench301Benchmark
from ax_anasod.reproduce import reproduce, reproduce_spread, write_files
from ax_anasod.reproduce.paper import DARTS, source_of, task_of
from tests.nasbench.nasbench301.linear_worker import write_ensemble
from tests.reproduce.test_searches import SMALL, made_here


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> NASBench301Benchmark:
    """A linear model in a process of its own, with noise of deviation 0.5."""
    folder, python = write_ensemble(tmp_path_factory.mktemp("noisy") / "linear")
    return NASBench301Benchmark(folder, python=python, noise=True)


@pytest.fixture(scope="module")
def onnx(shared_data: Path) -> NASBench301Benchmark:
    pytest.importorskip("onnxruntime")
    return NASBench301Benchmark(shared_data / "darts" / "nb301_yahpo")


def test_full_training_is_a_column_of_the_paper(
    noisy: NASBench301Benchmark, onnx: NASBench301Benchmark
) -> None:
    assert task_of(noisy) == task_of(onnx) == DARTS
    assert task_of(NASBench301Benchmark(onnx.path, epochs=98)) == DARTS
    assert task_of(NASBench301Benchmark(onnx.path, epochs=97)) is None


def test_the_surrogate_and_its_noise_are_named(
    noisy: NASBench301Benchmark, onnx: NASBench301Benchmark
) -> None:
    quiet = NASBench301Benchmark(noisy.path, python=noisy.to_dict()["python"])
    for benchmark, words in (
        (noisy, "surrogate xgb with noise, in "),
        (quiet, "surrogate xgb without noise, in "),
        (onnx, "surrogate yahpo-nb301 without noise, 98 epochs, in "),
    ):
        source = source_of(benchmark)
        assert source is not None
        assert words + str(benchmark.path) in source
        assert ("YAHPO" in source) == (benchmark is onnx)


def test_table_1(noisy: NASBench301Benchmark, onnx: NASBench301Benchmark) -> None:
    with_noise, without = (reproduce("table1", b, seeds=1) for b in (noisy, onnx))
    for made in (with_noise, without):
        header, rows = made.table()
        assert header == ["measure", "paper", "ours"]
        assert [row[1] for row in rows] == ["0.77", "0.25", "0.22", "0.17"]
        assert "column NB301 CIFAR-10" in " ".join(made.notes())
        # Over 10^18 architectures no share of the variance is known.
        assert made.as_dict()["explained_share"] is None
    assert with_noise.table()[1][3][2] == "0.50"
    assert without.table()[1][3][2] == "-"
    assert any("ensembles of NAS-Bench-301 predict it" in note for note in without.notes())
    assert without.as_dict()["source"] == source_of(onnx)
    # The encoding says much of the value, as the paper found.
    spread = reproduce_spread("table1", onnx, seeds=1).spreads[0]
    assert spread.within < 0.6 * spread.overall


def test_table_2(noisy: NASBench301Benchmark, tmp_path: Path) -> None:
    from ax_anasod.reproduce import SearchReproduction

    comparison = made_here(noisy, tmp_path / "searches", ["random"], 3, 2)
    made = SearchReproduction(
        SMALL, comparison, {}, task_of(noisy), most_trials=3, source=source_of(noisy)
    )
    header, rows = made.table()
    # The optimum is not known, so there is no regret; the mean of the incumbent is.
    assert header == ["method", "strategy", "queries", "paper", "ours", "valid_error_mean", "runs"]
    assert rows[0][:4] == ["RS", "random", "3", "5.71 ± 0.02"]
    assert "±" in rows[0][4]
    assert rows[2][3] == "5.24 ± 0.02"
    notes = made.notes()
    assert source_of(noisy) in notes
    assert not any("means over training seeds" in note for note in notes)
    content = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    assert content["source"] == source_of(noisy)
    markdown, *_ = write_files(made, tmp_path / "files")
    assert "surrogate xgb with noise" in markdown.read_text()
