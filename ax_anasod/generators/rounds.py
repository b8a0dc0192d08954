"""Rounds of trials that share one trained network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ax_anasod.core.history import History
from ax_anasod.core.seeding import training_seed
from ax_anasod.typing import AnyArray


@dataclass(frozen=True)
class Round:
    """The training data and the seed of the network of a round.

    Args:
        history: The trials before the round.
        seed: Seed of the training.
    """

    history: History
    seed: int


def current_round(history: History, seed: int, num_initial: int, length: int) -> Round:
    """The round that the next trial belongs to.

    Rounds of ``length`` trials start after the first ``num_initial``. All trials of a round
    are chosen by a network that was trained on the trials before it, with random numbers of
    the position at which it starts: so that training happens once a round, and a run that
    goes on after an interruption trains the same network again. Results of the round itself
    wait for the next one, unless nothing before it has a value. If a trial from before the
    round ends during it, the network is trained again with its value.

    Args:
        history: The run so far, with at least one value.
        seed: The seed of the run.
        num_initial: Trials before the first round.
        length: Trials of a round.
    """
    start = history.position - max(history.position - num_initial, 0) % length
    outside = history.position - len(history.rows)  # arms that are no rows
    before = _first(history, max(start - outside, 0))
    return Round(
        history=before if before.observed.any() else history, seed=training_seed(seed, start)
    )


def _first(history: History, n: int) -> History:
    """The first ``n`` rows of a history."""
    return replace(
        history,
        rows=history.rows[:n],
        values=history.values[:n],
        trial_indices=history.trial_indices[:n],
        failed=history.failed[:n],
        position=n,
        limit_values=tuple(column[:n] for column in history.limit_values),
        settings=history.settings[:n],
    )


class ByContent:
    """Arrays that are equal where their contents are, for the key of a cache.

    Args:
        arrays: The arrays.
    """

    def __init__(self, *arrays: AnyArray) -> None:
        self.arrays = arrays
        self._content = tuple((a.shape, a.dtype.str, a.tobytes()) for a in arrays)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByContent) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)
