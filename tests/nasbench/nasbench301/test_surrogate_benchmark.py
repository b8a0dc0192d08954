"""NAS-Bench-301 behind the protocol of all benchmarks."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ax.storage.json_store.decoder import object_from_json
from ax.storage.json_store.encoder import object_to_json
from scipy import stats

from ax_anasod import nasbench
from ax_anasod.exceptions import ArchitectureError, BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench import NASBench301Benchmark, Objective
from ax_anasod.nasbench.nasbench301.surrogate import Prediction
from ax_anasod.nasbench.nasbench301.surrogate_benchmark import standard_normal
from ax_anasod.nasbench.nasbench301.worker import GenotypeRefusedError
from ax_anasod.runners import LookupRunner

SEEDS, KEYS = (grid.ravel() for grid in np.meshgrid(np.arange(150), np.arange(200) * 10**15))


@pytest.fixture(scope="module")
def benchmark(onnx_directory: Path) -> NASBench301Benchmark:
    return NASBench301Benchmark(onnx_directory)


def test_describes_itself(benchmark: NASBench301Benchmark) -> None:
    assert (benchmark.name, benchmark.dataset) == ("nas-bench-301", "cifar10")
    assert benchmark.cell.name == "darts"
    assert benchmark.objectives == (Objective("valid_error", "percent"),)
    assert benchmark.reported == ()
    assert benchmark.optimum("valid_error") is None
    with pytest.raises(UnknownNameError):
        benchmark.optimum("valid_eror")


def test_error_and_cost(benchmark: NASBench301Benchmark, some_codes: np.ndarray) -> None:
    result = benchmark.query(some_codes)
    prediction = benchmark.surrogate.predict(some_codes)
    assert set(result) == {"valid_error", "cost_seconds"}
    assert result["valid_error"].tolist() == (100 - prediction.accuracy).tolist()
    assert prediction.seconds is not None
    assert result["cost_seconds"].tolist() == prediction.seconds.tolist()


def test_the_default_is_the_number_of_epochs_that_is_used(
    benchmark: NASBench301Benchmark, onnx_directory: Path
) -> None:
    assert NASBench301Benchmark(onnx_directory, epochs=98).to_dict() == benchmark.to_dict()
    assert benchmark.to_dict()["epochs"] == 98


def test_fewer_epochs_cost_less_and_err_more(
    benchmark: NASBench301Benchmark, onnx_directory: Path, some_codes: np.ndarray
) -> None:
    early, full = (
        b.query(some_codes) for b in (NASBench301Benchmark(onnx_directory, epochs=10), benchmark)
    )
    assert (early["valid_error"] > full["valid_error"]).all()
    assert (early["cost_seconds"] < full["cost_seconds"]).all()


def test_refuses_what_it_does_not_know(
    benchmark: NASBench301Benchmark, some_codes: np.ndarray
) -> None:
    text = benchmark.cell.to_strings(some_codes[:1])[0]
    operation = text.split("'")[1]
    with pytest.raises(ArchitectureError):
        benchmark.cell.from_strings([text.replace(operation, "none")])
    beyond = some_codes.copy()
    beyond[3, 5] = 7
    with pytest.raises(ArchitectureError):
        benchmark.query(beyond)
    with pytest.raises(OptionError):
        benchmark.query(some_codes, np.zeros(len(some_codes), dtype=int))


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        (Prediction(np.array([95.0, np.nan]), None, None), "answers nan .* not an error"),
        (Prediction(np.array([95.0, 101.5]), None, None), "answers -1.5 for .* not an error"),
        (Prediction(np.full(2, 95.0), None, np.array([9.0, -1.0])), "-1 for .* training time"),
    ],
)
def test_answers_that_are_none_name_the_architecture(
    onnx_directory: Path,
    some_codes: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    prediction: Prediction,
    said: str,
) -> None:
    benchmark = NASBench301Benchmark(onnx_directory)
    monkeypatch.setattr(benchmark.surrogate, "predict", lambda codes: prediction)
    with pytest.raises(BenchmarkError, match=said) as error:
        benchmark.query(some_codes[:2])
    assert benchmark.cell.to_strings(some_codes[1:2])[0] in str(error.value)


def test_comes_back_from_its_description(
    onnx_copy: Path, some_codes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(onnx_copy.parent)
    benchmark = NASBench301Benchmark(onnx_copy.name, epochs=20)
    description = json.loads(json.dumps(benchmark.to_dict()))
    monkeypatch.chdir("/")
    restored = nasbench.from_dict(description)
    assert restored.to_dict() == description
    for name, values in benchmark.query(some_codes).items():
        assert restored.query(some_codes)[name].tolist() == values.tolist()


def test_a_description_of_data_that_changed(onnx_copy: Path) -> None:
    description = NASBench301Benchmark(onnx_copy).to_dict()
    with (onnx_copy / "encoding.json").open("a") as encoding:
        encoding.write(" ")
    with pytest.raises(BenchmarkError, match="holds another surrogate than when"):
        nasbench.from_dict(description)
    shutil.rmtree(onnx_copy)
    with pytest.raises(BenchmarkError):
        nasbench.from_dict(description)


def test_a_description_of_somebody_else_starts_nothing(
    noisy: NASBench301Benchmark, stranger: Callable[[], None]
) -> None:
    description = json.loads(json.dumps(noisy.to_dict()))
    assert nasbench.from_dict(description).to_dict() == description
    moved = {**description, "resolved_path": str(noisy.path / "xgb")}
    content = object_to_json(LookupRunner(noisy))
    stranger()
    for foreign in (description, moved, {**description, "python": None}):
        with pytest.raises(BenchmarkError, match="asks to start .* with --python PATH"):
            nasbench.from_dict(foreign)
    # Nor does it when Ax reads a stored experiment; what this process has pickled is its own.
    with pytest.raises(BenchmarkError, match="asks to start the program"):
        object_from_json(content)
    assert pickle.loads(pickle.dumps(noisy)).surrogate.name == "xgb"


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="NAS-Bench-301 surrogate .*absent does not exist"):
        NASBench301Benchmark(tmp_path / "absent")


def test_noise_is_a_function_of_the_seed(
    noisy: NASBench301Benchmark, some_codes: np.ndarray
) -> None:
    assert noisy.description == "surrogate xgb with noise"
    assert noisy.reported == (Objective("valid_error_mean", "percent"),)
    seeds = noisy.draw_seeds(some_codes, np.random.default_rng(0))
    assert seeds is not None
    again = noisy.draw_seeds(some_codes, np.random.default_rng(0))
    assert again is not None
    assert again.tolist() == seeds.tolist()
    result = noisy.query(some_codes, seeds)
    assert set(result) == {"valid_error", "valid_error_mean", "cost_seconds"}
    deviation = noisy.deviations(some_codes)
    assert deviation is not None
    noise = (result["valid_error"] - result["valid_error_mean"]) / deviation
    assert len(set(noise.tolist())) == len(some_codes)
    assert noise.std() == pytest.approx(1, abs=0.4)
    reverse = noisy.query(some_codes[::-1], seeds[::-1])["valid_error"]
    assert reverse[::-1].tolist() == result["valid_error"].tolist()
    with pytest.raises(OptionError):
        noisy.query(some_codes)
    with pytest.raises(OptionError):
        noisy.query(some_codes, seeds[:3])
    restored = pickle.loads(pickle.dumps(noisy))
    assert restored.query(some_codes, seeds)["valid_error"].tolist() == (
        result["valid_error"].tolist()
    )


def test_without_noise_the_same_ensemble_gives_its_mean(
    noisy: NASBench301Benchmark, some_codes: np.ndarray
) -> None:
    quiet = NASBench301Benchmark(noisy.path, python=noisy.to_dict()["python"])
    assert (quiet.description, quiet.reported) == ("surrogate xgb without noise", ())
    seeds = np.zeros(len(some_codes), dtype=int)
    means = noisy.query(some_codes, seeds)["valid_error_mean"]
    assert quiet.query(some_codes)["valid_error"].tolist() == means.tolist()
    with pytest.raises(OptionError):
        quiet.query(some_codes, seeds)


def test_noise_needs_a_model_of_it(onnx_directory: Path) -> None:
    with pytest.raises(OptionError, match="'yahpo-nb301' has no model of the noise"):
        NASBench301Benchmark(onnx_directory, noise=True)


def test_a_failing_surrogate_names_the_architecture(
    noisy: NASBench301Benchmark, some_codes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(genotypes: list[object]) -> dict[str, list[object]]:
        raise GenotypeRefusedError(2, "no answer within 300 seconds")

    surrogate: Any = noisy.surrogate
    monkeypatch.setattr(surrogate.worker, "predict", refuse)
    with pytest.raises(BenchmarkError, match="'xgb' does not predict .*: no answer within") as e:
        noisy.deviations(some_codes)
    assert noisy.cell.to_strings(some_codes[2:3])[0] in str(e.value)


def test_is_standard_normal() -> None:
    values = standard_normal(SEEDS, KEYS)
    assert stats.kstest(values, "norm").pvalue > 0.01
    # Of successive seeds of one architecture, and of one seed of many architectures.
    table = values.reshape(200, 150)
    assert np.abs(table.mean(axis=1)).max() < 5 / np.sqrt(150)
    assert np.abs(table.mean(axis=0)).max() < 5 / np.sqrt(200)
    for ahead, behind in ((table[:, 1:], table[:, :-1]), (table[1:], table[:-1])):
        assert abs(np.corrcoef(ahead.ravel(), behind.ravel())[0, 1]) < 0.03


def test_depends_on_seed_and_key_and_nothing_else() -> None:
    values = standard_normal(SEEDS, KEYS)
    order = np.random.default_rng(0).permutation(len(values))[:50]
    assert standard_normal(SEEDS[order], KEYS[order]).tolist() == values[order].tolist()
    assert len(np.unique(values)) == len(values)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, -1, 2**62])
def test_any_seed_gives_a_finite_number(seed: int) -> None:
    values = standard_normal(np.array([seed]), np.array([0]))
    assert np.isfinite(values).all()
    assert standard_normal(np.array([], dtype=int), np.array([], dtype=int)).shape == (0,)
