"""The trials and values of a run, looked up by architecture instead of by trial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.core.history import History
from ax_anasod.typing import Codes, Indices, Mask, Values


@dataclass(frozen=True)
class TrialLookup:
    """The result of a look-up of ``m`` architectures.

    Args:
        known: Whether an architecture has a trial, ``m``.
        values: The first objective ``m``, infinite where there is no value: the trial
            failed, is pending, or does not exist.
        trials: The index of that trial ``m``; -1 where there is none.
    """

    known: Mask
    values: Values
    trials: Indices


class Evaluations:
    """The trials of a run by architecture.

    The best of several trials of one architecture counts, so that one that failed once is
    not lost.

    Args:
        cell: The cell.
        history: The run so far, its rows representatives.
    """

    def __init__(self, cell: Cell, history: History) -> None:
        self.cell = cell
        values = np.where(history.observed, history.values[:, 0], np.inf)
        order = np.argsort(values, kind="stable")
        self._keys, first = np.unique(cell.keys(history.rows)[order], return_index=True)
        self._values = values[order][first]
        self._trials = history.trial_indices[order][first]

    def look_up(self, codes: Codes) -> TrialLookup:
        """Find the trials of ``m x d`` codes, whose representatives are looked up."""
        wanted = self.cell.keys(self.cell.canonical(codes))
        if not len(self._keys):
            none = np.zeros(len(codes), dtype=bool)
            return TrialLookup(none, np.full(len(codes), np.inf), np.full(len(codes), -1))
        at = np.searchsorted(self._keys, wanted).clip(max=len(self._keys) - 1)
        known = np.asarray(self._keys[at] == wanted, dtype=bool)
        return TrialLookup(
            known=known,
            values=np.where(known, self._values[at], np.inf),
            trials=np.where(known, self._trials[at], -1),
        )

    def first_unknown(self, codes: Codes) -> Codes:
        """The first of ``m x d`` codes without a trial, or the first of all, ``d``."""
        return np.asarray(codes[int(self.look_up(codes).known.argmin())])
