from __future__ import annotations

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

from ax_anasod.compare import Contender, Plan, Summary
from ax_anasod.compare.effects import average_ranks, effects_frame, interquartile_band
from ax_anasod.compare.report_page import write_page

# The first one is the reference.
WORST, BEST, TWIN, OTHER = "random", "local-search", "anasod-random", "regularized-evolution"


@pytest.fixture
def summary_of(benchmark):
    """The summary of a comparison with one trial a run, from the values of each strategy."""

    def make(finals):
        plan = Plan.of(benchmark, [Contender(label, {}, 1) for label in finals], len(finals[WORST]))
        rows = [
            (label, seed, 0, value, value, 1.0, value + 1, 0.1)
            for label, values in finals.items()
            for seed, value in enumerate(values)
        ]
        names = "strategy seed trial value incumbent cost_seconds test seconds"
        return Summary(plan, pd.DataFrame(rows, columns=names.split()))

    return make


def test_the_middle_half_is_averaged():
    values = np.array([[1.0, 5.0], [2.0, 6.0], [4.0, 7.0], [1000.0, 8.0]])
    band = interquartile_band(values)
    assert band.centre.tolist() == [3.0, 6.5]
    assert (band.lower <= band.centre).all()
    assert (band.centre <= band.upper).all()


def test_a_band_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    runs = rng.normal(size=(30, 200))
    band = interquartile_band(runs)
    covered = ((band.lower <= 0) & (band.upper >= 0)).mean()
    assert 0.88 <= covered <= 0.99


def test_two_runs_have_no_band():
    band = interquartile_band(np.array([[1.0], [3.0]]))
    assert band.centre.tolist() == [2.0]
    assert np.isnan([band.lower, band.upper]).all()


@pytest.fixture
def finals():
    """Final values of nine runs of four strategies: one is always best, two are alike."""
    rng = np.random.default_rng(1)
    base = 10.0 + rng.normal(size=9)
    return {
        WORST: base + 3.0 + 0.1 * np.arange(9),
        BEST: base - 2.0,
        TWIN: base + 0.01 * np.where(np.arange(9) % 2, 1, -1),
        OTHER: base,
    }


def test_differences_have_the_sign_of_the_values(summary_of, finals):
    frame = effects_frame(summary_of(finals)).set_index("strategy")
    assert {*frame.index} == {BEST, TWIN, OTHER}
    assert frame.loc[BEST, "difference"] == pytest.approx(-5.4, abs=0.2)
    assert frame.loc[BEST, "lower"] <= frame.loc[BEST, "difference"]
    assert frame.loc[BEST, "difference"] <= frame.loc[BEST, "upper"] < 0
    # How often a run of one ends below one of the other, counted pair by pair.
    pairs = finals[OTHER][:, None] - finals[WORST][None, :]
    expected = ((pairs < 0) + 0.5 * (pairs == 0)).mean()
    assert frame.loc[OTHER, "better"] == pytest.approx(expected)


def test_only_strategies_that_do_not_differ_are_joined(summary_of, finals):
    ranked = average_ranks(summary_of(finals))
    assert ranked is not None
    assert ranked.ranks[BEST] == 1.0
    assert ranked.ranks[WORST] == 4.0
    assert [set(clique) for clique in ranked.cliques] == [{TWIN, OTHER}]
    assert ranked.p_value < 0.001
    assert ranked.seeds == 9


def test_few_seeds_join_everything_and_one_strategy_has_no_rank(summary_of, finals):
    few = {label: values[:3] for label, values in finals.items()}
    ranked = average_ranks(summary_of(few))
    assert ranked is not None
    assert [set(clique) for clique in ranked.cliques] == [set(finals)]
    assert average_ranks(summary_of({WORST: finals[WORST]})) is None


def test_the_page_says_who_is_ahead_and_whether_that_is_chance(summary_of, finals, tmp_path):
    write_page(summary_of(finals), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    (lead,) = re.findall(r"<h2>Result</h2><p>(.*?)</p>", page)
    assert lead.startswith(f"{BEST} is ahead: {finals[BEST].mean():.4g} % on average over 9 runs")
    assert html.unescape(lead).endswith("from random is more than chance (p = 0.012).")
    titles = re.findall(r"<section[^>]*>\s*<h2>(.*?)</h2>", page)
    assert titles == [
        "Result",
        "All strategies",
        "valid_error over the queries",
        "test over the queries",
        "Average ranks, and which strategies differ",
        "How much the strategies differ from random",
        "How to read the table",
    ]
    figures = re.findall(r"id=.data-(\d)'>(\{.*?)</script>", page)
    ranks = json.loads(figures[-1][1])
    assert ranks["data"][0]["x"] == [*average_ranks(summary_of(finals)).ranks.values()]
    # One bar, over the two that are alike.
    assert len(ranks["data"]) == 2


@pytest.mark.parametrize(("runs", "chance"), [(3, True), (9, False)])
def test_a_reference_that_is_ahead_may_be_so_by_chance(summary_of, finals, tmp_path, runs, chance):
    pair = {WORST: finals[BEST][:runs], OTHER: finals[OTHER][:runs]}
    write_page(summary_of(pair), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{WORST} is ahead" in page
    assert ("No other strategy differs from it by more than chance." in page) is chance


def test_a_page_without_a_finished_run(benchmark, tmp_path):
    plan = Plan.of(benchmark, [Contender(WORST, {}, 2), Contender(BEST, {}, 2)], 2)
    names = "strategy seed trial value incumbent cost_seconds test seconds"
    empty = pd.DataFrame({name: [] for name in names.split()})
    write_page(Summary(plan, empty), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No run has finished yet." in page
