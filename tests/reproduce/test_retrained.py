from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import NASNetCell
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.networks import NetworkConfig
from ax_anasod.reproduce import reproduce, reproduce_retrained, write_files
from ax_anasod.reproduce.paper import TABLE_4, TABLE_5
from ax_anasod.retraining import BestTrial, evaluate
from ax_anasod.training import DataConfig, Hardware, TrainingTask, load_data
from ax_anasod.training import protocol as published

Evaluation = Callable[..., Path]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `evaluate` writes of a network."""
    folder = tmp_path_factory.mktemp("run")
    cell = NASNetCell(["skip_connect", "sep_conv_3x3"], num_nodes=2)
    task = TrainingTask(
        cell,
        DataConfig("digits", images=60),
        NetworkConfig(channels=2, cells=3),
        published("evaluation", epochs=1, batch_size=30),
        Hardware("cpu"),
    )
    counts = np.array([2, 2])
    codes = task.draw(counts, np.random.default_rng(0))
    found = BestTrial(folder, task, 0, 0, 50.0, counts, codes)
    evaluate(found, task, load_data(task.data, "evaluation"), folder / "evaluation")
    content = json.loads((folder / "evaluation" / "metrics.json").read_text())
    assert isinstance(content, dict)
    return content


@pytest.fixture
def evaluated(metrics: dict[str, Any], tmp_path: Path) -> Evaluation:
    """Writes what `evaluate` writes, with other values; gives the folder."""

    def write(name: str, **changes: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({**metrics, **changes}))
        return folder

    return write


def test_rows_are_the_paper_s() -> None:
    # Compared with shared/paper/anasod.md.
    assert [row.error for row in TABLE_4] == [
        2.85, 2.65, 2.53, 2.76, 2.37, 2.50, 2.58, 1.88, 2.64, 2.61, 2.61, 2.63, 2.41, 1.86,
    ]  # fmt: skip
    assert [row.error for row in TABLE_5] == [17.76, 14.87, 16.55, 16.39, 14.10, 16.33, 13.76]


def test_networks_that_were_trained_alike_are_one_row(
    evaluated: Evaluation, metrics: dict[str, Any], tmp_path: Path
) -> None:
    evaluated("run/member-0", test_error=10.0, parameters=1.0)
    evaluated("run/member-1", test_error=14.0, parameters=3.0, seed=7)
    other = evaluated("other", training={**metrics["training"], "epochs": 600})
    made = reproduce_retrained("table4", [tmp_path / "run", other, other])
    header, rows = made.table()
    assert header == [
        "row", "test error [%]", "parameters [million]", "epochs", "how", "networks",
    ]  # fmt: skip
    assert len(rows) == len(TABLE_4) + 2
    assert rows[0] == ["Random-WS", "2.85 ± 0.08", "4.3", "-", "RS", "-"]
    assert rows[len(TABLE_4) - 1] == ["ANASOD-BO+", "1.86", "3.5", "1500", "BO", "-"]
    first, second = rows[-2:]
    assert first[:4] == ["ours 1: nasnet on digits", "12.00 ± 2.83", "2.00", "1"]
    assert first[4:] == ["evaluation with epochs=1, batch_size=30", "2"]
    assert second[4:] == ["evaluation with batch_size=30", "1"]


def test_notes_say_what_cannot_be_compared(evaluated: Evaluation) -> None:
    notes = reproduce_retrained("table5", [evaluated("one")]).notes()
    assert notes[-1] == (
        "Ours 1 is not comparable with the paper's rows: data set digits instead of cifar100, "
        "training images 60 instead of 50000, channels 2 instead of 36, cells 3 instead of 24."
    )


def test_the_paper_s_own_protocol_has_no_such_note(
    evaluated: Evaluation, metrics: dict[str, Any]
) -> None:
    folder = evaluated(
        "paper",
        dataset="cifar10",
        train_images=50_000,
        cell=cells.get("nasnet").to_dict(),
        network={**metrics["network"], "channels": 36, "cells": 24},
        training=published("evaluation+").to_dict(),
    )
    made = reproduce_retrained("table4", [folder])
    assert made.table()[1][-1][3:] == ["1500", "evaluation+", "1"]
    assert not any("not comparable" in note for note in made.notes())


def test_files_and_json(evaluated: Evaluation, tmp_path: Path) -> None:
    made = reproduce("table4", runs=[evaluated("one", test_error=9.5)])
    content = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    assert content["rows"][-1]["test_error"] == 9.5
    assert content["rows"][-1]["folders"] == [str(tmp_path / "one")]
    files = write_files(made, tmp_path / "new")
    assert [file.name for file in files] == ["table4.md", "table4.csv", "table4.html"]
    assert files[0].read_text().startswith("# Table 4: networks trained for good on cifar10\n")


def test_folders_without_an_evaluated_network_are_refused(
    evaluated: Evaluation, metrics: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="table4 is made of evaluated networks, and no folder"):
        reproduce_retrained("table4", [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=r"empty holds no metrics\.json of a network"):
        reproduce_retrained("table4", [evaluated("one"), tmp_path / "empty"])
    with pytest.raises(RunError, match="nowhere is no folder"):
        reproduce_retrained("table5", [tmp_path / "nowhere"])
    damaged = {
        "lacks": {name: value for name, value in metrics.items() if name != "test_error"},
        "text": {**metrics, "test_error": "low"},
        "network": {**metrics, "network": {"channels": -1}},
        "cell": {**metrics, "cell": {"type": "os.system"}},
    }
    no_object = evaluated("list")
    (no_object / "metrics.json").write_text("[]")
    with pytest.raises(RunError, match=r"metrics\.json is damaged: it is \[\], not an object"):
        reproduce_retrained("table4", [no_object])
    for name, content in damaged.items():
        folder = evaluated(name)
        (folder / "metrics.json").write_text(json.dumps(content))
        with pytest.raises(RunError, match="does not hold the figures of an evaluated network"):
            reproduce_retrained("table4", [folder])
    (folder / "metrics.json").write_text("{")
    with pytest.raises(RunError):
        reproduce_retrained("table4", [folder])


def test_groups_differ_by_what_was_trained(evaluated: Evaluation) -> None:
    folders = [
        evaluated("one"),
        evaluated("two", dataset="cifar100"),
        evaluated("three", train_images=61),
        evaluated("four", parameters=9.0, multiply_adds=7.0),
    ]
    groups = reproduce_retrained("table4", folders).groups
    assert [len(group.errors) for group in groups] == [2, 1, 1]
    assert replace(groups[0], dataset="x").differences("x").startswith("training images 60")
