"""The size of differences between strategies, beside the tests whether they are chance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from ax_anasod.compare.contender_summary import Summary
from ax_anasod.compare.significance import LEVEL, holm, signed_rank_p
from ax_anasod.typing import FloatArray

_QUARTER: Final = 0.25
_RESAMPLES: Final = 2000
_SEED: Final = 0
# Fewest runs for a bootstrap interval: two runs have too few distinct resamples.
_FEWEST: Final = 3


@dataclass(frozen=True)
class Band:
    """Interquartile means and where they may lie, ``m`` each; NaN bounds for fewer than 3 runs."""

    centre: FloatArray
    lower: FloatArray
    upper: FloatArray


def interquartile_band(values: FloatArray) -> Band:
    """The mean of the middle half of the runs, with a 95 % interval by the bootstrap.

    Less moved by single runs than the mean, and of less variance than the median.

    Source: Agarwal et al., "Deep reinforcement learning at the edge of the statistical
    precipice" (NeurIPS 2021); percentile bootstrap over the runs, 2,000 resamples.

    Args:
        values: ``runs x m`` without NaN, at least one run.

    Example:
        >>> band = interquartile_band(np.array([[1.0], [2.0], [3.0], [90.0]]))
        >>> band.centre.tolist()
        [2.5]
    """
    centre = np.asarray(stats.trim_mean(values, _QUARTER, axis=0))
    if len(values) < _FEWEST:
        unknown = np.full(values.shape[1], np.nan)
        return Band(centre, unknown, unknown)
    rng = np.random.default_rng(_SEED)
    # The same runs are drawn for all columns, as they are runs.
    drawn = rng.integers(len(values), size=(_RESAMPLES, len(values)))
    means = np.stack([stats.trim_mean(values[rows], _QUARTER, axis=0) for rows in drawn])
    lower, upper = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2], axis=0)
    return Band(centre, lower, upper)


def effects_frame(summary: Summary) -> pd.DataFrame:
    """The differences of the strategies from the reference.

    Returns:
        One row for each strategy with runs that can be compared: ``strategy``, ``runs`` (pairs),
        ``difference`` (interquartile mean of the differences of the final values, paired by seed;
        negative: lower than the reference), ``lower`` and ``upper`` (its 95 % interval),
        ``better`` (how probable it is that a run of the strategy ends better than one of the
        reference, ties counted half: Vargha & Delaney 2000) and ``p_holm``.
    """
    p_values = dict(zip(summary.frame["strategy"], summary.frame["p_holm"], strict=True))
    sign = summary.plan.objective.sign
    reference = summary.final(summary.reference).dropna().to_numpy()
    rows = []
    for label, differences in summary.differences.items():
        band = interquartile_band(differences.to_numpy()[:, None])
        own = summary.final(label).dropna().to_numpy()
        wins = stats.mannwhitneyu(-sign * own, -sign * reference).statistic
        rows.append(
            {
                "strategy": label,
                "runs": len(differences),
                "difference": float(band.centre[0]),
                "lower": float(band.lower[0]),
                "upper": float(band.upper[0]),
                "better": float(wins / (len(own) * len(reference))),
                "p_holm": float(p_values[label]),
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class AverageRanks:
    """The average ranks of strategies over the seeds that all of them have finished.

    Args:
        ranks: Strategy -> average rank (1 is the best), in this order.
        seeds: How many seeds there are.
        p_value: Of Friedman's test that all are alike; NaN for fewer than three strategies.
        cliques: The strategies of each set of neighbours, no two of which differ significantly
            (Wilcoxon's signed-rank test of each pair, Holm's correction for all pairs).
    """

    ranks: dict[str, float]
    seeds: int
    p_value: float
    cliques: list[list[str]]


def average_ranks(summary: Summary) -> AverageRanks | None:
    """The content of a critical-difference diagram.

    Source: Demšar 2006, "Statistical comparisons of classifiers over multiple data sets"; with
    pairwise tests in the place of Nemenyi's as Benavoli, Corani & Mangili 2016 advise.

    Returns:
        None where fewer than two strategies have two seeds in common.
    """
    sign = summary.plan.objective.sign
    labels = [label for label in summary.plan.labels if len(summary.final(label))]
    table = pd.DataFrame({label: sign * summary.final(label) for label in labels}).dropna()
    if len(labels) < 2 or len(table) < 2:
        return None
    average = table.rank(axis=1).mean().sort_values(kind="stable")
    ordered = [str(label) for label in average.index]
    pairs = [*combinations(ordered, 2)]
    p_values = holm([signed_rank_p(table[a] - table[b]) for a, b in pairs])
    alike = {pair for pair, p in zip(pairs, p_values, strict=True) if p > LEVEL}
    cliques: list[list[str]] = []
    for first in range(len(ordered)):
        last = first
        while last + 1 < len(ordered) and all(
            (name, ordered[last + 1]) in alike for name in ordered[first : last + 1]
        ):
            last += 1
        clique = ordered[first : last + 1]
        if len(clique) > 1 and not (cliques and set(clique) <= set(cliques[-1])):
            cliques.append(clique)
    # Where no seed has two different values, there is nothing to rank.
    varied = bool((table.nunique(axis=1) > 1).any())
    several = len(labels) > 2 and varied
    p_value = float(stats.friedmanchisquare(*table.to_numpy().T).pvalue) if several else np.nan
    return AverageRanks(
        dict(zip(ordered, average.tolist(), strict=True)), len(table), p_value, cliques
    )
