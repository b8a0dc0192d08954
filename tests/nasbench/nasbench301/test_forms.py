"""Folders with one form, both, or neither."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ax_anasod.exceptions import BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench.nasbench301.forms import open_surrogate
from ax_anasod.nasbench.nasbench301.installation import VARIABLE
from tests.nasbench.nasbench301.test_ensemble_surrogate import member


@pytest.fixture(autouse=True)
def no_interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))


def test_neither(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="holds no surrogate .* model.onnx and encoding.json"):
        open_surrogate(tmp_path)
    member(tmp_path / "0", "lgb_time")
    with pytest.raises(BenchmarkError, match=r"only of the training time \(lgb_time\)"):
        open_surrogate(tmp_path)


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    with pytest.raises(BenchmarkError, match="model.onnx is a file .name the folder"):
        open_surrogate(tmp_path / "model.onnx")


def test_several_must_be_chosen_from(onnx_copy: Path) -> None:
    member(onnx_copy / "xgb")
    with pytest.raises(OptionError, match="several surrogates: xgb, yahpo-nb301 .choose with"):
        open_surrogate(onnx_copy)
    assert open_surrogate(onnx_copy, name="yahpo-nb301").name == "yahpo-nb301"
    with pytest.raises(BenchmarkError):
        open_surrogate(onnx_copy, name="xgb")
    with pytest.raises(UnknownNameError):
        open_surrogate(onnx_copy, name="yahpo")


def test_choices_that_a_surrogate_does_not_have(onnx_copy: Path, tmp_path: Path) -> None:
    member(tmp_path / "ensemble" / "xgb")
    for folder, choice, words in (
        (onnx_copy, {"python": "/usr/bin/python"}, "'yahpo-nb301' has no python, got '/usr/bin/"),
        (onnx_copy, {"timeout": 3}, "'yahpo-nb301' has no timeout, got 3"),
        (tmp_path / "ensemble", {"epochs": 50}, "'xgb' has no epochs, got 50"),
    ):
        with pytest.raises(OptionError, match=words):
            open_surrogate(folder, **choice)


def test_two_of_the_training_time(tmp_path: Path) -> None:
    for model in ("xgb", "xgb_time", "lgb_time"):
        member(tmp_path / model / "0", model)
    with pytest.raises(BenchmarkError, match="several .* training time: lgb_time, xgb_time"):
        open_surrogate(tmp_path, python=sys.executable)


def test_an_interpreter_without_the_package(tmp_path: Path) -> None:
    member(tmp_path / "xgb")
    with pytest.raises(BenchmarkError):
        open_surrogate(tmp_path, python=sys.executable)
