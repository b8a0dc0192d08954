from __future__ import annotations

import pytest
from ax.core.analysis_card import NotApplicableStateAnalysisCard

from ax_anasod.analysis import LearningCurvesPlot, OperationCoordinatesPlot, TimeLinePlot
from ax_anasod.experiment import make_client


def card_of(client, analysis):
    (card,) = client.compute_analyses([analysis], display=False)
    return card


@pytest.fixture(scope="module")
def trained(small_cell):
    client = make_client(small_cell, "anasod-random", objectives="error")
    for curve in ([50.0, 20.0, 10.0], [60.0, 15.0, 8.0], [70.0, 65.0]):
        (index,) = client.get_next_trials(1)
        for epoch, value in enumerate(curve, 1):
            client.attach_data(index, {"error": value}, progression=epoch)
        if len(curve) == 3:
            client.complete_trial(index)
        else:
            client.mark_trial_early_stopped(index)
    return client


def test_the_curves_of_all_trials(trained):
    card = card_of(trained, LearningCurvesPlot(unit="percent"))
    curves = {trace.name: trace for trace in card.get_figure().data}
    assert {name: trace.y for name, trace in curves.items()} == {
        "trial 0": (50.0, 20.0, 10.0),
        "best: trial 1": (60.0, 15.0, 8.0),
        "trial 2": (70.0, 65.0),
    }
    assert card.get_figure().data[-1].name == "best: trial 1"
    assert curves["trial 2"].marker.symbol == ("circle", "x")
    assert "1 stopped early" in card.subtitle


def test_there_are_no_curves_of_single_values(run):
    card = card_of(run([1.0, 2.0]), LearningCurvesPlot())
    assert isinstance(card, NotApplicableStateAnalysisCard)
    assert card.blob == "No trial has told values on its way."


def test_the_time_line_has_a_line_for_each_trial(run):
    card = card_of(run([3.0, None, 2.0]), TimeLinePlot([10.0, 5.0, 20.0], unit="percent"))
    assert card.df["begin"].tolist() == [0.0, 10.0, 15.0]
    assert card.df["end"].tolist() == [10.0, 15.0, 35.0]
    assert card.df["incumbent"].tolist() == [3.0, 3.0, 2.0]
    assert "3 trials in 35 seconds of work" in card.subtitle
    trials, incumbent = card.get_figure().data
    assert trials.x == (0.0, 10.0, None, 15.0, 35.0, None)
    assert incumbent.y == (3.0, 3.0, 2.0)


def test_the_time_line_marks_trials_beyond_its_axis(run):
    card = card_of(run([6.0 + n / 10 for n in range(8)] + [90.0]), TimeLinePlot([2.0] * 9))
    *_, beyond = card.get_figure().data
    assert beyond.name == "beyond the axis (1)"
    assert beyond.x == (17.0,)
    assert beyond.y[0] == card.get_figure().layout.yaxis.range[1] < 90


@pytest.mark.parametrize("maximize", [[], ["error"]])
def test_the_lines_of_operations_end_at_the_objective(run, small_cell, maximize):
    client = run([4.0, 1.0, 3.0, 2.0, 5.0], maximize=maximize)
    card = card_of(client, OperationCoordinatesPlot(unit="percent"))
    frame = card.df
    best = frame.loc[frame["group"] == "best trial", "value"].tolist()
    assert best == [5.0 if maximize else 1.0]
    assert frame[[f"n({o})" for o in small_cell.operations]].sum(axis=1).tolist() == [4] * 5
    figure = card.get_figure()
    assert figure.layout.xaxis.ticktext == (*small_cell.operations, "error [%]")
    lines = {trace.name: trace for trace in figure.data}
    ends = {name: min(trace.y[3::5]) for name, trace in lines.items()}
    assert ends["best trial"] == min(ends.values())
