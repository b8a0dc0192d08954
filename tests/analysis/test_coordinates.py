from __future__ import annotations

import numpy as np
import pytest

from ax_anasod import best_trial
from ax_anasod._ax import experiment_of
from ax_anasod.analysis import FrontFacts, ObjectiveCoordinatesPlot
from ax_anasod.exceptions import OptionError

NAMES = ["error", "latency", "accuracy"]
VALUES = [
    dict(zip(NAMES, row, strict=True))
    for row in [(3.0, 1.0, 5.0), (4.0, 2.0, 4.0), (1.0, 9.0, 1.0), (2.0, 7.0, 9.0)]
]


@pytest.fixture(scope="module")
def client(run):
    limits = ["latency <= 8", "error <= 99", "accuracy >= 0"]
    return run([*VALUES, None], objectives=NAMES, maximize=["accuracy"], limits=limits)


def test_the_front_is_drawn_last_and_the_better_ends_are_below(client):
    card = ObjectiveCoordinatesPlot({"latency": "ms"}, FrontFacts(picked=3)).compute(
        experiment_of(client)
    )
    traces = {trace.name: trace for trace in card.get_figure().data}
    assert [*traces] == ["breaks a limit", "trial", "on the front", "picked"]
    # The lines have gaps after them; the better end of an axis is 0.
    heights = {name: trace.y[:3] for name, trace in traces.items()}
    assert all(trace.y[3] is None or np.isnan(trace.y[3]) for trace in traces.values())
    assert heights["picked"][2] < heights["on the front"][2] < heights["trial"][2]
    assert heights["on the front"][1] < heights["trial"][1] < heights["picked"][1]
    assert heights["breaks a limit"][0] < heights["picked"][0] < heights["trial"][0]
    assert card.get_figure().layout.xaxis.ticktext == ("error", "latency [ms]", "accuracy")
    assert "trial 3<br>error: 2<br>latency [ms]: 7<br>accuracy: 9" in traces["picked"].text
    assert "2 of 4 trials" in card.subtitle
    assert card.df["front"].tolist() == [True, False, False, True]


def test_what_is_never_negative_has_no_negative_end(run):
    values = [dict(zip(NAMES, row, strict=True)) for row in [(0.01, 1, 5), (4, 0.1, 4), (9, 3, -2)]]
    card = ObjectiveCoordinatesPlot().compute(
        experiment_of(run(values, objectives=NAMES, maximize=["accuracy"]))
    )
    ends = [float(note.text) for note in card.get_figure().layout.annotations]
    assert len(ends) == 6
    assert sum(end < 0 for end in ends) == 1


def test_two_objectives_are_shown_in_a_plane(run):
    two = run([{"error": 1.0, "latency": 2.0}], objectives=NAMES[:2])
    why = ObjectiveCoordinatesPlot().validate_applicable_state(experiment_of(two))
    assert why == "There are 2 objectives, which a plane shows."


def test_the_best_trial_and_the_picked_one(client, run):
    assert best_trial(client) == 3
    assert best_trial(client, "latency<=2") == 0
    assert best_trial(client, "accuracy=1") == 3
    assert best_trial(client, "error<=0.5") is None
    with pytest.raises(OptionError, match="picks no point"):
        best_trial(client, "elbow")
    # Where Ax has an AssertionError.
    assert best_trial(run([1.0])) == 0
    broken = run(VALUES[2:3], objectives=["error"], reported=NAMES[1:], limits=["latency <= 8"])
    assert best_trial(broken) is None
