"""``ax-anasod train --screen-epochs``: short trainings before the full ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ax_anasod import attach_architecture, cells, make_client
from ax_anasod.cli.short_trainings import sources_of
from tests.cli.conftest import Command

Refused = Callable[..., str]
TINY = ["--images", 200, "--channels", 4, "--cells", 3, "--batch-size", 8, "--cell", "mine.toml"]
TWO_LEVEL = ["--strategy", "two-level-bo", "--option", "num_initial=2", "--epochs", 2]
SCREEN = ["--screen-epochs", 1, "--screen-trials", 3, "--trials", 2]


@pytest.fixture(autouse=True)
def small_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(
        'name = "mine"\noperations = ["skip_connect", "nor_conv_1x1"]\nnum_blocks = 2\n'
    )


def test_short_trainings_are_a_source_and_are_made_once(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = command("train", *TINY, *TWO_LEVEL, *SCREEN, "--out", "run", "--json")
    assert outcome.code == 0, outcome.err
    short = command("show", "run/screen", "--json").json
    config = json.loads(Path("run/config.json").read_text())
    assert config["sources"][0]["architectures"] == short["architectures"]
    assert config["sources"][0]["targets"] == short["values"]["valid_error"]
    by_error = dict(zip(short["values"]["valid_error"], short["architectures"], strict=True))
    assert outcome.json["architectures"][0] == by_error[min(by_error)]
    assert (
        json.loads(Path("run/screen/config.json").read_text())["benchmark"]["training"]["epochs"]
        == 1
    )

    # Killed after the short trainings.
    Path("run/screen").rename("other_screen")
    Path("other").mkdir()
    Path("other_screen").rename("other/screen")
    monkeypatch.setattr(
        "ax_anasod.runs.TrainingSearch._propose",
        lambda search, number: (
            pytest.fail("a short training is proposed")
            if search.task.training.epochs == 1
            else type(search).__mro__[1]._propose(search, number)
        ),
    )
    again = command("train", *TINY, *TWO_LEVEL, *SCREEN, "--out", "other", "--json")
    assert again.code == 0, again.err
    assert again.json["values"] == outcome.json["values"]
    assert "going on with the short trainings in other/screen" in again.err
    resumed = command("resume", "other", "--trials", 3, "--json")
    assert resumed.json["values"]["valid_error"][:2] == outcome.json["values"]["valid_error"]


@pytest.mark.parametrize(
    ("errors", "is_source", "said"),
    [
        ([90.0, 90.0], False, "has the same value for all architectures"),
        ([], False, "has no trial with a value"),
        ([90.0, 80.0], True, ""),
    ],
)
def test_the_full_trainings_start_without_short_ones_that_say_nothing(
    capsys: pytest.CaptureFixture[str], errors: list[float], is_source: bool, said: str
) -> None:
    cell = cells.load("mine.toml")
    client = make_client(cell, "two-level-bo", objectives="valid_error")
    tried = ["skip_connect|skip_connect", "nor_conv_1x1|nor_conv_1x1"]
    for architecture, error in zip(tried, errors, strict=False):
        attach_architecture(client, architecture, {"valid_error": error})
    assert sources_of(client, cell, "valid_error") == ([client] if is_source else [])
    assert said in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([*TWO_LEVEL, "--screen-epochs", 2], "--screen-epochs 2 is not less than the 2 epochs"),
        (["--screen-epochs", 1], "'anasod-bo' makes nothing of short trainings"),
        ([*TWO_LEVEL, "--screen-trials", 3], "--screen-trials is for --screen-epochs"),
        ([*TWO_LEVEL, "--feature", "valid_loss"], "unknown quantity or proxy 'valid_loss'"),
        ([*TWO_LEVEL, "--start", "sinflow"], "did you mean 'synflow'?"),
    ],
)
def test_what_is_refused(refused: Refused, options: list[object], message: str) -> None:
    assert message in refused("train", *TINY, *options, "--out", "run")
    assert not Path("run").exists()
