"""Features of architectures on one scale, and the best by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.exceptions import OptionError
from ax_anasod.generators.known_features import KnownFeatures, best_architectures
from ax_anasod.metrics.known_quantities import KnownFunction
from ax_anasod.surrogates.paths import effective_paths
from ax_anasod.typing import Codes, Values

CELL = Cell("plain", ["conv", "pool", "skip"], num_blocks=4)
ALL = CELL.enumerate()


def size(codes: Codes) -> Values:
    return np.asarray((codes == 0) @ np.array([4.0, 3.0, 2.0, 1.0]))


def rows(codes: Codes) -> Values:
    return np.stack([size(codes), np.full(len(codes), 7.0), -2.0 * size(codes)], axis=1)


def test_standardised_over_all_cells() -> None:
    one, several = KnownFeatures(CELL, [KnownFunction("a", size), KnownFunction("b", rows)])(ALL)
    assert one.shape == (81, 1)
    assert one.mean() == pytest.approx(0.0)
    assert one.std() == pytest.approx(1.0)
    # Columns that vary share the weight of one feature; the constant one says nothing.
    np.testing.assert_allclose(several, np.concatenate([one, 0 * one, -one], axis=1) / 2**0.5)


def test_a_few_dead_architectures_leave_the_others_their_differences() -> None:
    def with_dead(codes: Codes) -> Values:
        return np.where((codes == 2).all(axis=1), -1e6, size(codes))

    (values,) = KnownFeatures(CELL, [KnownFunction("score", with_dead)])(ALL)
    alive = values[:-1, 0]
    assert np.ptp(alive) > 3
    assert values[-1, 0] < alive.min() - 1
    assert np.corrcoef(alive, size(ALL[:-1]))[0, 1] == pytest.approx(1.0)


def test_computed_once_of_a_cell_that_is_listed() -> None:
    asked: list[int] = []

    def counted(codes: Codes) -> Values:
        asked.append(len(codes))
        return size(codes)

    metric = KnownFunction("size", counted)
    for _ in range(3):
        (values,) = KnownFeatures(CELL, [metric])(ALL[5:9])
    assert asked == [81]
    np.testing.assert_allclose(values[:, 0], ((size(ALL) - 5 / 1.5) / size(ALL).std())[5:9])


def test_a_cell_too_large_to_list_and_one_that_lacks_an_architecture() -> None:
    darts = cells.get("darts")
    (values,) = KnownFeatures(darts, [KnownFunction("first", lambda c: c[:, 0] + 0.0)])(
        darts.sample(500, np.random.default_rng(1))
    )
    assert abs(values.mean()) < 0.2
    some = RestrictedCell(CELL, ALL[::2])
    (values,) = KnownFeatures(some, [KnownFunction("size", size)])(ALL[:3])
    expected = (size(ALL) - size(ALL[::2]).mean()) / size(ALL[::2]).std()
    np.testing.assert_allclose(values[:, 0], expected[:3])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda c: np.where(np.arange(len(c)) == 3, np.nan, 1.0 * c[:, 0]), "not finite for 1 of"),
        (lambda c: np.zeros(len(c) + 1), "one value, or one row of values, for each of 81"),
        (lambda c: np.zeros((len(c), 2, 2)), "got shape (81, 2, 2)"),
        (lambda c: np.full(len(c), 0.1), "the same value for all architectures"),
    ],
)
def test_what_is_no_feature(function: Callable[[Codes], Values], message: str) -> None:
    with pytest.raises(OptionError) as error:
        KnownFeatures(CELL, [KnownFunction("score", function)])
    assert "the feature 'score'" in str(error.value)
    assert message in str(error.value)


def test_the_best_are_of_different_functions() -> None:
    cell = cells.get("nas-bench-201")
    metric = KnownFunction("convs", lambda c: (c == 3).sum(axis=1) + 0.5 * (c == 2).sum(axis=1))
    best = best_architectures(cell, metric, 5, np.random.default_rng(0))
    values = metric.values(best)
    assert values.tolist() == sorted(values, reverse=True)
    assert values[0] == 6.0
    bags = [sorted(map(tuple, paths.tolist())) for paths in effective_paths(cell, best)]
    assert all(a != b for i, a in enumerate(bags) for b in bags[:i])
    # Without any path an architecture computes what all others without one do.
    empty = best_architectures(cell, metric, 99, np.random.default_rng(0), smallest=True)
    assert sum(not effective_paths(cell, code[None]).any() for code in empty) == 1


def test_equal_values_are_in_the_order_of_the_seed() -> None:
    metric = KnownFunction("conv first", lambda c: 1.0 * (c[:, 0] == 0))
    firsts = {
        best_architectures(CELL, metric, 1, np.random.default_rng(seed))[0].tobytes()
        for seed in range(8)
    }
    assert len(firsts) > 3
    assert all(
        code[0] != 0
        for code in best_architectures(CELL, metric, 9, np.random.default_rng(0), smallest=True)
    )


def test_a_feature_of_several_columns_has_no_best() -> None:
    with pytest.raises(OptionError, match="3 columns, by which nothing is best"):
        best_architectures(CELL, KnownFunction("rows", rows), 5, np.random.default_rng(0))
