from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ax_anasod.compare import Comparison, Contender, Plan
from ax_anasod.compare.comparison_folder import ComparisonFolder, read_runs
from ax_anasod.compare.run_results import results_frame
from ax_anasod.exceptions import OptionError
from ax_anasod.generation_strategy import STRATEGIES, Strategy
from ax_anasod.journal import Journal
from ax_anasod.nasbench import Benchmark, NASBench201Benchmark
from ax_anasod.reproduce import SEARCH_TARGETS, SearchReproduction, reproduce, write_files
from ax_anasod.reproduce.paper import CIFAR10
from ax_anasod.reproduce.protocol import Method, Panel, SearchTarget
from ax_anasod.runs import Search

SMALL = SearchTarget(
    "table2",
    "Table 2",
    (
        Panel(
            "",
            (
                Method("RS", "random", 300),
                Method("X", "x", 150),
                Method("ANASOD-BO", "anasod-bo", 150),
            ),
        ),
    ),
    SEARCH_TARGETS["table2"].values,
)


def made_here(
    benchmark: Benchmark, path: Path, names: Sequence[str], trials: int, seeds: int
) -> Comparison:
    """The searches of a comparison, made in this process."""
    plan = Plan.of(benchmark, [Contender(name, {}, trials) for name in names], seeds)
    with ComparisonFolder.open(path, plan) as folder:
        for task in folder.tasks:
            task.journal.parent.mkdir(parents=True, exist_ok=True)
            with Journal(task.journal) as journal:
                search = Search(task.contender.config(benchmark, task.seed), benchmark, journal)
                search.run(trials)
        return Comparison(plan, results_frame(plan, read_runs(path, plan)), out=path)


def reproduction(benchmark: Benchmark, path: Path, task: str | None) -> SearchReproduction:
    comparison = made_here(benchmark, path, ["random", "anasod-bo"], 4, 2)
    return SearchReproduction(SMALL, comparison, {"X": "unknown strategy 'x'"}, task, 4)


def test_protocol_is_the_paper_s() -> None:
    budgets = {m.name: m.trials for m in SEARCH_TARGETS["table2"].methods}
    assert {name for name, trials in budgets.items() if trials == 300} == {
        "RS",
        "ANASOD-RS",
        "ANASOD-biasedRS",
    }
    assert set(budgets.values()) == {150, 300}
    assert [m.trials for m in SEARCH_TARGETS["table6"].methods] == [300, 300]
    for strategy in ("anasod-bo",):
        assert STRATEGIES[strategy].options["num_initial"].default == 10
    assert STRATEGIES["anasod-biased-random"].options["beta_max"].default == 2


def test_paper_stands_beside_ours(single: NASBench201Benchmark, tmp_path: Path) -> None:
    made = reproduction(single, tmp_path, CIFAR10)
    header, rows = made.table()
    assert header == [
        "method",
        "strategy",
        "queries",
        "paper",
        "ours",
        "noise-free regret",
        "cifar10_test_error",
        "cifar10_valid_error_mean",
        "runs",
    ]
    frame = made.comparison.summary.frame.set_index("strategy")
    ours = f"{frame.loc['random', 'mean']:.2f} ± {frame.loc['random', 'standard_error']:.2f}"
    assert rows[0][:5] == ["RS", "random", "4", "8.67 ± 0.03", ours]
    assert rows[0][5] == f"{frame.loc['random', 'noise_free_regret']:.2f}"
    assert rows[1] == ["X", "x", "4", "-", "-", "-", "-", "-", "not run"]
    assert rows[2][3] == "8.41 ± 0.05"
    notes = " ".join(made.notes())
    assert "Paper: Table 2, column NB201 CIFAR-10" in notes
    assert "Noise-free regret" in notes
    assert "not the paper's protocol: 2 runs instead of 10, at most 4 queries." in notes
    assert "Not run: X, unknown strategy 'x'." in notes
    content = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    assert [entry["ours"] is None for entry in content["methods"]] == [False, True, False]


def test_means_say_that_they_are_no_single_runs(
    means: NASBench201Benchmark, tmp_path: Path
) -> None:
    made = reproduction(means, tmp_path, CIFAR10)
    assert "noise-free regret" not in made.table()[0]
    assert any("one value for each architecture" in note for note in made.notes())


def test_without_a_number_of_the_paper_there_is_no_column(
    means: NASBench201Benchmark, tmp_path: Path
) -> None:
    made = reproduction(means, tmp_path, None)
    assert "paper" not in made.table()[0]
    assert any("no number for this data set" in note for note in made.notes())


def test_files_hold_the_table_the_picture_and_every_trial(
    means: NASBench201Benchmark, tmp_path: Path
) -> None:
    made = reproduction(means, tmp_path, CIFAR10)
    panels = (Panel("One", SMALL.methods[:1]), Panel("Two", SMALL.methods[1:]))
    panelled = replace(made, target=replace(SMALL, panels=panels))
    names = [path.name for path in write_files(panelled, tmp_path)]
    assert names == ["table2.md", "table2.csv", "table2.html", "table2.png", "results.csv"]
    assert (tmp_path / "results.csv").read_text().count("\n") == 1 + 2 * 2 * 4
    numbers = pd.read_csv(tmp_path / "table2.csv").set_index("method")
    assert numbers.dtypes[["mean", "standard_error"]].eq(float).all()
    for entry in made.as_dict()["methods"]:
        ours = entry["ours"] or {"mean": np.nan}
        assert numbers.loc[entry["method"], "mean"] == pytest.approx(ours["mean"], nan_ok=True)
        assert numbers.loc[entry["method"], "runs"] == entry["runs"]


def test_nothing_that_can_run_is_refused(means: NASBench201Benchmark) -> None:
    with pytest.raises(OptionError):
        reproduce("table6", means, most_trials=0)


@pytest.fixture
def strategies() -> Iterator[dict[str, Strategy]]:
    """The table of strategies, which is as it was, also in its order, after the test."""
    before = dict(STRATEGIES)
    yield STRATEGIES
    STRATEGIES.clear()
    STRATEGIES.update(before)


@pytest.mark.slow
def test_what_cannot_run_is_left_out_and_named(
    means: NASBench201Benchmark, tmp_path: Path, strategies: dict[str, Strategy]
) -> None:
    del strategies["anasod-local-search"]
    made = reproduce("table6", means, seeds=1, most_trials=3, out=tmp_path)
    assert isinstance(made, SearchReproduction)
    assert made.comparison.plan.labels == ["local-search"]
    assert list(made.missing) == ["ANASOD-LS"]
    assert made.missing["ANASOD-LS"] == "unknown strategy 'anasod-local-search'"
    assert made.task == CIFAR10
    del strategies["local-search"]
    with pytest.raises(OptionError, match=r"no method of Table 6 can run here; LS: unknown"):
        reproduce("table6", means, seeds=1, most_trials=3)
