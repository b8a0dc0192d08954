"""NaN, infinite values and incomplete standard errors, by every way in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ax.orchestration.orchestrator import Orchestrator, OrchestratorOptions
from ax.service.ax_client import AxClient

from ax_anasod import AnasodSearchSpace, LookupMetric, LookupRunner, generation_strategy
from ax_anasod.cells import Cell
from ax_anasod.cli.app import run
from ax_anasod.experiment import make_client, make_experiment
from ax_anasod.nasbench import TableBenchmark

PAIR = Cell("pair", operations=["conv", "pool", "skip"], num_blocks=2)


@pytest.fixture
def diverging(tmp_path: Path, own_warnings: Any) -> TableBenchmark:
    """A table in which every architecture that starts with a pool has diverged."""
    strings = PAIR.to_strings(PAIR.enumerate())
    errors = [math.nan if name.startswith("pool") else 5.0 + i for i, name in enumerate(strings)]
    path = tmp_path / "diverging.csv"
    pd.DataFrame({"arch": strings, "error": errors}).to_csv(path, index=False, na_rep="nan")
    with own_warnings() as texts:
        benchmark = TableBenchmark(path, PAIR, minimize="error")
    assert len(texts) == 1
    return benchmark


def test_through_ax_client(own_warnings: Any) -> None:
    space = AnasodSearchSpace.from_cell(PAIR)
    client = AxClient(
        generation_strategy=generation_strategy.make("anasod-bo", space, num_initial=3),
        verbose_logging=False,
    )
    client._set_experiment(make_experiment(space))
    outcomes: list[Any] = [5.0, math.nan, (4.0, 0.1), 6.0, 7.0]
    with own_warnings() as texts:
        for outcome in outcomes:
            _, index = client.get_next_trial()
            client.complete_trial(index, raw_data={"error": outcome})
        client.get_next_trial()
    assert len(texts) == 2
    assert texts[0] == "trial 1 counts as failed: error is nan"
    assert "others none" in texts[1]
    assert client.get_best_parameters() is not None


def test_through_a_runner(diverging: TableBenchmark, own_warnings: Any) -> None:
    space = AnasodSearchSpace.from_cell(PAIR)
    experiment = make_experiment(space, metrics=LookupMetric("error"))
    experiment.runner = LookupRunner(diverging)
    orchestrator = Orchestrator(
        experiment,
        generation_strategy.make("anasod-bo", space, num_initial=3),
        options=OrchestratorOptions(
            init_seconds_between_polls=0, min_seconds_before_poll=0.0, max_pending_trials=1
        ),
    )
    with own_warnings() as texts:
        orchestrator.run_n_trials(max_trials=8)
    diverged = [
        index
        for index, trial in experiment.trials.items()
        if trial.run_metadata["architecture"].startswith("pool")
    ]
    assert 0 < len(diverged) < 8
    assert texts == [
        f"trial {index} counts as failed: error is nan" for index in diverged if index < 7
    ]


def test_on_the_command_line(
    diverging: TableBenchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pair.toml").write_text(
        'name = "pair"\noperations = ["conv", "pool", "skip"]\nnum_blocks = 2\n'
    )
    options = ["--benchmark", "table", "--data", str(diverging.path), "--trials", "9", "--json"]
    options += ["--cell", str(tmp_path / "pair.toml"), "--minimize", "error"]
    assert run(["search", *options, "--strategy", "random"]) == 0
    output = capsys.readouterr()
    found = json.loads(output.out)
    diverged = [i for i, value in enumerate(found["values"]["error"]) if value is None]
    assert diverged
    assert found["optimum"] == 5.0
    notes = [line for line in output.err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert "holds nan in line 5 (3 values that are not finite): trials of these fail" in notes[0]
    assert f"({len(diverged)} failed)" in output.err


def test_a_baseline_with_a_standard_error_does_not_stop_a_search(own_warnings: Any) -> None:
    client = make_client(PAIR, "anasod-bo", num_initial=2)
    with own_warnings() as texts:
        baseline = client.attach_trial({"n_conv": 1, "n_pool": 1, "n_skip": 0})
        client.complete_trial(baseline, {"error": (6.0, 0.2)})
        for error in (5.0, 4.0, 7.0):
            client.complete_trial(*client.get_next_trials(1), {"error": error})
    assert len(texts) == 1
