"""Ensembles that the package nasbench301 itself has trained, and predicts with.

They are small, fitted here to the values of another surrogate: ours, not NAS-Bench-301.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ax_anasod import cells, nasbench
from ax_anasod.exceptions import BenchmarkError, OptionError
from ax_anasod.nasbench import NASBench301Benchmark, Objective
from ax_anasod.nasbench.nasbench301.ensemble_surrogate import (
    CONFIGS,
    MODEL,
    SCRIPT,
    find_ensembles,
    genotypes_of,
)

HERE = Path(__file__).parent


def test_genotypes_say_what_the_text_says(some_codes: np.ndarray) -> None:
    texts = cells.get("darts").to_strings(some_codes)
    for text, genotype in zip(texts, genotypes_of(some_codes), strict=True):
        for part, edges in genotype.items():
            written = re.search(rf"\b{part}=(\[.*?\])", text)
            assert written is not None
            assert [tuple(edge) for edge in edges] == ast.literal_eval(written[1])
    assert genotypes_of(some_codes[:0]) == []


@pytest.fixture(scope="module")
def benchmark(ensembles: Path, python: str) -> NASBench301Benchmark:
    return NASBench301Benchmark(ensembles, surrogate="xgb", python=python)


@pytest.mark.slow
def test_predicts_what_the_package_predicts(
    ensembles: Path, python: str, benchmark: NASBench301Benchmark, some_codes: np.ndarray
) -> None:
    folders = [str(ensembles / f"{model}_ours") for model in ("xgb", "lgb_time", "gnn_gin")]
    done = subprocess.run(
        [python, "-I", str(HERE / "predict_directly.py"), str(SCRIPT), *folders],
        input=json.dumps(genotypes_of(some_codes[:10])),
        capture_output=True,
        text=True,
        check=True,
    )
    xgb, runtime, graph = json.loads(done.stdout.splitlines()[-1]).values()
    result = benchmark.query(some_codes[:10])
    np.testing.assert_allclose(result["valid_error"], 100 - np.array(xgb["means"]), atol=1e-4)
    np.testing.assert_allclose(result["cost_seconds"], runtime["means"], rtol=1e-6)
    deviation = benchmark.surrogate.predict(some_codes[:1]).deviation
    assert deviation is not None
    # 200 draws of the package: the standard error of their deviation is 5 %.
    assert np.std(xgb["noisy"]) == pytest.approx(deviation[0], rel=0.2)
    network = NASBench301Benchmark(ensembles, surrogate="gnn_gin", python=python)
    errors = network.query(some_codes[:10])["valid_error"]
    np.testing.assert_allclose(errors, 100 - np.array(graph["means"]), atol=1e-3)


@pytest.mark.slow
def test_a_batch_is_its_rows(benchmark: NASBench301Benchmark, some_codes: np.ndarray) -> None:
    together = benchmark.query(some_codes)
    for i in (0, 7, 39):
        alone = benchmark.query(some_codes[i : i + 1])
        assert {name: values[0] for name, values in alone.items()} == {
            name: values[i] for name, values in together.items()
        }


@pytest.mark.slow
def test_killed_it_answers_as_before(
    benchmark: NASBench301Benchmark, some_codes: np.ndarray
) -> None:
    worker: Any = benchmark.surrogate
    before = benchmark.query(some_codes)["valid_error"]
    os.kill(worker.worker.pid, signal.SIGKILL)
    assert benchmark.query(some_codes)["valid_error"].tolist() == before.tolist()


@pytest.mark.slow
def test_noise(ensembles: Path, python: str, known_codes: np.ndarray) -> None:
    benchmark = NASBench301Benchmark(ensembles, surrogate="xgb", python=python, noise=True)
    assert benchmark.description == "surrogate xgb with noise"
    assert benchmark.reported == (Objective("valid_error_mean", "percent"),)
    codes = known_codes[:400]
    seeds = benchmark.draw_seeds(codes, np.random.default_rng(0))
    assert seeds is not None
    result = benchmark.query(codes, seeds)
    prediction = benchmark.surrogate.predict(codes)
    assert result["valid_error_mean"].tolist() == (100 - prediction.accuracy).tolist()
    assert prediction.deviation is not None
    noise = (result["valid_error"] - result["valid_error_mean"]) / prediction.deviation
    assert abs(noise.mean()) < 0.2
    assert noise.std() == pytest.approx(1, abs=0.15)
    again = benchmark.query(codes[::-1], seeds[::-1])["valid_error"]
    assert again[::-1].tolist() == result["valid_error"].tolist()
    with pytest.raises(OptionError):
        benchmark.query(codes)
    with pytest.raises(OptionError):
        benchmark.query(codes, seeds[:3])
    restored = nasbench.from_dict(json.loads(json.dumps(benchmark.to_dict())))
    assert restored.query(codes[:3], seeds[:3])["valid_error"].tolist() == (
        result["valid_error"][:3].tolist()
    )


@pytest.mark.slow
def test_a_genotype_that_the_package_refuses(benchmark: NASBench301Benchmark) -> None:
    surrogate: Any = benchmark.surrogate
    codes = np.zeros((3, 22), dtype=int)
    genotypes = list(genotypes_of(codes))
    genotypes[1]["normal"][0][0] = "none"
    with pytest.raises(Exception, match="illegal value 'none'") as error:
        surrogate.worker.predict(genotypes)
    assert error.value.index == 1  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_truncated_member(ensembles: Path, python: str, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(ensembles / "xgb_ours", damaged)
    model = damaged / "ensemble_member_1" / "surrogate_model.model"
    model.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(BenchmarkError) as error:
        NASBench301Benchmark(damaged, python=python)
    assert "\n" not in str(error.value)


def member(folder: Path, model: str = "xgb") -> Path:
    """The files of a member, without a model that could be loaded."""
    folder.mkdir(parents=True)
    (folder / MODEL).touch()
    (folder / CONFIGS[0]).write_text(json.dumps({"model": model}))
    (folder / CONFIGS[1]).write_text(json.dumps({"seed": 0}))
    return folder


def test_ensembles_of_several_kinds(tmp_path: Path) -> None:
    for model, name in (("xgb", "xgb_v1.0"), ("lgb_time", "lgb_runtime_v1.0"), ("gnn_gin", "gnn")):
        for number in (2, 0, 1):
            member(tmp_path / "nb_models" / name / f"ensemble_member_{number}", model)
    found = find_ensembles(tmp_path)
    assert list(found) == ["gnn_gin", "lgb_time", "xgb"]
    assert found["xgb"].directory == tmp_path / "nb_models" / "xgb_v1.0"
    names = [folder.name for folder in found["xgb"].members]
    assert names == [f"ensemble_member_{number}" for number in range(3)]
    assert len(found["xgb"].files) == 9
    assert [found[model].predicts_runtime for model in found] == [False, True, False]
    assert find_ensembles(tmp_path / "nb_models" / "xgb_v1.0").keys() == {"xgb"}


def test_an_ensemble_of_one(tmp_path: Path) -> None:
    only = member(tmp_path / "xgb")
    for folder in (tmp_path, only):
        ensemble = find_ensembles(folder)["xgb"]
        assert (ensemble.directory, ensemble.members) == (only, (only,))


def test_members_may_lie_deeper(tmp_path: Path) -> None:
    for number in range(3):
        member(tmp_path / "nb_models" / "xgb_v1.0" / str(number) / "seed")
    ensemble = find_ensembles(tmp_path)["xgb"]
    assert ensemble.directory == tmp_path / "nb_models" / "xgb_v1.0"
    assert len(ensemble.members) == 3


def test_none(tmp_path: Path) -> None:
    (tmp_path / CONFIGS[0]).touch()
    assert find_ensembles(tmp_path) == {}


def test_two_ensembles_of_a_kind_must_be_chosen_from(tmp_path: Path) -> None:
    for version in ("0.9", "1.0"):
        for number in range(2):
            member(tmp_path / f"xgb_v{version}" / str(number))
    with pytest.raises(BenchmarkError, match="several ensembles of the model 'xgb', in .*xgb_v0.9"):
        find_ensembles(tmp_path)
    assert len(find_ensembles(tmp_path / "xgb_v0.9")["xgb"].members) == 2


def test_kinds_may_not_be_mixed(tmp_path: Path) -> None:
    for number, model in enumerate(("xgb", "xgb", "lgb_time")):
        member(tmp_path / str(number), model)
    with pytest.raises(BenchmarkError, match="/2 lies among the members of the ensemble"):
        find_ensembles(tmp_path)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_member_without_a_configuration(tmp_path: Path, name: str) -> None:
    (member(tmp_path / "xgb" / "0") / name).unlink()
    with pytest.raises(BenchmarkError, match=f"xgb/0 lacks its {name}"):
        find_ensembles(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is damaged: it is no JSON"),
        ("[]", r"is damaged: it is \[\], not an object"),
        ("{}", "names no model"),
        ('{"model": ["xgb"]}', "names no model"),
        ("null", "is damaged: it is None, not an object"),
        ("[" * 10**5, "is damaged: it is nested too deeply"),
    ],
    ids=lambda text: text[:20],
)
def test_a_member_with_a_damaged_configuration(tmp_path: Path, content: str, said: str) -> None:
    (member(tmp_path / "xgb" / "0") / CONFIGS[0]).write_text(content)
    with pytest.raises(BenchmarkError, match=f"model_config.json {said}"):
        find_ensembles(tmp_path)
