from __future__ import annotations

import pytest
from ax.analysis.plotly.plotly_analysis import PlotlyAnalysisCard
from ax.analysis.plotly.utils import BEST_LINE_SETTINGS
from ax.core.analysis_card import NotApplicableStateAnalysisCard

from ax_anasod.analysis import IncumbentPlot


def card_of(client, **settings):
    (card,) = client.compute_analyses([IncumbentPlot(**settings)], display=False)
    return card


def traces_of(card):
    return {trace.name: trace for trace in card.get_figure().data}


def test_card_of_a_real_search(cora_client, cora):
    card = card_of(cora_client, optimum=cora.optimum("valid_error"), unit="percent")
    assert isinstance(card, PlotlyAnalysisCard)
    traces = traces_of(card)
    assert {"incumbent", "trial (initial)", "trial (anasod-bo)", "best"} <= set(traces)
    assert traces["failed or abandoned (1)"].x == (4,)
    assert set(traces["optimum 18.07 %"].y) == {cora.optimum("valid_error")}
    assert traces["best"].y == (card.df["value"].min(),)
    assert card.get_figure().layout.yaxis.title.text == "valid_error [%]"
    assert " points above the optimum of 18.07 %" in card.subtitle


def test_the_incumbent_looks_like_ax_best_line(cora_client):
    line = traces_of(card_of(cora_client))["incumbent"].line
    assert line.to_plotly_json() == BEST_LINE_SETTINGS["line"]


def test_every_observed_trial_is_a_point(run):
    traces = traces_of(card_of(run([5.0, None, 3.0, 4.0])))
    points = traces["trial (anasod-random)"]
    assert points.x == (0, 2, 3)
    assert points.y == (5, 3, 4)
    # The line goes on to the edge of the plot.
    assert list(traces["incumbent"].y) == [5, 5, 3, 3, 3]


def test_values_far_out_are_marked_at_the_edge(run):
    card = card_of(run([6.0, 6.1, 5.9, 6.3, 6.2, 6.0, 5.8, 6.4, 90.0]))
    assert card.get_figure().layout.yaxis.range[1] < 90
    mark = traces_of(card)["beyond the axis (1)"]
    assert mark.x == (8,)
    assert mark.customdata[0][1] == 90


def test_one_trial(run):
    card = card_of(run([5.0]), optimum=5.0)
    assert "over 1 trial. Best: 5 in trial 0, 0 from the optimum of 5." in card.subtitle


def test_a_value_beyond_the_optimum_is_on_its_other_side(run):
    card = card_of(run([5.0, 9.0]), optimum=7.0)
    assert "Best: 5 in trial 0, 2 below the optimum of 7." in card.subtitle


def test_the_optimum_is_known_again_after_it_was_stored(run):
    stored, optimum = 3.0001280457, 3.0001280457340025
    card = card_of(run([5.0, stored]), optimum=optimum)
    assert "in trial 1, 0 from the optimum of 3" in card.subtitle
    card = card_of(run([5.0, stored + 1e-9]), optimum=optimum)
    assert "in trial 1, 9.66e-10 above the optimum of 3" in card.subtitle


def test_constant_values(run):
    card = card_of(run([5.0] * 9))
    low, high = card.get_figure().layout.yaxis.range
    assert low < 5 < high


def test_zero_on_a_logarithmic_axis(run):
    card = card_of(run([4.0, 0.0, 2.0]), log_scale=True)
    layout = card.get_figure().layout
    assert layout.yaxis.type == "log"
    assert traces_of(card)["best"].y == (1.0,)
    assert traces_of(card)["best"].customdata[0][1] == 0
    assert layout.yaxis.range[0] < 0 < layout.yaxis.range[1]
    assert "Values of 0 are drawn at half of the smallest positive one." in card.subtitle


def test_a_logarithmic_axis_with_negative_values_is_not_available(run):
    card = card_of(run([4.0, -1.0]), log_scale=True)
    assert isinstance(card, NotApplicableStateAnalysisCard)
    assert "a logarithmic axis needs values >= 0, got -1.0" in card.blob


def test_a_second_objective(run):
    values = [{"error": 1.0, "latency": 9.0}, {"error": 2.0, "latency": 8.0}]
    card = card_of(run(values, objectives=["error", "latency"]), objective="latency", unit="ms")
    assert card.title == "Incumbent: latency"
    assert "Best: 8 ms in trial 1" in card.subtitle


@pytest.mark.parametrize(
    ("values", "settings", "sentence"),
    [
        ([], {}, "There are no trials yet."),
        ([None, None], {}, "All trials so far (2) failed or were abandoned."),
        ([1.0], {"objective": "eror"}, "unknown objective 'eror' (did you mean 'error'?)."),
    ],
)
def test_why_there_is_no_card(run, values, settings, sentence):
    card = card_of(run(values), **settings)
    assert isinstance(card, NotApplicableStateAnalysisCard)
    assert card.blob == sentence


def test_running_trials_alone_are_no_card(run):
    client = run([])
    client.get_next_trials(1)
    assert card_of(client).blob == "No trial has a value of error yet."
