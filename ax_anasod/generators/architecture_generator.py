"""The base of the generators that propose one architecture after another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from ax_anasod.cells.keys import LIMIT
from ax_anasod.core.history import History
from ax_anasod.core.seeding import setting_rng
from ax_anasod.generators.base import HistoryGenerator
from ax_anasod.generators.evaluations import Evaluations
from ax_anasod.generators.fixed import draw_with_fixed, list_with_fixed
from ax_anasod.generators.known_limits import draw_allowed
from ax_anasod.hyperparameters import draw_settings
from ax_anasod.typing import Codes, Indices, Settings

_DRAWS: Final = 64


class ArchitectureGenerator(HistoryGenerator):
    """Proposes architectures one by one, each with those before it pending.

    Several proposals at once are therefore the same as several in a row without a result
    in between. Where several codes are one architecture, the history holds representatives
    (:meth:`ax_anasod.cells.Cell.canonical`) only, and so do the proposals, unless fixed
    parameters name another form.

    Subclasses implement :meth:`next_code`.
    """

    space = "architecture"

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose ``n`` architectures, codes ``n x d``."""
        history = replace(history, rows=self.cell.canonical(history.rows))
        codes = np.empty((n, len(self.cell.code_sizes)), dtype=np.int64)
        for i in range(n):
            if i:
                history = _with_pending(history, self.cell.canonical(codes[i - 1 : i]))
            codes[i] = self.next_code(history, fixed)
        return codes

    def propose_jointly(
        self, n: int, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Propose ``n`` architectures and settings, codes ``n x d`` and ``n x h``."""
        history = replace(history, rows=self.cell.canonical(history.rows))
        codes = np.empty((n, len(self.cell.code_sizes)), dtype=np.int64)
        settings = np.empty((n, len(self.hyperparameters.columns)))
        for i in range(n):
            if i:
                own = self.cell.canonical(codes[i - 1 : i])
                history = _with_pending(history, own, settings[i - 1 : i])
            codes[i], settings[i] = self.next_pair(history, fixed, given)
        return codes, settings

    def next_pair(
        self, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Propose one architecture and setting, a code ``d`` and ``h``.

        Args:
            history: The run so far, its rows representatives.
            fixed: Column -> value that the code must have.
            given: Column -> number that the setting must have.
        """
        raise NotImplementedError(f"{type(self).__name__} searches cells only")

    def draw_pair(
        self, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Draw one architecture and setting uniformly, a code ``d`` and ``h``.

        Raises:
            OptionError: No architecture that keeps the limits on known quantities was found, or
                no setting that keeps the bounds.
        """
        rng = setting_rng(self.seed, history.position)
        (code,) = self.draw_allowed(1, history, self.rng(history), fixed)
        return code, draw_settings(self.hyperparameters, 1, rng, given)[0]

    @abstractmethod
    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose one architecture, a code ``d``.

        Args:
            history: The run so far, its rows representatives.
            fixed: Column -> value that the proposal must have.
        """

    def draw(self, n: int, rng: np.random.Generator, fixed: Mapping[int, int]) -> Codes:
        """Draw valid architectures uniformly, codes ``n x d``.

        Raises:
            ArchitectureError: No valid architecture with the fixed values was found.
        """
        return draw_with_fixed(self.cell, n, fixed, rng) if fixed else self.cell.sample(n, rng)

    def draw_allowed(
        self, n: int, history: History, rng: np.random.Generator, fixed: Mapping[int, int]
    ) -> Codes:
        """Draw uniformly among the valid architectures that keep the limits on known quantities.

        Raises:
            OptionError: No architecture keeps the limits; or, in a cell too large to list, fewer
                than ``n`` of a hundred thousand draws do.
        """
        draw = partial(self.draw, rng=rng, fixed=fixed)
        return draw_allowed(self.cell, n, history, draw, fixed, rng)[:n]

    def draw_one(self, rng: np.random.Generator, fixed: Mapping[int, int]) -> Codes:
        """Draw one valid architecture uniformly, a code ``d``.

        Raises:
            ArchitectureError: No valid architecture with the fixed values was found.
        """
        code: Codes = self.draw(1, rng, fixed)[0]
        return code

    def draw_new(
        self, seen: Evaluations, rng: np.random.Generator, fixed: Mapping[int, int]
    ) -> Codes:
        """Draw a valid architecture without a trial, a code ``d``; any if all have one.

        If a cell has more than 10^7 codes, only 64 draws are tried.

        Raises:
            ArchitectureError: No valid architecture with the fixed values was found.
        """
        codes = self.draw(_DRAWS, rng, fixed)
        if seen.look_up(codes).known.all() and self.cell.num_listed <= LIMIT:
            # The last few architectures of a small cell are rarely drawn.
            codes = list_with_fixed(self.cell, fixed) if fixed else self.cell.enumerate()
            codes = rng.permutation(codes)
        return seen.first_unknown(codes)

    def neighbours(self, code: Codes, fixed: Mapping[int, int]) -> Codes:
        """The neighbours of a code ``d`` that are valid with the fixed values, ``m x d``."""
        around = self.cell.neighbours(code)  # valid representatives
        return self.admissible(around, fixed) if fixed else around

    def admissible(self, codes: Codes, fixed: Mapping[int, int]) -> Codes:
        """The ``n x d`` codes that are valid after the fixed values are set, ``m x d``."""
        return self.admissible_of(codes, fixed)[0]

    def admissible_of(self, codes: Codes, fixed: Mapping[int, int]) -> tuple[Codes, Indices]:
        """The codes of :meth:`admissible`, and the row ``m`` of each of them in ``codes``."""
        if fixed:
            codes = codes.copy()
            codes[:, list(fixed)] = list(fixed.values())
        rows = np.flatnonzero(self.cell.is_valid(codes))
        codes = codes[rows]
        # Another form of the architecture need not have the fixed values.
        return (codes if fixed else self.cell.canonical(codes)), rows


def _with_pending(history: History, row: Codes, setting: Settings | None = None) -> History:
    """The history with one more row and setting, ``1 x d``, proposed and not yet a trial."""
    if setting is not None:
        history = replace(history, settings=np.concatenate([history.settings, setting]))
    return replace(
        history,
        rows=np.concatenate([history.rows, row]),
        values=np.concatenate([history.values, np.full((1, history.values.shape[1]), np.nan)]),
        trial_indices=np.append(history.trial_indices, -1),
        failed=np.append(history.failed, False),
        position=history.position + 1,
        limit_values=tuple(np.append(column, np.nan) for column in history.limit_values),
    )
