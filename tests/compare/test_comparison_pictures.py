from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from ax_anasod.compare import Contender, Plan
from ax_anasod.compare.comparison_folder import ComparisonFolder, read_runs
from ax_anasod.compare.comparison_pictures import (
    draw_queries,
    draw_seconds,
    over_queries,
    over_seconds,
    write_comparison_pictures,
)
from ax_anasod.compare.run_results import results_frame
from ax_anasod.exceptions import OptionError, RunError

CONTENDERS = [Contender("random", {}, 5), Contender("anasod-random", {}, 5)]
NAN = float("nan")


@pytest.fixture
def compared(fill: Callable[..., ComparisonFolder], tmp_path: Path) -> tuple[Plan, pd.DataFrame]:
    folder = fill(tmp_path / "runs", CONTENDERS, 2)
    return folder.plan, results_frame(folder.plan, read_runs(folder.path, folder.plan))


def test_a_picture_of_each_view(compared: tuple[Plan, pd.DataFrame], tmp_path: Path) -> None:
    paths = write_comparison_pictures(*compared, tmp_path)
    assert [path.name for path in paths] == [
        "incumbent_queries.png",
        "incumbent_seconds.png",
        "incumbent_test.png",
    ]
    for path in paths:
        assert imread(path).shape[:2] == (780, 1350)


def test_columns_of_similar_names_have_pictures_of_their_own(
    compared: tuple[Plan, pd.DataFrame], tmp_path: Path
) -> None:
    plan, results = compared
    names = ["queries", "a b", "A_B", "x" * 250]
    (reported,) = plan.reported
    plan = replace(plan, reported=tuple(replace(reported, name=name) for name in names))
    results = results.assign(**dict.fromkeys(names, results["test"]))
    paths = write_comparison_pictures(plan, results, tmp_path)
    assert [path.name for path in paths] == [
        "incumbent_queries.png",
        "incumbent_seconds.png",
        "incumbent_queries_2.png",
        "incumbent_a_b.png",
        "incumbent_A_B_2.png",
        f"incumbent_{'x' * 100}.png",
    ]


def test_without_costs_there_is_no_picture_of_time(
    compared: tuple[Plan, pd.DataFrame], tmp_path: Path
) -> None:
    plan, results = compared
    paths = write_comparison_pictures(plan, results.assign(cost_seconds=float("nan")), tmp_path)
    assert "incumbent_seconds.png" not in [path.name for path in paths]


def test_lines_are_the_means_and_the_legend_says_their_ends(
    compared: tuple[Plan, pd.DataFrame],
) -> None:
    plan, results = compared
    axes = draw_queries(plan, results).axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "queries"
    assert axes.get_ylabel() == "lowest valid_error [%] so far"
    final = results[results["trial"] == 4].groupby("strategy")["incumbent"].mean()
    lines = {line.get_label(): line for line in axes.lines}
    for label in plan.labels:
        (line,) = [line for text, line in lines.items() if text.startswith(f"{label}  ")]
        assert line.get_ydata()[-1] == pytest.approx(final[label])
        assert line.get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert any(text.startswith("optimum") for text in lines)
    # From top to bottom as the lines end.
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    first = max(final.index, key=lambda label: final[label])
    assert texts[0].startswith(f"{first}  ")
    low, high = axes.get_ylim()
    assert low < plan.objective.optimum < high  # type: ignore[operator]


def test_what_is_maximised_is_drawn_upside_down(compared: tuple[Plan, pd.DataFrame]) -> None:
    plan, results = compared
    optimum = plan.objective.optimum
    assert optimum is not None
    turned = replace(plan, objective=replace(plan.objective, minimize=False, optimum=-optimum))
    lower = draw_queries(plan, results).axes[0]
    higher = draw_queries(turned, results.assign(incumbent=-results["incumbent"])).axes[0]
    assert higher.get_ylabel() == "highest valid_error [%] so far"
    low, high = lower.get_ylim()
    assert higher.get_ylim() == pytest.approx((-high, -low))


def test_reported_columns_are_drawn_as_such(compared: tuple[Plan, pd.DataFrame]) -> None:
    plan, results = compared
    axes = draw_queries(plan, results, "test").axes[0]
    assert axes.get_ylabel() == "test of the incumbent"
    with pytest.raises(OptionError, match="no column 'tset' to draw"):
        draw_queries(plan, results, "tset")


def test_many_contenders_look_different(compared: tuple[Plan, pd.DataFrame]) -> None:
    plan, results = compared
    labels = [f"contender {i}" for i in range(25)]
    many = replace(plan, contenders=tuple(Contender(label, {}, 5) for label in labels))
    one = results[results["strategy"] == "random"]
    frame = pd.concat([one.assign(strategy=label) for label in labels])
    lines = draw_seconds(many, frame).axes[0].lines
    looks = {(line.get_color(), line.get_linestyle()) for line in lines}
    assert len(looks) == 26


def test_nothing_to_draw_is_said(compared: tuple[Plan, pd.DataFrame]) -> None:
    plan, results = compared
    (text,) = draw_queries(plan, results[:3]).axes[0].texts
    assert text.get_text() == "no finished run"


def test_names_of_users_are_no_formulas(compared: tuple[Plan, pd.DataFrame]) -> None:
    plan, results = compared
    odd = replace(
        plan,
        benchmark_name="cost in $ and $x",
        objective=replace(plan.objective, name="_a$b$"),
        contenders=(Contender("_a$\\frac$", {}, 5),),
    )
    frame = results[results["strategy"] == "random"].assign(strategy="_a$\\frac$")
    figure = draw_queries(odd, frame)
    figure.canvas.draw()
    assert len(figure.axes[0].get_legend().get_texts()) == 2


def test_full_disks_are_said(compared: tuple[Plan, pd.DataFrame], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError):
        write_comparison_pictures(*compared, tmp_path / "file")


def frame(values: list[list[float]], costs: list[list[float]]) -> pd.DataFrame:
    rows = [
        ("a", seed, trial, value, cost)
        for seed, (run, paid) in enumerate(zip(values, costs, strict=True))
        for trial, (value, cost) in enumerate(zip(run, paid, strict=True))
    ]
    return pd.DataFrame(rows, columns=["strategy", "seed", "trial", "incumbent", "cost_seconds"])


def test_means_and_errors_over_queries() -> None:
    results = frame([[9, 7, 6], [9, 9, 8]], [[1, 1, 1]] * 2)
    band = over_queries(results, "a", "incumbent", 3)
    assert band is not None
    assert band.x.tolist() == [1, 2, 3]
    assert band.mean.tolist() == [9, 8, 7]
    np.testing.assert_allclose(band.error, [0, 1, 1])


def test_mean_begins_where_all_have_found_something() -> None:
    band = over_queries(frame([[NAN, 7], [9, 9]], [[1, 1]] * 2), "a", "incumbent", 2)
    assert band is not None
    assert (band.x.tolist(), band.mean.tolist()) == ([2], [8])


def test_single_run_has_no_band() -> None:
    band = over_queries(frame([[9, 7]], [[1, 1]]), "a", "incumbent", 2)
    assert band is not None
    assert band.error.tolist() == [0, 0]


def test_nothing_finished_gives_nothing() -> None:
    results = frame([[9, 7]], [[1, 1]])
    assert over_queries(results, "a", "incumbent", 3) is None
    assert over_queries(results, "b", "incumbent", 2) is None
    assert over_seconds(results, "a", 3) is None


def test_time_runs_from_the_last_first_value_to_the_last_end() -> None:
    # The first run has values at 10, 20 and 30 seconds, the second at 5, 45 and 85.
    band = over_seconds(frame([[9, 7, 6], [9, 5, 4]], [[10, 10, 10], [5, 40, 40]]), "a", 3)
    assert band is not None
    assert (band.x[0], band.x[-1]) == (10, 85)
    at = dict(zip(band.x.tolist(), band.mean.tolist(), strict=True))
    assert at[10] == 9
    # A run that has spent its budget keeps what it has, so that the ends agree.
    assert at[85] == over_queries_end()
    middle = band.mean[(band.x > 31) & (band.x < 44)]
    assert middle.tolist() == pytest.approx([7.5] * len(middle))
    assert len(middle) > 5


def over_queries_end() -> float:
    results = frame([[9, 7, 6], [9, 5, 4]], [[10, 10, 10], [5, 40, 40]])
    band = over_queries(results, "a", "incumbent", 3)
    assert band is not None
    return float(band.mean[-1])


def test_failed_queries_cost_nothing_that_is_known() -> None:
    band = over_seconds(frame([[NAN, 7, 6]], [[NAN, 10, 10]]), "a", 3)
    assert band is not None
    assert (band.x[0], band.x[-1], band.mean[0]) == (10, 20, 7)


def test_without_costs_there_is_no_time() -> None:
    assert over_seconds(frame([[9, 7]], [[NAN, NAN]]), "a", 2) is None
    # Nor where a run has found nothing, or time stands still.
    assert over_seconds(frame([[9, 7], [NAN, NAN]], [[1, 1], [1, 1]]), "a", 2) is None
    assert over_seconds(frame([[9, 7]], [[0, 0]]), "a", 2) is None
