from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread

from ax_anasod.compare import Contender, Plan
from ax_anasod.compare.comparison_folder import ComparisonFolder, read_runs
from ax_anasod.compare.comparison_pictures import draw_queries, draw_seconds, write_pictures
from ax_anasod.compare.run_results import results_frame
from ax_anasod.exceptions import OptionError, RunError

CONTENDERS = [Contender("random", {}, 5), Contender("anasod-random", {}, 5)]


@pytest.fixture
def compared(fill: Callable[..., ComparisonFolder], tmp_path: Path) -> tuple[Plan, pd.DataFrame]:
    folder = fill(tmp_path / "runs", CONTENDERS, 2)
    return folder.plan, results_frame(folder.plan, read_runs(folder.path, folder.plan))


def test_a_picture_of_each_view(compared: tuple[Plan, pd.DataFrame], tmp_path: Path) -> None:
    paths = write_pictures(*compared, tmp_path)
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
    paths = write_pictures(plan, results, tmp_path)
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
    paths = write_pictures(plan, results.assign(cost_seconds=float("nan")), tmp_path)
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
        write_pictures(*compared, tmp_path / "file")
