"""Random settings: uniform, around a setting, and one step away from others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ax_anasod.exceptions import OptionError
from ax_anasod.hyperparameters.kinds import Choice, Column
from ax_anasod.hyperparameters.rows import Hyperparameters
from ax_anasod.typing import FloatArray, Settings

_BATCH: Final = 1024
_BATCHES: Final = 200
# A mutant of a range is normal around its parent, as in SMAC's local search.
_STEP: Final = 0.2
_NEIGHBOURS: Final = 4


def draw_settings(
    hyperparameters: Hyperparameters,
    n: int,
    rng: np.random.Generator,
    fixed: Mapping[int, float] | None = None,
) -> Settings:
    """Draw settings uniformly: ranges on their scale, all values of a choice alike.

    Args:
        hyperparameters: The hyperparameters.
        n: The number of settings.
        rng: Source of randomness.
        fixed: Column -> number that all have.

    Returns:
        Settings ``n x h``, uniform among those that keep the bounds.

    Raises:
        OptionError: No setting that keeps the bounds was found in 200,000 draws.
    """

    def draw(number: int) -> Settings:
        places = rng.random((number, len(hyperparameters.columns)))
        settings = np.empty(places.shape)
        for i, column in enumerate(hyperparameters.columns):
            settings[:, i] = column.spread(places[:, i])
        return settings

    return _kept(hyperparameters, n, draw, fixed)


def draw_around(
    hyperparameters: Hyperparameters,
    n: int,
    setting: Settings,
    beta: float,
    rng: np.random.Generator,
    fixed: Mapping[int, float] | None = None,
) -> Settings:
    """Draw settings around one, as concentrated as biased encodings are (paper, Eq. 3).

    A range or ordered choice at the place u between 0 and 1 is drawn from
    ``Beta(1 + 2 beta u, 1 + 2 beta (1 - u))``, the Dirichlet distribution of Eq. 3 on
    (u, 1 - u); an unordered choice keeps its value with the share ``beta / (beta + 1)``, which
    is that of the mode in the mean of Eq. 3, and is drawn uniformly otherwise.

    Args:
        hyperparameters: The hyperparameters.
        n: The number of settings.
        setting: The setting ``h``.
        beta: The concentration; 0 is uniform.
        rng: Source of randomness.
        fixed: Column -> number that all have.

    Returns:
        Settings ``n x h``.

    Raises:
        OptionError: No setting that keeps the bounds was found in 200,000 draws.
    """
    units = hyperparameters.unit(setting[None])[0]

    def draw(number: int) -> Settings:
        drawn = np.empty((number, len(units)))
        for i, column in enumerate(hyperparameters.columns):
            if i in hyperparameters.unordered:
                others = column.spread(rng.random(number))
                drawn[:, i] = np.where(rng.random(number) < 1 / (1 + beta), others, units[i])
            else:
                places = rng.beta(1 + 2 * beta * units[i], 1 + 2 * beta * (1 - units[i]), number)
                drawn[:, i] = column.spread(places)
        return drawn

    return _kept(hyperparameters, n, draw, fixed)


def mutate_settings(
    hyperparameters: Hyperparameters,
    settings: Settings,
    rng: np.random.Generator,
    fixed: Mapping[int, float] | None = None,
    rate: float = 1.0,
) -> Settings:
    """Change each of the settings in about ``rate`` columns, but one at least.

    A range moves by a normal step of a fifth of its width, a whole number or ordered choice by
    one at least, an unordered choice to another value.

    Args:
        hyperparameters: The hyperparameters of the settings.
        settings: Settings ``n x h``.
        rng: Source of randomness.
        fixed: Column -> number that does not change.
        rate: Expected number of changes.

    Returns:
        Settings ``n x h``; they need not keep the bounds.
    """
    free = [i for i in range(settings.shape[1]) if i not in (fixed or {})]
    if not free or not len(settings):
        return settings
    changes = np.zeros(settings.shape, dtype=np.bool_)
    changes[:, free] = rng.random((len(settings), len(free))) < rate / len(free)
    none = ~changes.any(axis=1)
    changes[none, rng.choice(free, int(none.sum()))] = True
    mutants = settings.copy()
    for i in free:
        rows = changes[:, i]
        mutants[rows, i] = _moved(hyperparameters.columns[i], settings[rows, i], rng)
    return mutants


def _moved(column: Column, numbers: FloatArray, rng: np.random.Generator) -> FloatArray:
    if isinstance(column, Choice) and not column.ordered:
        steps = rng.integers(1, column.size, len(numbers))
        return (numbers + steps) % column.size
    places = column.unit(numbers) + rng.normal(scale=_STEP, size=len(numbers))
    # Reflected, so that bounds are not drawn more often than others.
    places = np.abs((places + 1) % 2 - 1)
    moved = column.nearest(places)
    if column.size is None:
        return moved
    first, last = column.nearest(np.array([0.0, 1.0]))
    stuck = moved == numbers
    moved[stuck] += np.where(rng.random(int(stuck.sum())) < 0.5, 1.0, -1.0)
    # At a bound there is one direction only.
    moved[moved > last], moved[moved < first] = last - 1, first + 1
    return moved


def _kept(
    hyperparameters: Hyperparameters,
    n: int,
    draw: Callable[[int], Settings],
    fixed: Mapping[int, float] | None,
) -> Settings:
    """Draw until there are ``n`` settings that keep the bounds."""

    def given(number: int) -> Settings:
        settings = draw(number)
        for column, value in (fixed or {}).items():
            settings[:, column] = value
        return settings

    if not hyperparameters.bounds:
        return given(n)
    found = np.empty((0, len(hyperparameters.columns)))
    for _ in range(_BATCHES):
        settings = given(_BATCH)
        found = np.concatenate([found, settings[hyperparameters.allowed(settings)]])
        if len(found) >= n:
            return found[:n]
    raise OptionError(
        f"no setting was found that keeps {' and '.join(map(str, hyperparameters.bounds))}",
        "widen the ranges or the constraints",
    )


def neighbouring_settings(
    hyperparameters: Hyperparameters,
    setting: Settings,
    rng: np.random.Generator,
    fixed: Mapping[int, float] | None = None,
) -> Settings:
    """Settings that differ from one in a single column.

    They have all other values of an unordered choice, or four steps of another column as in
    :func:`mutate_settings` (SMAC's neighbours: Hutter et al. 2011).

    Args:
        hyperparameters: The hyperparameters of the settings.
        setting: The setting ``h``.
        rng: Source of randomness.
        fixed: Column -> number that does not change.

    Returns:
        Settings ``m x h``; they need not keep the bounds.
    """
    found = [np.empty((0, len(setting)))]
    for i, column in enumerate(hyperparameters.columns):
        if i in (fixed or {}):
            continue
        if i in hyperparameters.unordered:
            numbers = np.delete(np.arange(float(column.size or 0)), int(setting[i]))
        else:
            numbers = _moved(column, np.full(_NEIGHBOURS, setting[i]), rng)
        others = np.tile(setting, (len(numbers), 1))
        others[:, i] = numbers
        found.append(others)
    return np.concatenate(found)
