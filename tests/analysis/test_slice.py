from __future__ import annotations

import numpy as np
import pytest
from ax.core.analysis_card import NotApplicableStateAnalysisCard
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod._ax import experiment_of
from ax_anasod.analysis import DistributionSlicePlot
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.analysis.slice import line
from ax_anasod.exceptions import OptionError

counts_lists = st.lists(st.integers(0, 4), min_size=2, max_size=6).filter(any)


def card_of(client, **settings):
    (card,) = client.compute_analyses([DistributionSlicePlot(**settings)], display=False)
    return card


def test_one_pair(cora_client, cora):
    series = SearchSeries.from_experiment(experiment_of(cora_client))
    best = series.counts[series.best()]
    more, less = (cora.cell.operations[i] for i in best.argsort()[::-1][:2])
    card = card_of(cora_client, more=more, less=less, unit="percent")
    figure = card.get_figure()
    traces = {trace.name: trace for trace in figure.data}
    shared = int(best[best.argsort()[::-1][:2]].sum())
    assert traces["predicted mean"].x == tuple(range(shared + 1))
    assert figure.layout.xaxis.ticktext == tuple(f"{i} / {shared - i}" for i in range(shared + 1))
    assert figure.layout.xaxis.title.text == f"blocks of {more} / blocks of {less}"
    assert figure.layout.yaxis.title.text == "valid_error [%]"
    band = traces["95% interval"]
    assert len(band.x) == 2 * (shared + 1)
    star, beside = traces["best trial"], traces["predicted of the best encoding"]
    assert star.x == beside.x == (best[cora.cell.operations.index(more)],)
    assert star.y == (series.values[series.best(), 0],)
    assert beside.y == tuple(card.df.loc[card.df["best"], "mean"])
    assert not figure.layout.updatemenus


def test_observed_trials_on_the_slice_are_crosses(run):
    # Trials of the same encoding, and one that differs in the third operation.
    client = run([3.0, 2.0, 4.0], "anasod-bo", num_initial=3)
    encodings = [(2, 1, 1), (1, 2, 1), (1, 2, 1), (2, 2, 0)]
    for value, counts in zip((0.5, 0.7, 0.6, 0.9), encodings, strict=True):
        parameters = dict(zip(("n_conv", "n_pool", "n_skip"), counts, strict=True))
        client.complete_trial(client.attach_trial(parameters), raw_data={"error": value})
    client.get_next_trials(1)
    card = card_of(client, more="conv", less="pool")
    (observed,) = [t for t in card.get_figure().data if t.name == "observed"]
    points = set(zip(observed.x, observed.y, strict=True))
    assert {(1, 0.7), (1, 0.6)} <= points
    assert (2, 0.9) not in points
    (star,) = [t for t in card.get_figure().data if t.name == "best trial"]
    assert (star.x, star.y) == ((2,), (0.5,))


def test_all_pairs_are_in_the_menu(cora_client):
    card = card_of(cora_client)
    figure = card.get_figure()
    (menu,) = figure.layout.updatemenus
    pairs = card.df.drop_duplicates(["more", "less"])
    assert [button.label for button in menu.buttons] == [
        f"{more} / {less}" for more, less in zip(pairs["more"], pairs["less"], strict=True)
    ]
    per_pair = len(figure.data) // len(menu.buttons)
    assert [trace.visible for trace in figure.data] == [True] * per_pair + [False] * (
        len(figure.data) - per_pair
    )
    second = menu.buttons[1].args[0]["visible"]
    assert [i // per_pair for i, shown in enumerate(second) if shown] == [1] * per_pair


@pytest.mark.parametrize(("more", "less"), [("gcn", None), (None, "gcn"), ("gcn", "gcn")])
def test_a_pair_is_two_operations(more, less):
    with pytest.raises(OptionError, match="a slice moves blocks between two operations"):
        DistributionSlicePlot(more=more, less=less)


def test_a_pair_without_blocks_is_not_available(cora_client, cora):
    series = SearchSeries.from_experiment(experiment_of(cora_client))
    counts = series.counts[series.best()]
    more, less = [o for o, n in zip(cora.cell.operations, counts, strict=True) if n == 0][:2]
    card = card_of(cora_client, more=more, less=less)
    assert isinstance(card, NotApplicableStateAnalysisCard)
    assert card.blob == f"The best encoding has no block of {more} or {less} to move."


def test_not_available_before_the_model(run):
    card = card_of(run([1.0, 2.0], "anasod-bo"))
    assert isinstance(card, NotApplicableStateAnalysisCard)
    assert "does not support predictions" in card.blob


@given(counts_lists, st.data())
def test_a_line_stays_on_the_simplex_and_passes_through_its_start(counts, data):
    start = np.array(counts)
    more, less = data.draw(
        st.permutations(range(len(counts))).map(lambda order: order[:2]), label="pair"
    )
    encodings = line(start, more, less)
    assert (encodings >= 0).all()
    assert (encodings.sum(axis=1) == start.sum()).all()
    assert (np.diff(encodings[:, more]) == 1).all()
    assert (np.diff(encodings[:, less]) == -1).all()
    assert encodings[start[more]].tolist() == counts
    others = [i for i in range(len(counts)) if i not in (more, less)]
    assert (encodings[:, others] == start[others]).all()
