"""The history of a run as a strategy sees it: its trials, in order, as arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ax_anasod.core.known import KnownMetric
from ax_anasod.objectives import Limit
from ax_anasod.typing import FloatArray, Indices, Mask, Positions, Settings, Values


@dataclass(frozen=True)
class History:
    """All trials of an experiment in the order of their indices, then those just proposed.

    Everything a generator needs, recomputed from the experiment at each step: no strategy
    keeps state of its own, which is what makes a resumed run the run that would have been.

    Args:
        rows: Integer rows ``n x d`` (counts or codes, see :class:`CellBoundSearchSpace`).
        values: Objective values ``n x m``, minimised (a maximised objective is negated), as
            Ax stores them; NaN where a trial has no data (yet).
        trial_indices: Index of each row's trial ``n``; -1 for rows proposed in the same call
            and not yet trials.
        failed: True if the trial failed, was abandoned, or ended with a value that is NaN or
            infinite, ``n``; such a row has the values that were known of it before.
        position: Number of trials plus rows just proposed: where the next proposal stands in
            the run; its random numbers are derived from the seed and this. Arms outside of the
            space, which Ax lets into experiments on plain search spaces, are counted here but
            are no rows.
        objectives: Each objective's metric, and the sign that makes it minimised.
        thresholds: The worst value of each objective that counts, with that sign; infinite
            where none is given.
        limits: The limits on other metrics.
        limit_values: Their values, ``n`` for each limit, with its sign.
        known: Metric -> what computes it from codes, of the objectives and limits that need no
            model.
        features: Metric -> the same of those that a model reads of all architectures.
        settings: The parameters beside the cell, ``n x h``; ``n x 0`` if there are none.
    """

    rows: Indices
    values: Values
    trial_indices: Indices
    failed: Mask
    position: int
    objectives: tuple[tuple[str, float], ...] = ()
    thresholds: tuple[float, ...] = ()
    limits: tuple[Limit, ...] = ()
    limit_values: tuple[FloatArray, ...] = ()
    known: Mapping[str, KnownMetric] = field(default_factory=dict)
    features: Mapping[str, KnownMetric] = field(default_factory=dict)
    settings: Settings = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def observed(self) -> Mask:
        """Mask ``n`` of the rows with every objective and limit; all False without values."""
        observed = np.isfinite(self.values).all(axis=1) & (self.values.shape[1] > 0)
        for column in self.limit_values:
            observed &= np.isfinite(column)
        return np.asarray(observed)

    @property
    def feasible(self) -> Mask:
        """Mask ``n`` of the observed rows that keep every limit."""
        feasible = self.observed
        for limit, column in zip(self.limits, self.limit_values, strict=True):
            feasible &= column <= limit.bound
        return feasible

    @property
    def pending(self) -> Mask:
        """Mask ``n`` of the rows that are still being evaluated.

        A completed trial without a value is among them, as in Ax: its data may come later.
        """
        return ~self.observed & ~self.failed

    def allowed(self, codes: Indices) -> Mask:
        """Mask ``m`` of the codes ``m x d`` that keep the limits on known quantities."""
        allowed = np.ones(len(codes), dtype=np.bool_)
        for limit in self.known_limits:
            values = self.known[limit.name].checked_values(codes)
            allowed &= limit.sign * values <= limit.bound
        return allowed

    @property
    def known_limits(self) -> list[Limit]:
        """The limits on known quantities, thresholds of known objectives among them."""
        bounds = zip(self.objectives, self.thresholds, strict=False)
        own = [Limit(name, sign, bound) for (name, sign), bound in bounds if bound < math.inf]
        return [limit for limit in (*self.limits, *own) if limit.name in self.known]

    def imputed(self, column: Values | None = None) -> tuple[Indices, Values]:
        """Rows and one quantity of all ended trials, in trial order.

        Failed and abandoned trials have the values of :func:`impute_worst`. Before anything was
        observed such trials are left out.

        Args:
            column: Values ``n`` of the quantity; by default those of the first objective.

        Returns:
            Rows ``n' x d`` and values ``n'``.
        """
        ended = self.ended
        values = self.values[:, 0] if column is None else column
        return self.rows[ended], impute_worst(
            values[ended], self.failed[ended], self._broken[ended]
        )

    @property
    def _broken(self) -> Mask:
        """Mask ``n`` of the rows that are known to break a limit or threshold."""
        columns, bounds = [*self.limit_values], [limit.bound for limit in self.limits]
        if self.thresholds:
            columns += list(self.values.T)
            bounds += self.thresholds
        broken = np.zeros(len(self.rows), dtype=np.bool_)
        for column, bound in zip(columns, bounds, strict=True):
            broken |= column > bound
        return broken

    def since(self, num_initial: int) -> Values:
        """The values after the initial trials, for a trust region that starts there.

        Args:
            num_initial: The initial trials end with the ``num_initial``-th that has a value;
                failures among them do not count.

        Returns:
            The best first objective of the initial trials, then the values of all ended
            trials after them, as in :meth:`imputed`; empty before anything was observed.
        """
        _, values = self.imputed()
        observed = np.cumsum(self.observed[self.ended])
        first = int(np.searchsorted(observed, num_initial)) + 1
        return np.concatenate([np.sort(values[:first])[:1], values[first:]])

    @property
    def ended(self) -> Mask:
        """Mask ``n`` of the observed and failed rows; all False before anything was observed."""
        return self.observed | (self.failed & self.observed.any())

    @property
    def ended_then_pending(self) -> Positions:
        """The places of the ended rows, then of the pending ones: the order that models use."""
        return np.concatenate([np.flatnonzero(self.ended), np.flatnonzero(self.pending)])

    def incumbent(self) -> Indices | None:
        """The row with the best first objective; the earliest where several tie."""
        best = self.incumbent_index()
        return None if best is None else np.asarray(self.rows[best])

    def incumbent_index(self) -> int | None:
        """The place of :meth:`incumbent`; None before anything was observed."""
        observed = np.flatnonzero(self.observed)
        if observed.size == 0:
            return None
        return int(observed[self.values[observed, 0].argmin()])


def impute_worst(values: Values, failed: Mask, broken: Mask) -> Values:
    """Give failed trials the worst value of the others, so that they are not proposed forever.

    A value that was reported before the failure stays. A failed trial that broke a limit keeps
    NaN: the limit is the reason not to propose it, and its other quantities are unknown.

    Args:
        values: ``n`` values, of which less is better; NaN where there is none.
        failed: Mask ``n`` of the trials that failed or were abandoned.
        broken: Mask ``n`` of the trials that are known to break a limit.
    """
    worst = np.fmax.reduce(values[~failed], initial=np.nan)
    return np.where(np.isnan(values) & failed & ~broken, worst, values)
