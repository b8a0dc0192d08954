"""Acquisition functions of pairs: their values, their slopes, and what is never proposed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ax_anasod.cells import Cell
from ax_anasod.core import History
from ax_anasod.fronts import pareto_front
from ax_anasod.generators.joint_acquisition import JointAcquisition, JointImprovement, JointTradeOff
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.hyperparameters import Choice, Hyperparameters, Range, draw_settings
from ax_anasod.metrics.known_quantities import known_metric
from ax_anasod.objectives import Limit
from ax_anasod.surrogates import levels_of
from ax_anasod.surrogates.joint_fit import Points

CELL = Cell("mine", operations=["conv", "pool", "skip"], num_blocks=5)
BESIDE = Hyperparameters(
    (
        Range("rate", 0.01, 1.0, log=True),
        Range("momentum", 0.0, 1.0),
        Choice("kind", ("a", "b"), ordered=False),
    )
)
LEVELS = [*levels_of(CELL).values()]
COST = known_metric("cost", CELL, {"conv": 2.0, "pool": 0.7, "skip": 0.1})
LIMIT = Limit("memory", 1.0, 6.0)


def history(
    objectives: tuple[str, ...], limits: tuple[Limit, ...] = (), known: tuple[str, ...] = ()
) -> History:
    """Thirty pairs, of which one has failed and two are pending."""
    n, rng = 30, np.random.default_rng(0)
    codes, settings = CELL.sample(n, rng), draw_settings(BESIDE, n, rng)
    units, counts = BESIDE.unit(settings), CELL.encode(codes)
    told = {
        "error": 5.0 + 4.0 * (units[:, 0] - 0.6) ** 2 + np.abs(counts[:, 0] - 3) + settings[:, 2],
        "latency": (1.0 + counts[:, 0]) * (1.0 + units[:, 1]),
        "memory": 2.0 + counts[:, 0] + 3.0 * units[:, 0],
        "cost": COST.values(codes),
    }
    gone = np.arange(n) >= n - 3
    values = {name: np.where(gone & (name != "cost"), np.nan, of) for name, of in told.items()}
    return History(
        rows=codes,
        values=np.stack([values[name] for name in objectives], axis=1),
        trial_indices=np.arange(n),
        failed=np.arange(n) == n - 3,
        position=n,
        objectives=tuple((name, 1.0) for name in objectives),
        thresholds=(np.inf,) * len(objectives),
        limits=limits,
        limit_values=tuple(values[limit.name] for limit in limits),
        known=dict.fromkeys(known, COST),
        settings=settings,
    )


def trade_off(run: History) -> JointTradeOff:
    features = KnownFeatures(CELL, [COST])
    return JointTradeOff(CELL, BESIDE, LEVELS, run, "both", features, log_targets=True)


def improvement() -> JointImprovement:
    run = history(("error",))
    rows = run.ended_then_pending
    targets = np.where(run.failed, np.nan, run.values[:, 0])[rows]
    targets = (targets - np.nanmean(targets)) / np.nanstd(targets)
    none = KnownFeatures(CELL, [])
    pairs = run.rows[rows], run.settings[rows]
    return JointImprovement(CELL, BESIDE, LEVELS, *pairs, "both", none, targets, 1.0)


ACQUISITIONS = {
    "one": improvement,
    "front": lambda: trade_off(history(("error", "latency"))),
    "limit": lambda: trade_off(history(("error",), (LIMIT,))),
    "front under a limit": lambda: trade_off(history(("error", "latency"), (LIMIT,))),
    "known objective": lambda: trade_off(history(("error", "cost"), known=("cost",))),
    "nothing feasible": lambda: trade_off(history(("error",), (replace(LIMIT, bound=1.5),))),
}


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_slopes_are_those_of_the_values(name: str) -> None:
    acquisition: JointAcquisition = ACQUISITIONS[name]()
    rng = np.random.default_rng(1)
    codes, settings = CELL.sample(200, rng), draw_settings(BESIDE, 200, rng)
    best = np.argsort(-acquisition(codes, settings))[:5]
    codes, settings = codes[best], settings[best]
    slope, points = acquisition.slope_of(codes), acquisition.points(settings)
    values, slopes = slope(points)
    np.testing.assert_allclose(values, acquisition(codes, settings), rtol=1e-6)
    step = 1e-5
    for column in range(2):
        moved = np.zeros(2)
        moved[column] = step
        ahead, behind = (
            slope(Points(points.places + s, points.categories))[0] for s in (moved, -moved)
        )
        np.testing.assert_allclose(
            slopes[:, column], (ahead - behind) / (2 * step), rtol=2e-3, atol=2e-3
        )
    moved = acquisition.ascended(codes, settings, {})
    assert (acquisition(codes, moved) >= acquisition(codes, settings) - 1e-6).all()
    assert acquisition(codes, moved).sum() > acquisition(codes, settings).sum()
    kept = acquisition.ascended(codes, settings, {0: 0.5})
    np.testing.assert_array_equal(kept[:, [0, 2]], settings[:, [0, 2]])


def test_what_breaks_a_known_limit_promises_nothing_at_all() -> None:
    limit = Limit("cost", 1.0, 4.0)
    acquisition = trade_off(history(("error",), (limit,), known=("cost",)))
    rng = np.random.default_rng(2)
    codes, settings = CELL.sample(60, rng), draw_settings(BESIDE, 60, rng)
    kept = COST.values(codes) <= 4.0
    assert 0 < kept.sum() < 60
    np.testing.assert_array_equal(acquisition(codes, settings) > -np.inf, kept)


def test_fronts_come_first_and_failed_trials_last() -> None:
    run = history(("error", "latency"))
    acquisition = trade_off(run)
    observed = np.flatnonzero(run.observed)
    front = pareto_front(run.values[observed])
    on_front = (run.values[observed][:, None] == front).all(axis=2).any(axis=1)
    ranks = acquisition.believed[: len(observed)]
    assert (ranks[on_front] == 0).all()
    failed = np.flatnonzero(run.failed[run.ended_then_pending])
    assert (acquisition.believed[failed] >= len(run.rows)).all()
