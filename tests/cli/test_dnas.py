"""``ax-anasod dnas``, and what goes on from its folder."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from ax_anasod import cells
from ax_anasod.cli import main
from ax_anasod.cli.app import run as run_command
from ax_anasod.dnas import OneShotResult
from tests.cli.conftest import Command
from tests.conftest import PATIENCE

TINY = ["--images", 60, "--channels", 4, "--cells", 3, "--epochs", 2, "--batch-size", 10]
ROW = 'name = "row"\noperations = ["none", "skip_connect", "nor_conv_1x1"]\nnum_blocks = 2\n'
TIMES = ("weights_seconds", "distribution_seconds", "data_seconds", "memory")
Refused = Callable[..., str]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search that has come to its end."""
    out = tmp_path_factory.mktemp("dnas") / "digits"
    arguments = ["dnas", *TINY, "--candidates", 5, "--device", "cpu", "--out", out]
    assert run_command(list(map(str, arguments))) == 0
    return out


@pytest.fixture
def folder(searched: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(searched, tmp_path / "digits"))


@pytest.fixture
def row(tmp_path: Path) -> Path:
    """A folder with a cell of nine architectures, and a table of their accuracies."""
    folder = tmp_path / "row"
    folder.mkdir()
    (folder / "row.toml").write_text(ROW)
    names = ("none", "skip_connect", "nor_conv_1x1")
    lines = [f"{a}|{b},{70 + 3 * i + j}" for i, a in enumerate(names) for j, b in enumerate(names)]
    (folder / "row.csv").write_text("\n".join(["arch,acc", *lines]) + "\n")
    return folder


def timeless(file: Path) -> list[dict[str, str]]:
    rows = csv.DictReader(file.read_text().splitlines())
    return [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_search_with_an_oracle(command: Command, row: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--cell", row / "row.toml", "--oracle", f"{row / 'row.csv'}:acc", "--seed", 3]
    outcome = command("dnas", *TINY, *options, "--candidates", 4, "--out", out, "--json")
    assert outcome.code == 0, outcome.err
    result = outcome.json
    assert set(result) >= {
        *("method", "seed", "epochs", "p", "entropy", "curve", "candidates", "agreement"),
        *("best", "seconds_per_step", "memory_mib", "out", "oracle", "warnings"),
    }
    assert (result["method"], result["seed"], result["epochs"]) == ("anasod-dnas", 3, 2)
    assert sum(result["p"].values()) == pytest.approx(1.0)
    assert set(result["best"]) == {"architecture", "score", "oracle"}
    # The error of the row that the table has for it.
    first, second = result["best"]["architecture"].split("|")
    names = ["none", "skip_connect", "nor_conv_1x1"]
    error = 30 - 3 * names.index(first) - names.index(second)
    assert result["best"]["oracle"] == pytest.approx(error)
    assert set(result["curve"][0]) >= {"mean_error", "drawn_error", "likeliest_error"}
    assert result["oracle"]["optimum"] == pytest.approx(22.0)
    assert f"best cell {result['best']['architecture']}" in words(outcome.err)
    assert json.loads((out / "search.json").read_text()) == result
    names_of_files = {path.name for path in out.iterdir()}
    assert names_of_files >= {
        *("dnas.json", "checkpoint.pt", "epochs.csv", "found.json", "search.json"),
        *("report.html", "distribution.png", "curve.png"),
    }
    for name in ("distribution.png", "curve.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    page = (out / "report.html").read_text()
    assert result["best"]["architecture"] in page
    assert f"{error:.2f} %" in page
    found = OneShotResult.read(out)
    assert found.architectures == tuple(c["architecture"] for c in result["candidates"])

    # Resuming what is finished writes its files again.
    (out / "report.html").unlink()
    again = command("resume", out, "--json")
    assert again.code == 0, again.err
    assert again.json == result
    assert (out / "report.html").exists()


def test_settings_of_the_method_and_the_training(command: Command, tmp_path: Path) -> None:
    settings = ["--option", "learning_rate=0.5", "--option", "without_zero=false"]
    training = ["--training", "label_smoothing=0.1", "--learning-rate", 0.1]
    out = tmp_path / "out"
    outcome = command("dnas", *TINY, "--method", "gaea", *settings, *training, "--out", out)
    assert outcome.code == 0, outcome.err
    config = json.loads((out / "dnas.json").read_text())
    assert config["method_name"] == "gaea"
    assert (config["method"]["learning_rate"], config["method"]["without_zero"]) == (0.5, False)
    training_used = config["task"]["training"]
    assert (training_used["label_smoothing"], training_used["learning_rate"]) == (0.1, 0.1)
    # Whatever is not given is published.
    assert (training_used["final_learning_rate"], training_used["momentum"]) == (0.001, 0.9)
    assert config["task"]["network"]["in_channels"] == 1


def test_without_a_folder_nothing_is_written(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = command("dnas", *TINY, "--method", "darts")
    assert outcome.code == 0, outcome.err
    assert "best cell |" in words(outcome.out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "dart"], "unknown method 'dart' (did you mean 'darts'"),
        (["--option", "travel=far"], "travel must be a number or none, got 'far'"),
        (["--option", "shared=maybe"], "shared must be true or false, got 'maybe'"),
        (["--option", "traval=3"], "did you mean 'travel'"),
        (["--option", "summary=mine"], "unknown option of method 'anasod-dnas': 'summary'"),
        (["--option", "travel"], "not of the form NAME=VALUE"),
        (["--option", "temperature=0"], "temperature must be at least 0.001"),
        (["--method", "darts", "--option", "shared=true"], "is a cell of one operation"),
        (["--candidates", 0], "--candidates must be at least 1"),
        (["--oracle", "nb201.csv.gz"], "'nb201.csv.gz' is not of the form FILE:COLUMN"),
        (["--oracle", "nowhere.csv:acc"], "nowhere.csv"),
        (["--cell", "nas-bench-graph"], "describes graph neural networks"),
        (["--cell", "hybrid-lm"], "is for images, not for language models"),
        (["--dataset", "recall"], "(search these with: ax-anasod train --cell hybrid-lm)"),
        (["--cell", "nasnett"], "did you mean 'nasnet'"),
        (["--batch-size", 31], "batch_size 31 is more than the 30 images that the weights"),
        (["--batch-size", 0], "--batch-size must be at least 1, got 0"),
        (["--epochs", 0], "epochs must be at least 1, got 0"),
        (["--validation", 1], "validation must be above 0 and below 1, got 1"),
        (["--devices", 2], "no such option '--devices' (did you mean '--device'"),
        (["--device", "cuda:99"], "the device 'cuda:99' is not there"),
        (["--precision", "16"], "unknown precision '16'"),
        (["--skeleton", "nasnett"], "did you mean 'nasnet'"),
        (["--cells", 4], "cells must be a multiple of 3"),
        (["--training", "epochs=3"], "epochs is given twice: --epochs and --training epochs="),
        (["--training", "drop_path=0.2"], "a differentiable search has no drop_path, got 0.2"),
        (["--operations", "nowhere:THINGS"], "'nowhere:THINGS' cannot be imported"),
        (["--dataset", "cifar10"], "the data set 'cifar10' needs --data"),
        (["--images", 15], "15 images are too few for 10 classes"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_written(
    refused: Refused, tmp_path: Path, arguments: list[object], message: str
) -> None:
    out = tmp_path / "out"
    assert message in refused("dnas", *_without(TINY, arguments), "--out", out, *arguments)
    assert not out.exists()


def _without(options: list[object], others: list[object]) -> list[object]:
    """The options but those that others give, too."""
    pairs = zip(options[::2], options[1::2], strict=True)
    return [part for name, value in pairs if name not in others for part in (name, value)]


def test_tables_that_are_no_oracle_are_refused(refused: Refused, row: Path) -> None:
    options = [*TINY, "--cell", row / "row.toml"]
    line = refused("dnas", *options, "--oracle", f"{row / 'row.csv'}:accuracy")
    assert "unknown column 'accuracy' (known: acc)" in line
    lines = (row / "row.csv").read_text().splitlines()
    (row / "few.csv").write_text("\n".join(lines[:-2]) + "\n")
    line = refused("dnas", *options, "--oracle", f"{row / 'few.csv'}:acc")
    assert "has 7 of the 9 architectures of cell 'row' (an oracle must hold every" in line
    line = refused("dnas", *TINY, "--oracle", f"{row / 'row.csv'}:acc")
    assert "none|none" in line
    assert "present_only" not in line


def test_folders_of_other_things_are_left_alone(
    command: Command, refused: Refused, folder: Path, table: list[object], tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    search = ["--accuracy", "valid", "--strategy", "random", "--trials", 2]
    assert command("search", *table, *search, "--out", run).code == 0
    other.mkdir()
    (other / "found.json").write_text("mine")
    (tmp_path / "comparison").mkdir()
    (tmp_path / "comparison" / "comparison.json").write_text("{}")
    dnas = ["dnas", *TINY, "--out"]
    assert "holds the run of a search already (continue it with: " in refused(*dnas, run)
    assert "holds a differentiable search already (continue it with: " in refused(*dnas, folder)
    assert "holds a comparison (choose another folder" in refused(*dnas, tmp_path / "comparison")
    assert "has a file found.json already" in refused(*dnas, other)
    assert "row.csv is a file, not a folder" in refused(*dnas, _file(tmp_path / "row.csv"))

    # And the reverse.
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    words = f"the folder {folder} holds a differentiable search"
    small = ["--images", 60, "--epochs", 1, "--batch-size", 10]
    compare = ["--accuracy", "valid", "--strategies", "random", "--trials", 2, "--seeds", 1]
    table1 = [*table, "--accuracy", "valid", "--out", folder]
    for arguments in (
        ["search", *table, *search, "--out", folder],
        ["train", "--strategy", "anasod-random", *small, "--trials", 1, "--out", folder],
        ["compare", *table, *compare, "--out", folder],
        ["reproduce", "table1", *table1],
        ["reproduce", "table6", *table1, "--seeds", 1],
        ["evaluate", folder, *small, "--out", folder],
        ["ensemble", folder, "--members", 2, *small, "--out", folder],
    ):
        assert words in refused(*arguments), arguments
    assert "--trials is for" in refused("resume", folder, "--trials", 3).replace("not for", "for")
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before


def _file(path: Path) -> Path:
    path.write_text("")
    return path


def test_a_search_that_is_not_finished_has_nothing_to_train(refused: Refused, folder: Path) -> None:
    (folder / "found.json").unlink()
    line = refused("evaluate", folder, "--epochs", 1)
    assert f"has not come to its end (wait for it, or go on with: ax-anasod resume {folder}" in line
    (folder / "dnas.json").write_text("{")
    assert "dnas.json is damaged" in refused("evaluate", folder)
    assert "dnas.json is damaged" in refused("resume", folder)
    assert "dnas.json is damaged" in refused("show", folder)


def test_what_was_found_is_trained_for_good(command: Command, folder: Path) -> None:
    quick = ["--epochs", 1, "--images", 60, "--batch-size", 10, "--device", "cpu", "--json"]
    found = OneShotResult.read(folder)
    one = command("evaluate", folder, *quick)
    assert one.code == 0, one.err
    assert one.json["architectures"] == [found.architectures[0]]
    assert (one.json["method"], one.json["layers"]) == ("anasod-dnas", "repeated")
    assert one.json["run"] == str(folder)
    assert one.json["training"]["auxiliary_weight"] == 0.4
    assert f"cell {found.architectures[0]} (the best of anasod-dnas)" in words(one.err)
    assert json.loads((folder / "evaluation" / "metrics.json").read_text())["p"] == dict(
        zip(found.cell.operations, found.probabilities[0], strict=True)
    )
    sampled = ["--layers", "sampled", "--out", folder / "sampled"]
    drawn = command("evaluate", folder, *quick, *sampled)
    assert drawn.code == 0, drawn.err
    assert len(drawn.json["architectures"]) == 3
    assert "cells 3 drawn from p of anasod-dnas" in words(drawn.err)
    several = command("ensemble", folder, "--members", 2, *quick, "--layers", "sampled")
    assert several.code == 0, several.err
    assert (several.json["layers"], len(several.json["members"])) == ("sampled", 2)


def test_the_layers_of_a_network_are_chosen_after_dnas_only(
    command: Command, refused: Refused, folder: Path, tmp_path: Path
) -> None:
    assert "did you mean 'sampled'" in refused("evaluate", folder, "--layers", "sampeld")
    run = tmp_path / "run"
    small = ["--images", 60, "--channels", 2, "--cells", 3, "--epochs", 1, "--batch-size", 10]
    train = ["train", "--strategy", "anasod-random", *small, "--trials", 1, "--out", run]
    assert command(*train).code == 0
    line = refused("evaluate", run, "--layers", "sampled")
    assert "layers 'sampled' cannot be chosen" in line
    assert "leave --layers out" in line


def test_more_members_than_cells_are_refused(refused: Refused, folder: Path) -> None:
    number = len(set(OneShotResult.read(folder).architectures))
    line = refused("ensemble", folder, "--members", number + 1, "--epochs", 1)
    assert f"has found {number} different cells, not {number + 1}" in line
    assert not (folder / "ensemble").exists()


def test_show_gives_what_the_search_gave(command: Command, searched: Path, folder: Path) -> None:
    shown = command("show", folder, "--json")
    assert shown.code == 0, shown.err
    stored = json.loads((searched / "search.json").read_text())
    assert shown.json == stored | {"out": str(folder)}
    assert "state finished" in words(shown.err)


def test_show_follows_a_search_on_its_way(command: Command, folder: Path) -> None:
    for name in ("search.json", "found.json"):
        (folder / name).unlink()
    lines = (folder / "epochs.csv").read_text().splitlines()
    (folder / "epochs.csv").write_text("\n".join(lines[:2]) + "\n")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    outcome = command("show", folder)
    assert outcome.code == 0, outcome.err
    text = words(outcome.out)
    assert f"state stopped at 1 of 2 epochs; go on with: ax-anasod resume {folder}" in text
    content = command("show", folder, "--json").json
    assert (content["epochs"], content["best"], content["candidates"]) == (1, None, [])
    row = next(csv.DictReader(lines))
    assert content["p"] == {
        name: float(row[f"p_{name}"]) for name in cells.get("nas-bench-201").operations
    }
    assert content["curve"][0]["mixture_loss"] == float(row["mixture_loss"])
    assert f"{content['curve'][0]['weights_loss']:.4f} weights" in text
    assert f"{content['p']['nor_conv_3x3']:.2f} nor_conv_3x3" in text
    from ax_anasod.locks import locked

    with locked(folder / "dnas.lock", "busy"):
        assert "state running, 1 of 2 epochs" in words(command("show", folder).out)
        (folder / "epochs.csv").write_bytes(before["epochs.csv"] + lines[2].encode() + b"\n")
        text = words(command("show", folder).out)
        assert "state running, 2 of 2 epochs, cells are being ranked" in text
    (folder / "epochs.csv").unlink()
    outcome = command("show", folder, "--json")
    assert outcome.json["p"] is None
    assert "state stopped at 0 of 2 epochs" in words(outcome.err)


def test_a_damaged_file_is_no_traceback(refused: Refused, folder: Path) -> None:
    for name, content in (("search.json", "[]"), ("search.json", "{}"), ("dnas.json", "5")):
        (folder / name).write_text(content)
        assert "damaged" in refused("show", folder)
        (folder / "search.json").unlink(missing_ok=True)


def test_show_needs_neither_ax_nor_torch(folder: Path) -> None:
    program = (
        "import sys\n"
        "from ax_anasod.cli import main\n"
        "try:\n"
        f"    main(['show', {str(folder)!r}])\n"
        "finally:\n"
        "    assert not {'ax', 'torch', 'numpy', 'pandas'} & set(sys.modules)\n"
    )
    for state in ("finished", "stopped at 2 of 2 epochs"):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert state in done.stdout
        (folder / "search.json").unlink(missing_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "while_ranking"), [("anasod-dnas", False), ("anasod-dnas+", True)]
)
def test_a_killed_search_ends_as_one_that_was_not(
    command: Command, server: ForkServerContext, tmp_path: Path, method: str, while_ranking: bool
) -> None:
    epochs = 2 if while_ranking else 8
    options = [*_without(TINY, ["--epochs"]), "--epochs", epochs, "--candidates", 3]
    options += ["--method", method, "--device", "cpu", "--threads", 1]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    arguments = list(map(str, ["dnas", *options, "--out", killed]))
    process = server.Process(target=main, args=(arguments,))
    process.start()
    begun = killed / ("trained.json" if while_ranking else "epochs.csv")
    until = time.monotonic() + 180
    while not begun.exists() or (not while_ranking and len(timeless(begun)) < 2):
        assert process.is_alive()
        assert time.monotonic() < until
        time.sleep(0.02)
    process.kill()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    assert not (killed / "found.json").exists()

    shown = command("show", killed)
    assert "state stopped at" in words(shown.out)
    resumed = command("resume", killed, "--json")
    assert resumed.code == 0, resumed.err
    assert command("dnas", *options, "--out", whole).code == 0
    assert (killed / "found.json").read_bytes() == (whole / "found.json").read_bytes()
    assert timeless(killed / "epochs.csv") == timeless(whole / "epochs.csv")
