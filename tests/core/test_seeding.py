"""Every random number follows from the seed and a position, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ax_anasod.core import seeding
from ax_anasod.exceptions import OptionError

COUNTS = np.array([3, 2, 1])
STREAMS: dict[str, Callable[[Any, int], float]] = {
    "architecture": lambda seed, i: seeding.architecture_rng(seed, i, COUNTS).random(),
    "proposal": lambda seed, i: seeding.proposal_rng(seed, i).random(),
    "query": lambda seed, i: seeding.query_rng(seed, i).random(),
    "acquisition": lambda seed, i: seeding.acquisition_seed(seed, i),
    "restart": lambda seed, i: seeding.restart_rng(seed, i).random(),
    "neighbours": lambda seed, i: seeding.neighbour_rng(seed, i).random(),
    "representative": lambda seed, i: seeding.representative_rng(seed, i, COUNTS).random(),
    "package": lambda seed, i: seeding.package_seed(seed, i),
}
stream = pytest.mark.parametrize("draw", STREAMS.values(), ids=STREAMS.keys())


@stream
def test_the_same_seed_and_position_give_the_same_numbers(
    draw: Callable[[Any, int], float],
) -> None:
    assert draw(5, 3) == draw(5, 3) == draw(np.int64(5), 3)


@stream
def test_another_seed_or_position_gives_others(draw: Callable[[Any, int], float]) -> None:
    drawn = {draw(seed, position) for seed in range(20) for position in range(20)}

    assert len(drawn) == 400


@stream
@pytest.mark.parametrize("seed", [-1, 1.5, "3", None, True, np.float64(2)])
def test_what_is_no_seed_is_refused(draw: Callable[[Any, int], float], seed: object) -> None:
    with pytest.raises(OptionError, match="seed must be a whole number of at least 0, got"):
        draw(seed, 0)


def test_streams_are_independent() -> None:
    names = ("architecture", "proposal", "query", "restart", "neighbours", "representative")

    assert len({STREAMS[name](0, 0) for name in names}) == len(names)


def test_large_seeds_are_told_apart() -> None:
    draws = [seeding.proposal_rng(seed, 0).random() for seed in (2**32, 2**64, 2**64 + 1)]

    assert len(set(draws)) == 3


@stream
def test_global_generators_do_not_matter(
    draw: Callable[[Any, int], float], disturb: Callable[[int], None]
) -> None:
    disturb(0)
    first = draw(1, 1)
    disturb(99)

    assert draw(1, 1) == first


def test_architectures_also_depend_on_the_counts() -> None:
    other = seeding.architecture_rng(0, 0, np.array([2, 3, 1])).random()

    assert other != seeding.architecture_rng(0, 0, COUNTS).random()


def test_attempts_and_encodings_are_told_apart() -> None:
    assert len({seeding.package_seed(0, 5, attempt) for attempt in range(20)}) == 20
    assert (
        seeding.representative_rng(0, 1, np.array([1, 2])).random()
        != seeding.representative_rng(0, 1, np.array([2, 1])).random()
    )
