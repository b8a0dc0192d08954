"""Comparisons of fronts and under limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume

from ax_anasod.cells import Cell
from ax_anasod.compare import Comparison, Contender, Plan, compare_strategies
from ax_anasod.compare.comparison_folder import read_runs
from ax_anasod.compare.texts import as_dict, notes
from ax_anasod.exceptions import RunError
from ax_anasod.fronts import pareto_front
from ax_anasod.nasbench import TableBenchmark
from tests.compare.conftest import FillPlan

RANDOM = Contender("random", {}, 8)
TWO_LEVEL = Contender("two-level-bo", {"num_initial": 3}, 8)


@pytest.fixture(scope="module")
def both(table: Path) -> TableBenchmark:
    cell = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=4)
    return TableBenchmark(table, cell, accuracy="valid", minimize="seconds", report="test")


def points_of(benchmark: TableBenchmark) -> np.ndarray:
    values = benchmark.query(benchmark.cell.enumerate())
    return np.stack([values["valid_error"], values["seconds"]], axis=1)


def volume(points: np.ndarray, reference: np.ndarray) -> float:
    return float(Hypervolume(-torch.tensor(reference)).compute(-torch.tensor(points)))


def test_fronts_are_judged_by_their_share_of_the_true_one(
    both: TableBenchmark, tmp_path: Path
) -> None:
    out = tmp_path / "comparison"
    done = compare_strategies(both, [RANDOM, TWO_LEVEL], seeds=2, out=out)
    table = points_of(both)
    reference = np.quantile(table, 0.95, axis=0)
    whole = volume(pareto_front(table), reference)
    assert done.plan.front is not None
    assert [*done.plan.front.reference.values()] == pytest.approx(reference)
    for (_, _), run in done.results.groupby(["strategy", "seed"]):
        own = run[[done.plan.columns[name] for name in ("valid_error", "seconds")]].to_numpy()
        fronts = [pareto_front(own[: n + 1]) for n in range(len(own))]
        expected = [100 * volume(front, reference) / whole for front in fronts]
        assert run["incumbent"].to_numpy() == pytest.approx(np.array(expected), abs=1e-9)
        assert run["value"].sum() == pytest.approx(expected[-1])
    frame = done.summary.frame
    assert (frame["mean"] <= 100).all()
    assert frame["p_value"].notna().tolist() == [False, True]
    said = notes(done.summary)
    assert "share of the hypervolume of the true front" in said[0]
    assert "95 % quantile" in said[0]
    content = as_dict(done.summary)
    assert content["objectives"] == ["valid_error", "seconds"]
    assert content["objective"]["name"] == "hypervolume"
    assert content["reference_point"] == done.plan.front.reference
    done.write()
    assert {path.name for path in out.glob("*.png")} == {"incumbent_queries.png"}
    assert Comparison.read(out).summary.frame.equals(frame)
    with pytest.raises(RunError, match="other limits: none, not test <= 90.0"):
        compare_strategies(both, [RANDOM, TWO_LEVEL], seeds=2, out=out, limits=["test <= 90"])


class Secretive(TableBenchmark):
    """A benchmark that does not list its values."""

    def all_values(self) -> None:
        """Nobody knows them all."""


def test_where_nobody_knows_the_true_front_all_runs_together_are_the_measure(
    table: Path, both: TableBenchmark, fill_plan: FillPlan
) -> None:
    secretive = Secretive(table, both.cell, accuracy="valid", minimize="seconds")
    plan = Plan.of(secretive, [RANDOM], 2)
    assert plan.front is not None
    assert not plan.front.is_true
    path = fill_plan(secretive, plan)
    done = Comparison.read(path)
    assert done.plan.front is not None
    assert done.plan.objective.optimum is None
    runs = read_runs(path, plan)
    points = np.array(
        [[r.end.values[n] for n in ("valid_error", "seconds")] for run in runs for r in run.records]
    )
    reference = np.array([*done.plan.front.reference.values()])
    assert done.plan.front.volume == pytest.approx(volume(pareto_front(points), reference))
    final = done.summary.final("random")
    assert ((final > 0) & (final <= 100)).all()
    assert "of the front of all runs together" in notes(done.summary)[0]


def test_only_what_keeps_the_limits_is_an_incumbent(
    table: Path, both: TableBenchmark, fill_plan: FillPlan
) -> None:
    benchmark = TableBenchmark(table, both.cell, accuracy="valid", report=["test", "seconds"])
    plan = Plan.of(benchmark, [RANDOM, TWO_LEVEL], 2, limits=["seconds <= 110"], known=["seconds"])
    values = benchmark.query(benchmark.cell.enumerate())
    assert plan.objective.optimum == values["valid_error"][values["seconds"] <= 110].min()
    path = fill_plan(benchmark, plan)
    done = Comparison.read(path)
    for run in read_runs(path, done.plan):
        ends = [record.end.values for record in run.records]
        kept = [v["valid_error"] if v["seconds"] <= 110 else np.inf for v in ends]
        # Known, so that no trial of this one breaks the limit.
        assert run.label == "random" or np.isfinite(kept).all()
        best = np.minimum.accumulate(kept)
        rows = done.results.query("strategy == @run.label and seed == @run.seed")
        np.testing.assert_array_equal(rows["incumbent"], np.where(np.isinf(best), np.nan, best))
    lacking = done.summary.without_incumbent
    assert notes(done.summary)[1].startswith("Only what has seconds <= 110.0 counts.")
    assert all(f"{label}: {n}" in notes(done.summary)[1] for label, n in lacking.items())
