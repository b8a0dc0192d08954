from __future__ import annotations

import pytest

from ax_anasod._ax import experiment_of
from ax_anasod.analysis import SearchSummary, TradeOffPlot, write_pictures
from ax_anasod.analysis.search_pictures import draw_trade_offs
from ax_anasod.analysis.series import SearchSeries

VALUES = [
    {"error": 3.0, "latency": 1.0},
    {"error": 1.0, "latency": 6.0},
    {"error": 4.0, "latency": 3.0},
    {"error": 2.0, "latency": 2.0},
    None,
]
NAMES = ["error", "latency"]


@pytest.fixture(scope="module")
def limited(run):
    return run(VALUES, objectives=NAMES, limits=["latency <= 5", "error <= 9"])


def card_of(client):
    (card,) = client.compute_analyses([TradeOffPlot(x_unit="ms")], display=False)
    return card


def traces_of(card):
    return {trace.name: trace for trace in card.get_figure().data}


def test_the_card_has_the_front_as_steps_and_what_breaks_a_limit_hollow(limited):
    card = card_of(limited)
    traces = traces_of(card)
    assert traces["on the front"].x == (1, 2)
    assert traces["trial"].x == (3,)
    assert (traces["breaks a limit"].x, traces["breaks a limit"].y) == ((6,), (1,))
    assert traces["breaks a limit"].marker.symbol == "circle-open"
    layout = card.get_figure().layout
    low, high = layout.xaxis.range[1], layout.yaxis.range[1]
    assert traces["front"].x == (1, 1, 2, low)
    assert traces["front"].y == (high, 3, 2, 2)
    assert layout.xaxis.title.text == "latency [ms]"
    assert {(shape.x0, shape.x1) for shape in layout.shapes} >= {(5, 5), (5, low)}
    assert "2 of 4 trials" in card.subtitle
    assert "what breaks a limit (1)" in card.subtitle


def test_architectures_are_on_hover(limited):
    points = traces_of(card_of(limited))["on the front"].customdata
    best = (
        SearchSummary().compute(experiment_of(limited)).df.set_index("trial_index")["architecture"]
    )
    assert [tuple(point) for point in points] == [
        (index, "completed", best[index]) for index in (0, 3)
    ]


def test_steps_of_what_is_maximised(run):
    values = [{"accuracy": a, "latency": t} for a, t in [(90.0, 3.0), (80.0, 1.0), (70.0, 2.0)]]
    client = run(values, objectives=["latency", "accuracy"], maximize=["accuracy"])
    card = card_of(client)
    front = traces_of(card)["front"]
    low, high = card.get_figure().layout.xaxis.range[0], card.get_figure().layout.yaxis.range[1]
    assert front.line.shape == "vh"
    assert front.x == (low, 80, 90, 90)
    assert front.y == (1, 1, 3, high)


def test_the_picture_shows_the_same(limited, tmp_path):
    paths = write_pictures(experiment_of(limited), tmp_path)
    assert [path.name for path in paths][2:] == ["pareto.png"]
    assert paths[2].read_bytes()[:4] == b"\x89PNG"
    series = SearchSeries.from_experiment(experiment_of(limited))
    (axes,) = draw_trade_offs(series, {"latency": "ms"}).axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "limit of latency: 5 ms",
        "limit of error: 9",
        "front",
        "breaks a limit (1)",
        "trial (1)",
        "on the front (2)",
    ]
    line = next(line for line in axes.get_lines() if line.get_label() == "front")
    assert line.get_drawstyle() == "steps-post"
    assert line.get_xdata()[:3].tolist() == [1, 1, 2]


def test_three_objectives_have_a_panel_for_each_pair(run):
    values = [{"error": 1.0, "latency": 2.0, "energy": 3.0}]
    series = SearchSeries.from_experiment(
        experiment_of(run(values, objectives=["error", "latency", "energy"]))
    )
    assert [axes.get_xlabel() for axes in draw_trade_offs(series, {}).axes] == [
        "latency",
        "energy",
        "energy",
    ]


def test_the_best_trials_of_all_cards_keep_the_limits(limited):
    series = SearchSeries.from_experiment(experiment_of(limited))
    assert series.feasible.tolist() == [True, False, True, True, False]
    assert series.best() == 3
    assert SearchSummary().compute(experiment_of(limited)).df["trial_index"].tolist() == [3, 0]


def test_without_two_objectives_or_values_it_says_why(run):
    why = TradeOffPlot().validate_applicable_state
    assert why(experiment_of(run([1.0]))) == "The only objective is error."
    nothing = experiment_of(run([None], objectives=NAMES))
    assert why(nothing) == "All trials so far (1) failed or were abandoned."
    broken = experiment_of(
        run(VALUES[:1], objectives=NAMES, limits=["latency <= 0.5", "error <= 9"])
    )
    assert why(broken) is None
    reason = SearchSummary().validate_applicable_state(broken)
    assert reason == "No trial so far (1) keeps the limits."
