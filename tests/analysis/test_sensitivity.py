from __future__ import annotations

import numpy as np
import pytest
from ax.core.analysis_card import NotApplicableStateAnalysisCard
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod._ax import experiment_of
from ax_anasod.analysis import BlockExchangePlot, DistributionSlicePlot
from ax_anasod.analysis.sensitivity import exchanges
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.simplex import neighbours

counts_lists = st.lists(st.integers(0, 4), min_size=2, max_size=6).filter(any)


def card_of(client, **settings):
    (card,) = client.compute_analyses([BlockExchangePlot(**settings)], display=False)
    return card


def test_each_cell_is_one_exchange(cora_client, cora):
    card = card_of(cora_client, unit="percent")
    (heatmap,) = card.get_figure().data
    series = SearchSeries.from_experiment(experiment_of(cora_client))
    best = series.counts[series.best()]
    losers = tuple(o for o, n in zip(cora.cell.operations, best, strict=True) if n)
    assert heatmap.y == cora.cell.operations
    assert heatmap.x == losers
    table = np.array(heatmap.z, dtype=float)
    for change, more, less in card.df[["change", "more", "less"]].itertuples(index=False):
        assert table[heatmap.y.index(more), heatmap.x.index(less)] == change
    assert np.isfinite(table).sum() == len(card.df)
    for i, loser in enumerate(losers):
        assert np.isnan(table[heatmap.y.index(loser), i])
    assert heatmap.colorbar.title.text == "change [percentage points]"
    assert "lower is better" in card.subtitle


@pytest.mark.parametrize("plot", [BlockExchangePlot, DistributionSlicePlot])
@pytest.mark.parametrize("log_targets", [True, False])
@pytest.mark.parametrize("strategy", ["anasod-bo", "two-level-bo"])
def test_zeros_that_the_surrogate_sees_as_something_else_are_named(
    run, plot, log_targets, strategy
):
    values = [4.0, 0.0, 2.0, 3.0, 5.0, 1.0]
    client = run(values, strategy=strategy, num_initial=5, log_targets=log_targets)
    (card,) = client.compute_analyses([plot()], display=False)
    assert ("values of 0 count as half of the smallest" in card.subtitle) == log_targets


def test_not_available_without_a_surrogate(run):
    card = card_of(run([1.0, 2.0]))
    assert isinstance(card, NotApplicableStateAnalysisCard)


@given(counts_lists)
def test_exchanges_are_the_neighbours_on_the_grid(counts):
    start = np.array(counts)
    encodings, operations = exchanges(start)
    assert sorted(encodings.tolist()) == sorted(neighbours(start).tolist())
    for encoding, (more, less) in zip(encodings, operations, strict=True):
        change = np.zeros(len(counts), dtype=int)
        change[more], change[less] = 1, -1
        assert (encoding - start == change).all()
