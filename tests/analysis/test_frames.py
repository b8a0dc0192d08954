from __future__ import annotations

import numpy as np
import pytest

from ax_anasod._ax import experiment_of
from ax_anasod.analysis.frames import distribution_frame, incumbent_frame, share_column
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.exceptions import UnknownNameError


def series_of(client):
    return SearchSeries.from_experiment(experiment_of(client))


def test_incumbent_frame(run):
    frame = incumbent_frame(series_of(run([5.0, None, 3.0, 4.0, 3.0])))
    assert frame["trial_index"].tolist() == [0, 1, 2, 3, 4]
    assert frame["failed"].tolist() == [False, True, False, False, False]
    np.testing.assert_array_equal(frame["value"], [5, np.nan, 3, 4, 3])
    assert frame["incumbent"].tolist() == [5, 5, 3, 3, 3]
    assert frame["improved"].tolist() == [True, False, True, False, False]
    assert frame["best"].tolist() == [False, False, True, False, False]


def test_incumbent_frame_of_the_second_objective(run):
    values = [{"error": 1.0, "latency": 9.0}, {"error": 2.0, "latency": 8.0}]
    series = series_of(run(values, objectives=["error", "latency"]))
    assert incumbent_frame(series, "latency")["incumbent"].tolist() == [9, 8]
    assert incumbent_frame(series)["incumbent"].tolist() == [1, 1]
    with pytest.raises(UnknownNameError):
        incumbent_frame(series, "latencyy")


def test_distribution_frame(run, small_cell):
    series = series_of(run([5.0, 3.0, None]))
    frame = distribution_frame(series)
    shares = frame[[share_column(operation) for operation in small_cell.operations]]
    np.testing.assert_allclose(shares, series.counts / 4)
    assert frame["best"].tolist() == [False, True, False]


@pytest.mark.parametrize("values", [[], [None, None]])
def test_frames_without_a_value(run, values):
    series = series_of(run(values))
    for frame in (incumbent_frame(series), distribution_frame(series)):
        assert len(frame) == len(values)
        assert not frame["best"].any()
