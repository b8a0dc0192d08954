"""``evaluate``, ``transfer`` and ``ensemble`` on a run that trains."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

QUICK = ("--epochs", 1, "--images", 100, "--batch-size", 32, "--device", "cpu")


def test_evaluate_writes_a_model_and_says_how_good_it_is(
    command: Callable[..., Any], run: Path
) -> None:
    result = command("evaluate", run, *QUICK, "--training", "cutout=2", "--json").json
    assert result["out"] == str(run / "evaluation")
    assert result["training"]["cutout"] == 2
    assert result["training"]["mix"] == "cutmix"
    assert 0 <= result["test_error"] <= 100
    stored = json.loads((run / "evaluation" / "metrics.json").read_text())
    told = {name: value for name, value in result.items() if name not in ("out", "picked")}
    assert stored == told
    assert result["picked"] is None
    assert (run / "evaluation" / "model.pt").is_file()
    assert (run / "evaluation" / "learning_curve.png").is_file()


def test_transfer_trains_on_other_images(
    command: Callable[..., Any], run: Path, tmp_path: Path
) -> None:
    from PIL import Image

    for index, name in enumerate(("dark", "light", "red")):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(15):
            colour = [(20, 20, 20), (200, 200, 200), (200, 0, 0)][index]
            Image.new("RGB", (9, 9), colour).save(folder / f"{number}.png")
    options = ("--dataset", "colours", "--data", tmp_path / "images", *QUICK[:2])
    outcome = command("transfer", run, *options, "--batch-size", 8, "--device", "cpu")
    assert outcome.code == 0
    assert "colours" in outcome.out
    stored = json.loads((run / "transfer-colours" / "metrics.json").read_text())
    assert stored["network"]["num_classes"] == 3
    assert stored["network"]["in_channels"] == 3


def test_ensemble_compares_single_and_together(command: Callable[..., Any], run: Path) -> None:
    outcome = command("ensemble", run, "--members", 2, *QUICK, "--out", run / "two", "--json")
    assert set(outcome.json["ensemble"]) == {
        "accuracy",
        "negative_log_likelihood",
        "expected_calibration_error",
    }
    assert len(outcome.json["members"]) == 2
    assert "ensemble of 2 on digits" in outcome.err
    assert f"folder: {run / 'two'}" in " ".join(outcome.err.split())
    together = outcome.json["ensemble"]
    (line,) = (line for line in outcome.err.splitlines() if line.startswith(" ensemble  "))
    assert line.split() == [
        "ensemble",
        f"{together['accuracy']:.2f}",
        f"{together['negative_log_likelihood']:.4f}",
        f"{together['expected_calibration_error']:.2f}",
    ]
    assert "mean of members" in outcome.err
    assert (run / "two" / "reliability.png").is_file()


def test_the_best_trials_are_trained_one_after_another(
    command: Callable[..., Any], run: Path
) -> None:
    outcome = command("evaluate", run, "--top", 3, "--budget", 1e-9, *QUICK, "--json")
    assert (outcome.json["trained"], outcome.json["asked_for"]) == (1, 2)
    both = command("evaluate", run, "--top", 3, *QUICK, "--json").json
    assert both["out"] == str(run / "evaluation-top")
    assert both["networks"][0] == outcome.json["networks"][0]
    assert {network["trial"] for network in both["networks"]} == {0, 1}
    errors = [network["valid_error_in_search"] for network in both["networks"]]
    assert errors == sorted(errors)
    assert (run / "evaluation-top" / "top-1" / "model.pt").is_file()
    shown = command("evaluate", run, "--top", 2, *QUICK).out
    assert "2 of 2 on digits" in shown
    believed = command("evaluate", run, "--top", 1, "--by", "belief", *QUICK, "--json").json
    assert believed["out"] == str(run / "evaluation-top-belief")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pick", "knee"], "no front to pick 'knee' from: valid_error is the only objective"),
        (["--width", 8], "width is for language models, and the search was on 'digits'"),
        (["--budget", 1], "--budget is for --top N"),
        (["--by", "belief"], "--by is for --top N"),
        (["--top", 2, "--by", "hope"], "unknown order of trials 'hope'"),
        (["--top", 2, "--pick", "knee"], "--pick names one network, --top N several"),
        (["--top", 0], "--top must be at least 1"),
    ],
)
def test_what_no_run_has_is_said_in_one_line(
    refused: Callable[..., str], run: Path, options: list[object], message: str
) -> None:
    assert message in refused("evaluate", run, *options, *QUICK)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("evaluate", "nowhere"), 2, "does not exist"),
        (("evaluate", "RUN", "--protocol", "evaluate"), 2, "did you mean 'evaluation'"),
        (("evaluate", "RUN", "--training", "cutout"), 2, "not of the form NAME=VALUE"),
        (("evaluate", "RUN", "--training", "cut=2"), 2, "did you mean 'cutout'"),
        (("evaluate", "RUN", "--device", "cuda:99"), 2, "device 'cuda:99' is not there"),
        (("evaluate", "RUN", "--epochs", 0), 2, "epochs must be at least 1, got 0"),
        (("evaluate", "RUN", "--images", 50), 2, "batch_size 96 is more than the 50 images"),
        (("transfer", "RUN"), 2, "missing option '--dataset'"),
        (("transfer", "RUN", "--dataset", "signs"), 2, "'signs' needs --data"),
        (("transfer", "RUN", "--dataset", "../signs"), 2, "cannot be part of a folder's name"),
        (("ensemble", "RUN", "--members", 1), 2, "--members must be at least 2"),
    ],
)
def test_mistakes(
    command: Callable[..., Any],
    searched: Path,
    arguments: tuple[object, ...],
    code: int,
    message: str,
) -> None:
    before = sorted(searched.iterdir())
    named = [searched if argument == "RUN" else argument for argument in arguments]
    outcome = command(*named)
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert sorted(searched.iterdir()) == before


def test_a_folder_with_another_training_is_left_alone(
    command: Callable[..., Any], run: Path
) -> None:
    command("evaluate", run, *QUICK)
    before = (run / "evaluation" / "metrics.json").read_bytes()
    outcome = command("evaluate", run, *QUICK, "--learning-rate", 0.1)
    assert outcome.code == 1
    assert " there, 0.1 asked for" in outcome.err
    assert "holds another training; what differs: learning_rate: " in outcome.err
    assert (run / "evaluation" / "metrics.json").read_bytes() == before
