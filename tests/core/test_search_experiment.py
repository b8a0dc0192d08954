"""What a run remembers of itself."""

from __future__ import annotations

import json

from ax.core.experiment import Experiment

from ax_anasod.cells import Cell, from_dict
from ax_anasod.core import AnasodSearchSpace, RunProperties


def test_properties_come_back_as_they_were_written(toy_cell: Cell) -> None:
    experiment = Experiment(AnasodSearchSpace.from_cell(toy_cell), name="run")
    written = RunProperties(
        cell=toy_cell.to_dict(),
        space="encoding",
        seed=7,
        strategy="anasod-biased-random",
        options={"num_trials": 50},
    )

    written.write(experiment)

    assert RunProperties.read(experiment) == written
    assert from_dict(written.cell) == toy_cell


def test_they_are_plain_json(toy_cell: Cell) -> None:
    experiment = Experiment(AnasodSearchSpace.from_cell(toy_cell), name="run")
    RunProperties(cell=toy_cell.to_dict(), space="encoding").write(experiment)

    stored = json.loads(json.dumps(experiment._properties))
    experiment._properties = stored

    assert RunProperties.read(experiment) == RunProperties(toy_cell.to_dict(), "encoding")


def test_other_experiments_have_none(toy_cell: Cell) -> None:
    experiment = Experiment(AnasodSearchSpace.from_cell(toy_cell), name="run")

    assert RunProperties.read(experiment) is None
