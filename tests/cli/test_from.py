"""``--from``: a search starts from what a differentiable search has found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.cli.options import StartArguments
from ax_anasod.dnas.result import FOUND, OneShotResult
from ax_anasod.generation_strategy import Start
from ax_anasod.settings import argument_texts
from tests.cli.conftest import Command, rows

Refused = Callable[..., str]
BEST = ("pool|pool|conv", "conv|conv|conv", "conv|skip|conv", "conv|conv|pool")


@pytest.fixture
def dnas(tmp_path: Path) -> Path:
    """The folder of a differentiable search of the table's cell."""
    cell = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=3)
    found = OneShotResult(cell, "anasod-dnas", 0, ((0.9, 0.1, 0.0),), BEST)
    found.write(tmp_path / "dnas" / FOUND)
    return tmp_path / "dnas"


@pytest.fixture
def search(table: list[object]) -> list[object]:
    return ["search", *table, "--accuracy", "valid", "--strategy", "two-level-bo"]


def test_the_best_cells_are_the_first_trials(
    command: Command, search: list[object], dnas: Path
) -> None:
    options = ["--from", dnas, "--from-cells", 3, "--trials", 5, "--json"]

    content = command(*search, *options).json

    assert content["architectures"][:3] == list(BEST[:3])
    assert content["architectures"][3] not in BEST[:3]
    assert len(set(content["architectures"])) == 5


def test_a_run_goes_on_without_what_it_started_from(
    command: Command, search: list[object], dnas: Path, tmp_path: Path
) -> None:
    options = ["--from", dnas / FOUND, "--from-uniform", 0.1, "--option", "num_initial=6"]
    whole = command(*search, *options, "--trials", 9, "--json").json
    out = tmp_path / "run"
    assert command(*search, *options, "--trials", 2, "--out", out).code == 0
    (dnas / FOUND).unlink()

    for trials in (5, 9):
        content = command("resume", out, "--trials", trials, "--json").json

    assert content["architectures"] == whole["architectures"]
    start = json.loads((out / "config.json").read_text())["start"]
    assert (start["source"], start["uniform"]) == (str(dnas / FOUND), 0.1)


def test_a_damaged_start_of_a_run_is_refused(
    command: Command, refused: Refused, search: list[object], dnas: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert command(*search, "--from", dnas, "--trials", 2, "--out", out).code == 0
    config = json.loads((out / "config.json").read_text())
    config["start"]["found"]["probabilities"] = [[0.5, 0.6, 0.0]]
    (out / "config.json").write_text(json.dumps(config))

    line = refused("resume", out, "--trials", 4)

    assert "the start: the probabilities [[0.5, 0.6, 0.0]] are no distribution" in line


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": [[0.9, 0.2, 0.0]]}, "[[0.9, 0.2, 0.0]] are no distribution"),
        ({"probabilities": [[1.1, -0.1, 0.0]]}, "are no distribution"),
        ({"probabilities": [[0.5, 0.5]]}, "not rows of one number for each of the 3 operations"),
        ({"probabilities": "uniform"}, "is no result of a differentiable search"),
        ({"architectures": []}, "there is no architecture"),
        ({"architectures": ["conv|conv|cony"]}, "'cony'"),
        ({"architectures": "conv|conv|conv"}, "is no result of a differentiable search"),
        ({"cell": None}, "is no result of a differentiable search: a stored cell is"),
        ({"cell": cells.get("darts").to_dict()}, "for each of the 7 operations"),
        ({"method": ...}, "is no result of a differentiable search"),
        ({"extra": 1}, "unexpected keyword argument 'extra'"),
    ],
    ids=lambda value: json.dumps(value, default=str) if isinstance(value, dict) else "",
)
def test_a_wrong_result_is_refused(
    refused: Refused, search: list[object], dnas: Path, changes: dict[str, Any], message: str
) -> None:
    content = {**json.loads((dnas / FOUND).read_text()), **changes}
    content = {name: value for name, value in content.items() if value is not ...}
    (dnas / FOUND).write_text(json.dumps(content))

    line = refused(*search, "--from", dnas)

    assert str(dnas / FOUND) in line
    assert message in line


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "3", '"text"', "null", "\xff"])
def test_what_is_no_result_is_refused(
    refused: Refused, search: list[object], dnas: Path, content: str
) -> None:
    (dnas / FOUND).write_text(content, encoding="latin-1")

    assert f"{dnas / FOUND} is " in refused(*search, "--from", dnas)


def test_the_folder_of_another_run_is_refused(
    command: Command, refused: Refused, search: list[object], dnas: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    assert command(*search, "--trials", 1, "--out", other).code == 0

    assert f"the folder {other} holds no differentiable search" in refused(*search, "--from", other)
    assert "no result of a differentiable" in refused(*search, "--from", other / "config.json")
    missing = tmp_path / "missing"
    assert f"{missing} cannot be read: No such file" in refused(*search, "--from", missing)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from-cells", 2], "--from-cells is for --from DIR"),
        (["--from-uniform", 0.5], "--from-uniform is for --from DIR"),
        (
            ["--from", "DIR", "--from-uniform", 0],
            "--from-uniform must be above 0 and at most 1",
        ),
        (["--from", "DIR", "--from-uniform", "nan"], "--from-uniform must be finite, got nan"),
        (
            ["--from", "DIR", "--from-uniform", "much"],
            "'--from-uniform': 'much' is not a number",
        ),
        (["--from", "DIR", "--from-cells", -1], "--from-cells must be at least 0, got -1"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_options_out_of_range_are_refused(
    refused: Refused,
    search: list[object],
    dnas: Path,
    tmp_path: Path,
    options: list[object],
    message: str,
) -> None:
    given = [dnas if option == "DIR" else option for option in options]

    assert message in refused(*search, *given, "--out", tmp_path / "out" / "run")
    assert not (tmp_path / "out").exists()


def test_another_cell_is_refused_before_anything_is_written(
    refused: Refused, search: list[object], dnas: Path, tmp_path: Path
) -> None:
    cell = cells.get("nas-bench-201")
    text = cell.to_strings([[3, 3, 3, 3, 3, 3]])[0]
    OneShotResult(cell, "gaea", 0, ((0.2,) * 5,) * 6, (text,)).write(dnas / FOUND)
    out = tmp_path / "out" / "run"

    for command in (search, ["train", "--images", 100, "--strategy", "random"]):
        line = refused(*command, "--from", dnas, "--out", out)
        assert "the start is of cell 'nas-bench-201', the search of cell" in line
        assert "which differ in operations" in line
        assert not out.parent.exists()


@pytest.mark.slow
def test_a_search_by_training_starts_from_it_too(command: Command, tmp_path: Path) -> None:
    cell = cells.get("nas-bench-201")
    best = cell.to_strings([[3, 1, 1, 3, 1, 1], [3, 3, 1, 1, 1, 1]])
    result = OneShotResult(cell, "anasod-dnas", 0, ((0.0, 0.5, 0.0, 0.5, 0.0),), tuple(best))
    result.write(tmp_path / FOUND)
    tiny = ["--images", 100, "--channels", 2, "--cells", 3, "--epochs", 1, "--batch-size", 16]
    options = ["--cell", "nas-bench-201", "--strategy", "random", "--trials", 2, "--json"]

    outcome = command("train", *tiny, *options, "--from", tmp_path, "--from-cells", 2)

    assert outcome.code == 0, outcome.err
    assert outcome.json["architectures"] == best


class TestCompare:
    @pytest.mark.slow
    def test_with_and_without_a_start_stand_side_by_side(
        self,
        command: Command,
        refused: Refused,
        table: list[object],
        dnas: Path,
        tmp_path: Path,
    ) -> None:
        started = f"random:from={dnas}:from_cells=2"
        options = ["compare", *table, "--accuracy", "valid", "--seeds", 2, "--out", tmp_path / "c"]

        outcome = command(*options, "--strategies", f"random,{started}", "--trials", 3, "--json")

        assert outcome.code == 0, outcome.err
        assert [row["strategy"] for row in outcome.json["summary"]] == ["random", started]
        results = pd.read_csv(tmp_path / "c" / "results.csv")
        values = results[results["strategy"] == started].groupby("trial")["value"].unique()
        accuracy = {row["arch"]: row["valid"] for row in rows()}
        assert [list(values[trial]) for trial in (0, 1)] == [[100 - accuracy[b]] for b in BEST[:2]]
        # The comparison has what it needs; another result of the same name is another one.
        longer = [*options, "--strategies", f"random,{started}", "--trials", 4]
        content = json.loads((dnas / FOUND).read_text())
        content["architectures"] = content["architectures"][1:]
        (dnas / FOUND).write_text(json.dumps(content))
        line = refused(*longer)
        assert f"has runs of {started} that start from another result" in line

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ("random:from=", "the folder . holds no differentiable search"),
            ("random:from=nowhere", "nowhere cannot be read: No such file"),
            ("random:from_cells=2", "--from-cells is for --from DIR"),
            ("random:from=a:from=b", "--strategies from is given twice"),
            ("random:form=a", "unknown option of strategy 'random': 'form'"),
        ],
    )
    def test_a_wrong_start_is_refused(
        self,
        refused: Refused,
        table: list[object],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        entry: str,
        message: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)

        assert message in refused("compare", *table, "--accuracy", "valid", "--strategies", entry)


def test_the_help_has_the_defaults_of_a_start() -> None:
    texts = argument_texts(StartArguments)
    assert texts["cells"].endswith(f"({Start.cells}).")
    assert texts["uniform"].endswith(f"({Start.uniform}).")
