"""Language models on the command line, and what is for images only."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ax_anasod import load_model
from ax_anasod.training import TrainedDecoder
from tests.cli.conftest import Command

Refused = Callable[..., str]

TINY = ["--sequences", 64, "--length", 24, "--width", 8, "--heads", 1, "--hidden", 8]
TRAIN = ["train", "--cell", "hybrid-lm", *TINY, "--epochs", 2, "--strategy", "anasod-random"]


@pytest.mark.slow
def test_a_search_of_language_models(command: Command, refused: Refused, tmp_path: Path) -> None:
    out = tmp_path / "run"
    outcome = command(*TRAIN, "--minimize", "cache_bytes", "--trials", 2, "--out", out, "--json")
    assert outcome.code == 0, outcome.err
    result = outcome.json
    assert (result["dataset"], result["trials"]) == ("recall+facts", 2)
    assert [o["name"] for o in result["objectives"]] == ["loss", "cache_bytes"]
    assert set(result["reported"]) == {"recall_error", "facts_error", "parameters"}
    assert command("show", out, "--json").json["values"] == result["values"]
    longer = command("resume", out, "--trials", 3, "--json").json
    assert longer["values"]["loss"][:2] == result["values"]["loss"]
    again = command(*TRAIN, "--minimize", "cache_bytes", "--trials", 3, "--json").json
    assert again["values"] == longer["values"]
    rows = list(csv.DictReader((out / "trials.csv").read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == longer["values"]["loss"]

    for exporting in (("export", out), ("predict", out, "x.png")):
        line = refused(*exporting)
        assert f"{out} has searched is a language model, and {exporting[0]} is for" in line
    outcome = command("evaluate", out, "--epochs", 2, "--sequences", 80, "--json")
    assert outcome.code == 0, outcome.err
    trained = outcome.json
    assert trained["train_sequences"] == 80
    assert set(trained["errors"]) == {"recall_error", "facts_error"}
    model = load_model(out / "evaluation" / "model.pt")
    assert isinstance(model, TrainedDecoder)
    assert (model.dataset, model.length, model.network.config.width) == ("recall+facts", 24, 8)
    assert model.metrics["test_error"] == trained["test_error"]
    told = command("evaluate", out, "--epochs", 2, "--sequences", 80)
    recall = trained["errors"]["recall_error"]
    assert f"recall error {recall:.2f} %" in " ".join(told.out.split())
    assert "calibration" not in told.out

    for arguments, message in (
        (("ensemble", out), "this is for images, and 'recall+facts' are sequences of tokens"),
        (("transfer", out, "--dataset", "digits"), "another data set is for images"),
        (("evaluate", out, "--images", 50), "images is for images, and the search was on"),
        (("evaluate", out, "--protocol", "evaluation+"), "training protocol for sequences"),
        (("evaluate", out, "--channels", 4), "channels is for networks that take images, and the"),
        (("export", out), "is a language model, and export is for networks that take images"),
    ):
        assert message in refused(*arguments)


@pytest.mark.slow
def test_early_stopping_of_language_models(command: Command, tmp_path: Path) -> None:
    stopping = ["--early-stopping", 50, "--min-trials", 2, "--minimize", "recall_error"]
    whole, continued = tmp_path / "whole", tmp_path / "continued"
    assert command(*TRAIN, *stopping, "--trials", 5, "--out", whole).code == 0
    assert command(*TRAIN, *stopping, "--trials", 2, "--out", continued).code == 0
    assert command("resume", continued, "--trials", 5).code == 0
    rows, again = ((run / "trials.csv").read_text().splitlines() for run in (whole, continued))
    stopped = ["early_stopped" in row for row in rows]
    assert 0 < sum(stopped) < 5
    assert stopped == ["early_stopped" in row for row in again]
    values = [[row["recall_error"] for row in csv.DictReader(table)] for table in (rows, again)]
    assert values[0] == values[1]


@pytest.mark.slow
def test_a_text_of_ones_own(command: Command, refused: Refused, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("to be or not to be, that is the question; " * 60)
    arguments = ["--dataset", "text", "--data", text, "--trials", 1, "--json"]
    out = tmp_path / "run"
    outcome = command(*TRAIN, *arguments, "--minimize", "text_error", "--out", out)
    assert outcome.code == 0, outcome.err
    assert [o["name"] for o in outcome.json["objectives"]] == ["text_error"]
    assert np.isfinite(outcome.json["values"]["text_error"]).all()
    text.write_text("another text, which is as long as it has to be; " * 60)
    for again in ("resume", "evaluate"):
        assert "is not the one that this run has begun with" in refused(again, out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", 50], "--images is for images, and the data set is 'recall+facts'"),
        (["--image-size", 8], "--image-size is for images"),
        (["--channels", 8], "--channels is for networks that take images"),
        (["--validation", 0.5], "--validation is for images"),
        (["--training", "cutout=4"], "cutout is for images, and 'recall+facts' are sequences"),
        (["--minimize", "latency"], "latency is a cost of networks for images"),
        (["--minimize", "valid_error"], "unknown cost of a network 'valid_error'"),
        (["--dataset", "text"], "the data set 'text' needs a file (name one with --data FILE)"),
        (["--dataset", "copying", "--data", "x"], "the sequences of 'copying' are drawn, but"),
        (["--length", 10], "length 10 is no multiple of 6"),
        (["--width", 7], "width 7 is no even number of channels for each of 2 heads"),
        (["--batch-size", 2000], "batch_size 2000 is more than the 1600 sequences to learn from"),
        (["--search", "channels=8,16"], "number of networks for 'recall+facts' 'channels'"),
        (["--search", "vocabulary=8,16"], "vocabulary cannot be searched: the sequences say it"),
        (["--dataset", "digits", "--length", 8], "--length is for sequences of tokens, and the"),
        (["--dataset", "digits", "--width", 8], "--width is for language models, and the data"),
        (["--dataset", "digits"], "cell 'hybrid-lm' is of language models"),
        (["--cell", "nasnet", "--dataset", "recall"], "'nasnet' is not of language models"),
    ],
)
def test_what_is_for_the_other_kind_is_refused(
    refused: Refused, tmp_path: Path, arguments: list[object], message: str
) -> None:
    out = tmp_path / "run"
    assert message in refused("train", "--cell", "hybrid-lm", "--out", out, *arguments)
    assert not out.exists()
