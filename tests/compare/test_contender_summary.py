from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ax_anasod.compare import Contender, Plan, Summary
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.objectives import Objective

TRIALS = 3
# Incumbents of two contenders over the trials, one run a row.
INCUMBENTS = {
    "random": [[8, 7, 6], [9, 6, 6], [7, 7, 7], [9, 8, 8], [6, 6, 6], [9, 9, 9]],
    "anasod-bo": [[8, 5, 5], [9, 9, 5], [7, 5, 5], [6, 6, 6], [5, 5, 5], [9, 6, 6]],
}


@pytest.fixture
def plan(benchmark: TableBenchmark) -> Plan:
    contenders = [Contender(name, {}, TRIALS) for name in INCUMBENTS]
    plan = Plan.of(benchmark, contenders, 6)
    return replace(plan, objective=replace(plan.objective, optimum=5.0))


@pytest.fixture
def results() -> pd.DataFrame:
    rows = [
        (label, seed, trial, value, value, 10.0 * (seed + 1), value + 1, 0.1 * (trial + 1))
        for label, runs in INCUMBENTS.items()
        for seed, run in enumerate(runs)
        for trial, value in enumerate(map(float, run))
    ]
    names = "strategy seed trial value incumbent cost_seconds test seconds"
    return pd.DataFrame(rows, columns=names.split())


def test_statistics_by_hand(plan: Plan, results: pd.DataFrame) -> None:
    frame = Summary(plan, results).frame.set_index("strategy")
    assert list(Summary(plan, results).frame)[:5] == [
        "strategy",
        "mean",
        "standard_error",
        "median",
        "queries_to_optimum",
    ]
    final = [5, 5, 5, 6, 5, 6]
    row = frame.loc["anasod-bo"]
    assert row["mean"] == pytest.approx(32 / 6)
    assert row["standard_error"] == pytest.approx(np.std(final, ddof=1) / np.sqrt(6))
    assert row["median"] == 5
    assert row["regret"] == pytest.approx(32 / 6 - 5)
    # Found after 2, 3, 2, never, 1 and never queries.
    assert (row["queries_to_optimum"], row["seeds_at_optimum"]) == (2.5, 4)
    assert (row["mean(test)"], row["seeds"], row["trials"]) == (pytest.approx(38 / 6), 6, 3)
    assert row["cost_seconds"] == pytest.approx(3 * 10 * np.mean(range(1, 7)))
    assert row["seconds_per_trial"] == pytest.approx(0.2)
    assert np.isnan(frame.loc["random", "queries_to_optimum"])
    assert frame.loc["random", "seeds_at_optimum"] == 0


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_optimum_is_the_same_in_any_unit(
    plan: Plan, results: pd.DataFrame, unit: float
) -> None:
    in_unit = replace(plan, objective=replace(plan.objective, optimum=5.0 * unit))
    scaled = results.assign(incumbent=results["incumbent"] * unit, value=results["value"] * unit)
    columns = ["queries_to_optimum", "seeds_at_optimum"]
    expected = Summary(plan, results).frame[columns]
    pd.testing.assert_frame_equal(Summary(in_unit, scaled).frame[columns], expected)


def test_target_that_half_of_the_runs_reach_has_no_median(
    plan: Plan, results: pd.DataFrame
) -> None:
    frame = Summary(replace(plan, regret=1.0), results).frame.set_index("strategy")
    # Regret 1 is an incumbent of 6: random is there after 3, 2, never, never, 1 and never.
    assert np.isnan(frame.loc["random", "queries_to_regret"])
    assert frame.loc["random", "seeds_at_regret"] == 3
    # And anasod-bo after 2, 3, 2, 1, 1 and 2.
    assert frame.loc["anasod-bo", "queries_to_regret"] == 2
    assert frame.loc["anasod-bo", "seeds_at_regret"] == 6


def test_p_values_are_of_paired_final_values(plan: Plan, results: pd.DataFrame) -> None:
    frame = Summary(plan, results).frame.set_index("strategy")
    # Differences -1, -1, -2, -2, -1, -3: all of one sign, two patterns of 64.
    assert frame.loc["anasod-bo", "p_value"] == pytest.approx(2 / 64)
    assert frame.loc["anasod-bo", "p_holm"] == pytest.approx(2 / 64)
    assert np.isnan(frame.loc["random", "p_value"])
    turned = Summary(replace(plan, reference="anasod-bo"), results).frame.set_index("strategy")
    assert turned.loc["random", "p_value"] == pytest.approx(2 / 64)
    assert np.isnan(turned.loc["anasod-bo", "p_value"])


def test_budgets_that_differ_are_tested_after_the_smaller_one(
    plan: Plan, results: pd.DataFrame
) -> None:
    first = replace(plan.contenders[0], trials=2)
    short = replace(plan, contenders=(first, *plan.contenders[1:]))
    cut = results[(results["strategy"] != first.label) | (results["trial"] < 2)]
    same = replace(plan, contenders=tuple(replace(c, trials=2) for c in plan.contenders))

    frame = Summary(short, cut).frame.set_index("strategy")

    both = Summary(same, results[results["trial"] < 2]).frame.set_index("strategy")
    assert frame["p_value"].equals(both["p_value"])
    whole = Summary(plan, results).frame.set_index("strategy")
    assert frame.loc["anasod-bo", "mean"] == whole.loc["anasod-bo", "mean"]
    assert frame.loc["anasod-bo", "p_value"] != whole.loc["anasod-bo", "p_value"]


def test_pairs_are_the_seeds_that_both_have(plan: Plan, results: pd.DataFrame) -> None:
    partial = results[(results["strategy"] == "random") | (results["seed"] % 2 == 1)]
    frame = Summary(plan, partial).frame.set_index("strategy")
    # Of the three seeds left the differences are -1, -2 and -3.
    assert frame.loc["anasod-bo", "p_value"] == pytest.approx(2 / 8)
    assert frame.loc["anasod-bo", "seeds"] == 3


def test_contender_without_a_finished_run(plan: Plan, results: pd.DataFrame) -> None:
    partial = results[(results["strategy"] == "random") | (results["trial"] < 2)]
    row = Summary(plan, partial).frame.set_index("strategy").loc["anasod-bo"]
    assert row["seeds"] == 0
    assert row[["mean", "standard_error", "median", "p_value", "p_holm"]].isna().all()


def test_single_run_has_no_standard_error(plan: Plan, results: pd.DataFrame) -> None:
    row = Summary(plan, results[results["seed"] == 0]).frame.iloc[0]
    assert row["mean"] == 6
    assert np.isnan(row["standard_error"])


def test_noise_free_regret_is_of_the_mean_over_training_seeds(
    plan: Plan, results: pd.DataFrame
) -> None:
    mean = Objective("valid_error_mean", "percent", True, "valid_error_mean", 5.5)
    noisy = replace(plan, reported=(mean,), objective=replace(plan.objective, optimum=4.0))
    renamed = results.rename(columns={"test": "valid_error_mean"})
    row = Summary(noisy, renamed).frame.set_index("strategy").loc["anasod-bo"]
    # The column is one above the value seen: 6, 6, 6, 7, 6, 7 in the end.
    assert row["noise_free_regret"] == pytest.approx(38 / 6 - 5.5)
    assert row["regret"] == pytest.approx(32 / 6 - 4)
    assert np.isnan(row["noise_free_queries_to_optimum"])


def test_unknown_optimum_leaves_regret_out(plan: Plan, results: pd.DataFrame) -> None:
    unknown = replace(plan, objective=replace(plan.objective, optimum=None))
    frame = Summary(unknown, results).frame
    assert "regret" not in frame
    assert frame["queries_to_optimum"].isna().all()
    with pytest.raises(OptionError, match="the optimum of 'valid_error' on table is not known"):
        Summary(replace(unknown, regret=0.1), results)


def test_questions_without_an_answer_are_refused(plan: Plan, results: pd.DataFrame) -> None:
    with pytest.raises(UnknownNameError):
        Summary(replace(plan, reference="anasod-b"), results)
    for regret in (-0.1, float("nan"), float("inf")):
        with pytest.raises(OptionError):
            Summary(replace(plan, regret=regret), results)


def test_what_is_maximised_is_what_is_minimised_with_the_sign_turned(
    plan: Plan, results: pd.DataFrame
) -> None:
    objective = replace(plan.objective, minimize=False, optimum=-5.0)
    turned = results.assign(incumbent=-results["incumbent"], value=-results["value"])
    regret = replace(plan, regret=1.0)
    lower = Summary(regret, results).frame
    higher = Summary(replace(regret, objective=objective), turned).frame
    for column in ("mean", "median"):
        assert higher[column].tolist() == (-lower[column]).tolist()
    unchanged = lower.columns.difference(["mean", "median"])
    pd.testing.assert_frame_equal(higher[unchanged], lower[unchanged])
