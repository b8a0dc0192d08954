from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ax_anasod.compare.mean_curves import over_queries, over_seconds

NAN = float("nan")


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
