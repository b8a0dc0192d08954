from __future__ import annotations

import numpy as np
from ax.core.analysis_card import NotApplicableStateAnalysisCard

from ax_anasod._ax import experiment_of
from ax_anasod.analysis import OperationDistributionPlot
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.cells import Cell


def card_of(client):
    (card,) = client.compute_analyses([OperationDistributionPlot()], display=False)
    return card


def test_bars_of_a_real_search_add_up(cora_client, cora):
    card = card_of(cora_client)
    traces = {trace.name: trace for trace in card.get_figure().data}
    bars = [traces[operation] for operation in cora.cell.operations]
    np.testing.assert_allclose(sum(np.array(bar.y) for bar in bars), 1)
    best = SearchSeries.from_experiment(experiment_of(cora_client)).best()
    assert traces["best valid_error"].x == (best,)
    assert traces["failed or abandoned"].x == (4,)
    assert card.get_figure().layout.barmode == "stack"


def test_the_best_is_that_of_the_first_objective(run):
    values = [{"error": 1.0, "latency": 9.0}, {"error": 2.0, "latency": 1.0}]
    card = card_of(run(values, objectives=["error", "latency"]))
    assert "Best error: " in card.subtitle
    assert card.subtitle.endswith("in trial 0.")


def test_shares_of_the_architectures_proposed(search_cora):
    client = search_cora(3, strategy="random")
    shares = card_of(client).df.filter(like="share_")
    series = SearchSeries.from_experiment(experiment_of(client))
    np.testing.assert_allclose(shares, series.counts / 4)


def test_failed_trials_alone_have_distributions_but_no_best(run):
    card = card_of(run([None, None]))
    names = [trace.name for trace in card.get_figure().data]
    assert names == ["conv", "pool", "skip", "failed or abandoned"]
    assert "Best" not in card.subtitle


def test_operations_of_users_are_no_markup(run):
    cell = Cell("markup", operations=["<i>a</i>", "b&c"], num_blocks=3)
    card = card_of(run([1.0], cell=cell))
    assert [trace.name for trace in card.get_figure().data][:2] == [
        "&lt;i&gt;a&lt;/i&gt;",
        "b&amp;c",
    ]


def test_no_trials(run):
    card = card_of(run([]))
    assert isinstance(card, NotApplicableStateAnalysisCard)
    assert card.blob == "There are no trials yet."
