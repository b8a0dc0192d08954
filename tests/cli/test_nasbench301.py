"""NAS-Bench-301 on the command line, served by a process of a linear model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ax_anasod.nasbench.nasbench301.installation import VARIABLE
from tests.cli.conftest import Command
from tests.nasbench.nasbench301.linear_worker import write_ensemble


@pytest.fixture
def ensemble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The options that name it, but for its interpreter."""
    folder, python = write_ensemble(tmp_path / "linear")
    monkeypatch.setenv(VARIABLE, python)
    return ["--benchmark", "nas-bench-301", "--data", folder]


def test_a_noisy_run_goes_on_as_it_would_have_been(
    command: Command, ensemble: list[object], tmp_path: Path
) -> None:
    options = [*ensemble, "--noise", "--strategy", "anasod-random"]
    whole = command("search", *options, "--trials", 5, "--json").json
    assert whole["reported"]["valid_error_mean"] != whole["incumbent"]
    assert min(whole["cost_seconds"]) > 0
    out = tmp_path / "run"
    assert command("search", *options, "--trials", 2, "--out", out).code == 0
    resumed = command("resume", out, "--trials", 5, "--json").json
    untimed = {"seconds", "seconds_per_trial", "out"}
    assert {k: v for k, v in resumed.items() if k not in untimed} == {
        k: v for k, v in whole.items() if k not in untimed
    }


def test_mistakes_are_one_line(
    refused: Callable[..., str],
    ensemble: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "has no epochs, got 50" in refused("search", *ensemble, "--epochs", 50)
    assert "unknown surrogate 'lgb'" in refused("search", *ensemble, "--surrogate", "lgb")
    assert "which python names" in refused("search", *ensemble, "--python", tmp_path / "absent")
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    line = refused("search", *ensemble)
    assert "make one with: ax-anasod setup-nasbench301;" in line
    assert "name it with --python PATH" in line
    empty = tmp_path / "empty"
    empty.mkdir()
    line = refused("search", "--benchmark", "nas-bench-301", "--data", empty)
    assert "holds no surrogate of NAS-Bench-301" in line


def test_several_surrogates_are_chosen_from(
    refused: Callable[..., str], ensemble: list[object]
) -> None:
    folder = Path(str(ensemble[-1]))
    (folder / "encoding.json").touch()
    assert "xgb, yahpo-nb301 (choose with --surrogate)" in refused("search", *ensemble)
