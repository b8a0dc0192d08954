"""The sources of all random numbers of a run: the run's seed and a position."""

from __future__ import annotations

from typing import Final

import numpy as np

from ax_anasod.exceptions import OptionError
from ax_anasod.typing import Counts

# Streams are kept apart by the first word of their key, so that the architecture of trial
# 7 and the proposal of trial 7 never share random numbers.
_ARCHITECTURE: Final = 1
_PROPOSAL: Final = 2
_QUERY: Final = 3
_ACQUISITION: Final = 4
_RESTART: Final = 5
_NEIGHBOURS: Final = 6
_REPRESENTATIVE: Final = 7
_PACKAGE: Final = 8
_TRAINING: Final = 9
_NETWORK: Final = 10
_MEMBER: Final = 11
_MEMBER_NETWORK: Final = 12
_START: Final = 13
_SETTING: Final = 14


def check_seed(seed: object) -> int:
    """Returns the seed of a run.

    Raises:
        OptionError: The seed is no integer of at least 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"seed must be a whole number of at least 0, got {seed!r}")
    return int(seed)


def architecture_rng(seed: int, trial_index: int, counts: Counts) -> np.random.Generator:
    """The generator that draws the architecture of a trial from its encoding."""
    return _generator(seed, _ARCHITECTURE, trial_index, *counts.tolist())


def proposal_rng(seed: int, position: int) -> np.random.Generator:
    """The generator that a strategy uses to propose the trial at ``position``."""
    return _generator(seed, _PROPOSAL, position)


def setting_rng(seed: int, position: int) -> np.random.Generator:
    """The generator that draws what the trial at ``position`` has beside its architecture."""
    return _generator(seed, _SETTING, position)


def start_rng(seed: int) -> np.random.Generator:
    """The generator that chooses among equally good first trials."""
    return _generator(seed, _START)


def query_rng(seed: int, trial_index: int) -> np.random.Generator:
    """The generator that picks the training seed of a single-seed benchmark query."""
    return _generator(seed, _QUERY, trial_index)


def acquisition_seed(seed: int, observations: int) -> int:
    """The seed of the samples in a Monte Carlo acquisition function (torch wants a number)."""
    return int(_generator(seed, _ACQUISITION, observations).integers(2**31))


def restart_rng(seed: int, restart: int) -> np.random.Generator:
    """The generator that draws where a local search starts again."""
    return _generator(seed, _RESTART, restart)


def neighbour_rng(seed: int, trial_index: int) -> np.random.Generator:
    """The generator that orders the neighbours of a trial in a local search."""
    return _generator(seed, _NEIGHBOURS, trial_index)


def representative_rng(seed: int, restart: int, counts: Counts) -> np.random.Generator:
    """The generator that draws the architecture an encoding stands for in a local search."""
    return _generator(seed, _REPRESENTATIVE, restart, *counts.tolist())


def package_seed(seed: int, position: int, attempt: int = 0) -> int:
    """The seed of a third-party sampler that proposes the trial at ``position``."""
    return int(_generator(seed, _PACKAGE, position, attempt).integers(2**31))


def training_seed(seed: int, position: int) -> int:
    """The seed of the network that chooses the trials from ``position`` on."""
    return int(_generator(seed, _TRAINING, position).integers(2**31))


def network_seed(seed: int, trial_index: int) -> int:
    """The seed from which the network of a trial gets its weights, and is trained."""
    return int(_generator(seed, _NETWORK, trial_index).integers(2**31))


def member_rng(seed: int, trial_index: int, member: int) -> np.random.Generator:
    """The generator that draws another network from the encoding of a trial."""
    return _generator(seed, _MEMBER, trial_index, member)


def member_seed(seed: int, trial_index: int, member: int) -> int:
    """The seed of a network that is trained for good after the search."""
    return int(_generator(seed, _MEMBER_NETWORK, trial_index, member).integers(2**31))


def _generator(seed: int, *key: int) -> np.random.Generator:
    check_seed(seed)
    # NumPy's own way to derive independent streams from one seed.
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))
