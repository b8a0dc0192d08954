"""Fronts and limits, as two-level-bo searches them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import History
from ax_anasod.core.known import KnownMetric
from ax_anasod.exceptions import OptionError
from ax_anasod.fronts import Front, pareto_front
from ax_anasod.generators import RandomArchitectureGenerator, TwoLevelGenerator
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.generators.trade_off_acquisition import TradeOff
from ax_anasod.objectives import Limit
from ax_anasod.surrogates import LevelFeatures, levels_of

Codes = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Quantity = Callable[[Codes], Values]

CELL = Cell("plain", ["conv", "pool", "skip"], num_blocks=5)
ALL = CELL.enumerate()
NONE = KnownFeatures(CELL, [])


def error(codes: Codes) -> Values:
    """Few convolutions are bad, and so is anything before the first of them."""
    convolutions = (codes == 0) @ np.array([1.0, 0.9, 0.8, 0.7, 0.6])
    return np.asarray(20.0 / (1.0 + convolutions) + 0.3 * (codes[:, 0] == 1))


def latency(codes: Codes) -> Values:
    return np.asarray(1.0 + CELL.encode(codes) @ np.array([2.0, 0.7, 0.1]))


class Latency(KnownMetric):
    def values(self, codes: Codes) -> Values:
        return latency(codes)


KNOWN = {"latency": Latency("latency")}


def run_of(
    codes: Codes,
    objectives: dict[str, Quantity],
    limits: dict[Limit, Quantity] | None = None,
    known: dict[str, Latency] | None = None,
    thresholds: tuple[float, ...] | None = None,
) -> History:
    n = len(codes)
    limits = limits or {}
    return History(
        rows=codes,
        values=np.stack([quantity(codes) for quantity in objectives.values()], axis=1),
        trial_indices=np.arange(n),
        failed=np.zeros(n, dtype=np.bool_),
        position=n,
        objectives=tuple((name, 1.0) for name in objectives),
        thresholds=thresholds or (np.inf,) * len(objectives),
        limits=tuple(limits),
        limit_values=tuple(quantity(codes) for quantity in limits.values()),
        known=known or {},
    )


def search(trials: int, seed: int = 0, **kinds: object) -> Codes:
    """The trials of a search that starts with six random ones."""
    generator = TwoLevelGenerator(CELL.to_dict(), seed)
    codes = CELL.sample(6, np.random.default_rng(seed))
    while len(codes) < trials:
        history = run_of(codes, **kinds)  # type: ignore[arg-type]
        codes = np.concatenate([codes, generator.propose(1, history, {})])
    return codes


FRONT: dict[str, Quantity] = {"error": error, "latency": latency}


@pytest.mark.parametrize("known", [{}, KNOWN], ids=["modelled", "known"])
def test_finds_more_of_a_front_than_random_draws(known: dict[str, Latency]) -> None:
    reference = np.array([21.0, 12.0])
    truth = np.stack([error(ALL), latency(ALL)], axis=1)
    best = Front(truth, reference).volume

    def share(codes: Codes) -> float:
        points = np.stack([error(codes), latency(codes)], axis=1)
        return Front(points, reference).volume / best

    found = [share(search(24, seed, objectives=FRONT, known=known)) for seed in range(2)]
    drawn = [share(CELL.sample(24, np.random.default_rng(seed))) for seed in range(20)]
    assert min(found) > 0.95
    assert np.mean(found) > np.quantile(drawn, 0.9)


@pytest.mark.parametrize("known", [{}, KNOWN], ids=["modelled", "known"])
def test_finds_the_best_that_keeps_a_limit(known: dict[str, Latency]) -> None:
    kinds = {"objectives": {"error": error}, "limits": {Limit("latency", 1.0, 5.0): latency}}
    codes = search(30, known=known, **kinds)
    kept = latency(codes) <= 5.0
    assert error(codes)[kept].min() == error(ALL)[latency(ALL) <= 5.0].min()
    if known:
        assert kept[6:].all()
    else:
        assert kept[12:].mean() > 0.5


def test_a_threshold_on_a_known_objective_is_a_limit() -> None:
    codes = search(16, objectives=FRONT, known=KNOWN, thresholds=(np.inf, 6.0))
    assert (latency(codes[6:]) <= 6.0).all()


def test_before_anything_keeps_the_limits_their_probability_counts() -> None:
    slow = ALL[latency(ALL) > 7.0][::3]
    history = run_of(slow, {"error": error}, {Limit("latency", 1.0, 3.0): latency})
    acquisition = TradeOff(
        CELL, list(levels_of(CELL).values()), history, log_targets=True, known=NONE
    )
    values = acquisition(LevelFeatures(CELL, ALL))
    assert (values <= 0.0).all()  # logarithms of probabilities
    assert latency(ALL[values.argmax()][None])[0] < 4.0


def test_values_are_those_of_the_expected_growth() -> None:
    """The best of a certain objective and a modelled one, recomputed for each cell."""
    codes = CELL.sample(12, np.random.default_rng(3))
    history = run_of(codes, FRONT, known=KNOWN)
    acquisition = TradeOff(
        CELL, list(levels_of(CELL).values()), history, log_targets=True, known=NONE
    )
    values = acquisition(LevelFeatures(CELL, ALL))
    points = np.stack([error(codes), latency(codes)], axis=1)
    beaten = (pareto_front(points)[:, 1] <= latency(ALL)[:, None]) & (
        pareto_front(points)[:, 0] <= 20.0 / (1 + 4.0)
    )
    # No error can make up for what is no faster than the best possible error of the front.
    assert (values[beaten.any(axis=1)] < -20).all()
    assert np.isfinite(values).all()


def test_pending_trials_are_believed() -> None:
    codes = CELL.sample(10, np.random.default_rng(1))
    history = run_of(codes, FRONT)
    generator = TwoLevelGenerator(CELL.to_dict(), 0)
    together = generator.propose(3, history, {})
    assert len(np.unique(CELL.keys(together))) == 3
    (first,) = generator.propose(1, history, {})
    np.testing.assert_array_equal(first, together[0])


def test_a_failed_trial_is_on_no_front_and_worst_of_all() -> None:
    codes = CELL.sample(8, np.random.default_rng(2))
    history = run_of(codes, FRONT)
    values = history.values.copy()
    values[3] = np.nan
    history = replace(history, values=values, failed=np.arange(8) == 3)
    acquisition = TradeOff(
        CELL, list(levels_of(CELL).values()), history, log_targets=True, known=NONE
    )
    assert acquisition.believed[3] == acquisition.believed.max()


def test_a_trial_that_failed_since_it_breaks_a_limit_teaches_its_model_and_no_other() -> None:
    codes = CELL.sample(12, np.random.default_rng(4))
    limit = Limit("latency", 1.0, 5.0)
    told = run_of(codes, {"error": error}, {limit: latency})
    slow = latency(codes) > 5.0
    assert slow.any()
    assert not slow.all()
    values = told.values.copy()
    values[slow] = np.nan
    broken = replace(told, values=values, failed=slow)
    assert np.isnan(broken.imputed()[1][slow]).all()
    assert not broken.observed[slow].any()
    features, levels = LevelFeatures(CELL, ALL), list(levels_of(CELL).values())
    both = [TradeOff(CELL, levels, history, True, NONE) for history in (told, broken)]
    # The latencies are the same, and so is what is believed of them.
    told_limit, broken_limit = (one.beliefs(features)[1] for one in both)
    np.testing.assert_allclose(told_limit.mean, broken_limit.mean)
    # Of the errors, those that were not measured are believed to be what the others say.
    left = replace(
        told,
        rows=codes[~slow],
        values=told.values[~slow],
        failed=slow[~slow],
        trial_indices=told.trial_indices[~slow],
        limit_values=(latency(codes)[~slow],),
    )
    alone = TradeOff(CELL, levels, left, True, NONE)
    np.testing.assert_allclose(
        both[1].beliefs(features)[0].mean, alone.beliefs(features)[0].mean, atol=1e-6
    )
    assert (both[1].believed[slow] >= len(codes)).all()


def test_everything_that_is_allowed_is_tried_before_a_repeat() -> None:
    limits = {Limit("latency", 1.0, 1.9): latency}
    allowed = np.count_nonzero(latency(ALL) <= 1.9)
    codes = search(6 + allowed + 2, objectives={"error": error}, limits=limits, known=KNOWN)
    assert (latency(codes[6:]) <= 1.9).all()
    assert len(np.unique(CELL.keys(codes[latency(codes) <= 1.9]))) == allowed


class TestImpossibleLimits:
    history = run_of(
        CELL.sample(6, np.random.default_rng(0)),
        {"error": error},
        {Limit("latency", 1.0, 1.2): latency},
        KNOWN,
    )

    def test_the_model_says_what_is_possible(self) -> None:
        generator = TwoLevelGenerator(CELL.to_dict(), 0)
        with pytest.raises(OptionError, match=r"latency <= 1\.2.*latency = 1\.5"):
            generator.propose(1, self.history, {})

    def test_draws_do_too(self) -> None:
        generator = RandomArchitectureGenerator(CELL.to_dict(), 0, scope="limits")
        with pytest.raises(OptionError):
            generator.propose(1, self.history, {})


def test_draws_before_the_model_keep_known_limits() -> None:
    history = run_of(ALL[:0], {"error": error}, {Limit("latency", 1.0, 3.0): latency}, KNOWN)
    drawn = RandomArchitectureGenerator(CELL.to_dict(), 0, scope="limits").propose(20, history, {})
    assert (latency(drawn) <= 3.0).all()
    assert len(np.unique(CELL.keys(drawn))) > 3


@pytest.mark.parametrize("fixed", [{}, {0: 2}])
def test_an_architecture_that_draws_would_miss_is_found_where_the_cell_can_be_listed(
    fixed: dict[int, int],
) -> None:
    # One of 59,049, of which so many draws miss more than a third.
    cell = Cell("long", ["conv", "pool", "skip"], num_blocks=10)
    rare = np.array([2, 0, 1, 2, 2, 0, 1, 1, 0, 2])

    class Distance(KnownMetric):
        def values(self, codes: Codes) -> Values:
            return np.asarray((codes != rare).sum(axis=1), dtype=np.float64)

    history = History(
        rows=cell.sample(2, np.random.default_rng(0))[:0],
        values=np.empty((0, 1)),
        trial_indices=np.arange(0),
        failed=np.zeros(0, dtype=np.bool_),
        position=0,
        objectives=(("error", 1.0),),
        thresholds=(np.inf,),
        limits=(Limit("distance", 1.0, 0.0),),
        limit_values=(np.empty(0),),
        known={"distance": Distance("distance")},
    )
    for seed in range(3):
        for kind in (RandomArchitectureGenerator, TwoLevelGenerator):
            (code,) = kind(cell.to_dict(), seed).propose(1, history, fixed)
            assert code.tolist() == rare.tolist()


def test_cells_too_large_to_list_are_searched_under_limits() -> None:
    cell = cells.get("darts")

    class Convolutions(KnownMetric):
        def values(self, codes: Codes) -> Values:
            return np.asarray(cell.encode(codes)[:, -1], dtype=np.float64)

    codes = cell.sample(12, np.random.default_rng(0))
    size = Convolutions("size").values(codes)
    history = History(
        rows=codes,
        values=np.stack([1.0 + cell.encode(codes)[:, 0], 1.0 + cell.encode(codes)[:, 1]], axis=1),
        trial_indices=np.arange(12),
        failed=np.zeros(12, dtype=np.bool_),
        position=12,
        objectives=(("a", 1.0), ("b", 1.0)),
        thresholds=(np.inf, np.inf),
        limits=(Limit("size", 1.0, 0.0),),
        limit_values=(size,),
        known={"size": Convolutions("size")},
    )
    rows = TwoLevelGenerator(cell.to_dict(), 0).propose(2, history, {})
    assert cell.is_valid(rows).all()
    assert (cell.encode(rows)[:, -1] == 0).all()
