"""``ax-anasod train``, and ``resume`` of such a run."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.cli.conftest import Command

TINY = ["--images", 100, "--channels", 2, "--cells", 3, "--epochs", 2, "--batch-size", 16]
RANDOM = ["--strategy", "anasod-random"]


@pytest.mark.slow
def test_a_search_on_digits(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    out = tmp_path / "run"
    outcome = command("train", *TINY, *RANDOM, "--trials", 3, "--out", out, "--json")
    assert outcome.code == 0, outcome.err
    result = outcome.json
    assert (result["benchmark"], result["dataset"], result["trials"]) == ("training", "digits", 3)
    assert result["objectives"] == [{"name": "valid_error", "unit": "percent", "minimize": True}]
    values = result["values"]["valid_error"]
    assert len(values) == 3
    assert all(0 <= value <= 100 for value in values)
    assert result["incumbent"] == np.minimum.accumulate(values).tolist()
    assert set(result["reported"]) == {"valid_loss", "parameters"}
    assert sum(result["best"]["encoding"].values()) == 10
    # One architecture a layer; people are told how many, and where they are.
    assert [text.count(" ; ") for text in result["architectures"]] == [2, 2, 2]
    assert "3 drawn from the encoding, one a layer, in trials.csv" in outcome.err
    assert " ; " not in outcome.err
    names = {path.name for path in out.iterdir()}
    assert names >= {"config.json", "journal.jsonl", "trials.csv", "report.html", "trials"}
    assert {path.suffix for path in out.iterdir()} >= {".png", ".db"}
    rows = list(csv.DictReader((out / "trials.csv").read_text().splitlines()))
    assert [float(row["valid_error"]) for row in rows] == values
    config = json.loads((out / "config.json").read_text())
    assert config["benchmark"]["network"]["in_channels"] == 1
    assert config["benchmark"]["training"]["epochs"] == 2
    assert config["benchmark"]["hardware"]["threads"] == 1

    shown = command("show", out, "--json")
    assert shown.json["values"] == result["values"]
    longer = command("resume", out, "--trials", 4, "--json")
    assert longer.code == 0, longer.err
    assert longer.json["values"]["valid_error"][:3] == values
    assert longer.json["trials"] == 4

    # Killed in the third trial; of the second, only the journal is left.
    killed = tmp_path / "killed"
    killed.mkdir()
    shutil.copy(out / "config.json", killed)
    lines = (out / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (killed / "journal.jsonl").write_bytes(b"".join(lines[:5]))
    shutil.copytree(out / "trials" / "0000", killed / "trials" / "0000")
    again = command("resume", killed, "--json")
    assert again.code == 0, again.err
    assert again.json["values"] == longer.json["values"]
    assert again.json["architectures"] == longer.json["architectures"]


@pytest.mark.slow
def test_trials_stopped_early_are_counted(command: Command, tmp_path: Path) -> None:
    # Enough learning for trials to differ: equally bad ones are not worse than each other.
    more = ["--images", 200, "--channels", 4, "--epochs", 3, "--trials", 6]
    stopping = ["--early-stopping", 50, "--min-trials", 2, "--out", tmp_path / "run"]
    outcome = command("train", *TINY, *more, *RANDOM, *stopping)
    assert outcome.code == 0, outcome.err
    rows = csv.DictReader((tmp_path / "run" / "trials.csv").read_text().splitlines())
    stopped = [row["status"] for row in rows].count("early_stopped")
    assert stopped
    assert f"6 ({stopped} stopped early)" in outcome.out


def test_without_a_folder_nothing_is_written(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--trials", 1, "--cell", "nas-bench-201", "--layers", "repeated"]
    outcome = command("train", *TINY, *RANDOM, *arguments)
    assert outcome.code == 0, outcome.err
    assert "best valid_error" in outcome.out
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six images in each of two classes."""
    for label, name in enumerate(("cat", "dog")):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for n in range(6):
            pixels = np.full((8, 8, 3), 100 * label + n, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{n}.png")
    return tmp_path / "pictures"


Refused = Callable[..., str]


def test_bad_images_are_named(refused: Refused, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["train", "--dataset", "mine", "--data", pictures, "--out", out]
    (pictures / "cat" / "3.png").write_bytes(b"no image")
    assert "cat/3.png is damaged (8 bytes cannot be decoded: they are none of BMP" in refused(
        *arguments
    )
    shutil.rmtree(pictures / "cat")
    assert "holds images of one class only: 'dog'" in refused(*arguments)
    shutil.rmtree(pictures / "dog")
    assert "holds no images in class folders" in refused(*arguments)
    shutil.rmtree(pictures)
    assert "does not exist" in refused(*arguments)
    assert not out.exists()


def test_damaged_images_are_left_out_where_asked(
    command: Command, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    (pictures / "cat" / "3.png").write_bytes(b"no image")
    arguments = ["--dataset", "mine", "--data", pictures, "--batch-size", 4, "--epochs", 1]
    network = ["--channels", 2, "--cells", 3, "--trials", 1, "--skip-damaged"]
    outcome = command("train", *arguments, *network, *RANDOM, "--out", out)
    assert outcome.code == 0, outcome.err
    # A fifth of the twelve is held out for evaluation.
    said = f"1 of 10 images are damaged or missing, and left out: {pictures}/cat/3.png"
    assert said in outcome.err
    longer = command("resume", out, "--trials", 2)
    assert longer.code == 0, longer.err
    assert said in longer.err
    # evaluate does as the search did.
    evaluated = command("evaluate", out, "--epochs", 1, "--batch-size", 4, "--device", "cpu")
    assert evaluated.code == 0, evaluated.err
    assert "1 of 12 images are damaged or missing" in evaluated.err
    refused = command("evaluate", out, "--epochs", 1, "--refuse-damaged")
    assert refused.code == 2
    assert "cat/3.png is damaged" in refused.err


@pytest.mark.slow
def test_what_was_left_out_and_that_nothing_was_learned_is_said(
    command: Command, pictures: Path, tmp_path: Path
) -> None:
    # Two classes of the same images, and what programs leave behind.
    for folder in ("dog", ".ipynb_checkpoints"):
        shutil.rmtree(pictures / folder, ignore_errors=True)
        shutil.copytree(pictures / "cat", pictures / folder)
    (pictures / "cat" / "notes.txt").write_text("")
    out = tmp_path / "run"
    arguments = ["--dataset", "mine", "--data", pictures, "--batch-size", 4, "--epochs", 1]
    network = ["--channels", 2, "--cells", 3, "--trials", 1, "--device", "cpu"]
    outcome = command("train", *arguments, *network, *RANDOM, "--out", out, "--json")
    assert outcome.code == 0, outcome.err
    helpers = ", ".join(f"{pictures}/.ipynb_checkpoints/{n}.png" for n in range(3))
    assert f"note: 6 hidden or helper files left out: {helpers}, ...\n" in outcome.err
    assert f"note: 1 files that are no images left out: {pictures}/cat/notes.txt\n" in outcome.err
    error = outcome.json["best"]["value"]
    said = (
        f"no network did clearly better than guessing (error {error:.2f} %, that of always naming"
    )
    assert f"note: {said} the most frequent class 50.00 %): train longer" in outcome.err
    evaluated = command("evaluate", out, "--epochs", 1, "--batch-size", 4, "--device", "cpu")
    assert evaluated.code == 0, evaluated.err
    assert "note: the network did not do clearly better than guessing" in evaluated.err
    metrics = json.loads((out / "evaluation" / "metrics.json").read_text())
    assert metrics["left_out"] == {"hidden or helper files": 6, "files that are no images": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "cifar10"], "the data set 'cifar10' needs --data"),
        (["--batch-size", 5000], "batch_size 5000 is more than the"),
        (["--batch-size", 0], "--batch-size must be at least 1, got 0"),
        (["--channels", "x"], "'x' is not a whole number"),
        (["--channels", 0], "channels must be at least 1 and at most 100,000, got 0"),
        (["--cells", 2], "cells must be at least 3 and at most 1,000, got 2"),
        (["--cell", "nasnett"], "did you mean 'nasnet'"),
        (["--cell", "nas-bench-graph"], "nas-bench-graph"),
        (["--layers", "sampeld"], "did you mean 'sampled'"),
        (["--training", "cutot=8"], "did you mean 'cutout'"),
        (["--training", "flip=maybe"], "option flip must be true or false or none, got 'maybe'"),
        (["--training", "epochs=many"], "option epochs must be a whole number, got 'many'"),
        (["--learning-rate", -1], "--learning-rate must be above 0"),
        (["--validation", 1.5], "validation must be above 0 and below 1, got 1.5"),
        (["--device", "cud"], "did you mean 'cuda'"),
        (["--precision", "16"], "unknown precision '16'"),
        (["--runner", "rya"], "did you mean 'ray'"),
        (["--runner", "local", "--address", "auto"], "--address is for --runner ray"),
        (["--runner", "local", "--cpus", 2], "--cpus is for --runner ray"),
        (["--runner", "local", "--retries", 1], "--retries is for --runner ray"),
        (["--min-epochs", 2], "--min-epochs is for --early-stopping"),
        (["--min-trials", 2], "--min-trials is for --early-stopping"),
        (
            ["--epochs", 2, "--training", "epochs=3"],
            "epochs is given twice: --epochs and --training epochs=...",
        ),
        (["--early-stopping", 100], "--early-stopping must be above 0 and below 100, got 100"),
        (["--operations", "nowhere:THINGS"], "'nowhere:THINGS' cannot be imported"),
        (["--operations", "math:pi"], "they must be a mapping from names to functions"),
        (["--operations", "sys:modules"], "they must be a mapping from names to functions"),
        (["--training", "crop_padding=9"], "crop_padding must be at most 8"),
        (["--images", 15], "15 images are too few for 10 classes"),
        (["--minimize", "flosp"], "unknown cost of a network 'flosp' (did you mean 'flops'?)"),
        (["--minimize", "flops", "--minimize", "flops"], "minimize names 'flops' twice"),
        (
            ["--limit", "parameters<=5ms"],
            "has no unit 'ms' (a number may have k, M, G",
        ),
        (["--limit", "parameters<=5 apples"], "'parameters' has no unit 'apples'"),
        (["--limit", "valid_loss<=1k"], "'valid_loss' has no unit 'k' (give a number alone)"),
        (["--data-seed", -1], "error: --data-seed must be at least 0"),
        (
            ["--search", "learning_rate=1e-3..1e-1:log", "--limit", "valid_error<=5"],
            "limits 'valid_error', which is minimised",
        ),
        (["--limit", "parameters"], "'parameters' is no limit"),
        (
            ["--strategy", "anasod-random", "--limit", "parameters<=1"],
            "was found with parameters <= 1.0 (by itself each can be as good as parameters = ",
        ),
        (["--limit", "memory<=5"], "unknown objective 'memory'"),
        (["--limit", "valid_error<=5"], "limits 'valid_error', which is minimised"),
        (["--pick", "knee"], "no front to pick 'knee' from: valid_error is the only objective"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_written(
    refused: Refused, tmp_path: Path, arguments: list[object], message: str
) -> None:
    out = tmp_path / "run"
    assert message in refused("train", *RANDOM, "--out", out, *arguments)
    assert not out.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused(refused: Refused) -> None:
    assert "the device 'cuda' is not there (this machine has cpu (1)" in refused(
        "train", "--device", "cuda"
    )
