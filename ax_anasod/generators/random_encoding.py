"""Random search on encodings: uniform and biased Dirichlet draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ax_anasod.core.ax_objectives import ObjectiveScope
from ax_anasod.core.history import History
from ax_anasod.generators.base import DrawGenerator
from ax_anasod.generators.candidates import draw_counts
from ax_anasod.settings import NonNegativeFloat, PositiveInt, checked
from ax_anasod.simplex import LinearSchedule
from ax_anasod.typing import Counts


@checked
class DirichletGenerator(DrawGenerator):
    """ANASOD-RS and ANASOD-biasedRS (paper, Sec. 3.2, Eq. 3).

    Draws a point of the simplex from Dir(1, ..., 1), or, biased, from the Dirichlet
    distribution whose mode is the best encoding seen, and rounds it onto the grid (Eq. 1).
    With a start, proposes the encodings of its cells and then draws around its distribution.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        beta_max: Beta once all planned trials are done (paper: 2); 0 draws uniformly throughout.
        num_trials: The planned number of trials T, over which beta grows linearly: after t
            trials it is ``t * beta_max / T``.
        scope: The scope of the model that follows, see `DrawGenerator`.
        above: A bound that all objectives must be above, see `DrawGenerator`.
        start: The start of :class:`ax_anasod.generators.starting_draws.StartingDraws`; None for
            the draws above.
        repeat_architectures: Whether an architecture may have a second trial while its encoding
            has another one, as in the paper.
        hyperparameters: Hyperparameters searched beside the cell; None for none. Biased draws of
            them concentrate as those of encodings do
            (:func:`ax_anasod.hyperparameters.draw_around`).
    """

    space = "encoding"

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        beta_max: NonNegativeFloat = 0.0,
        num_trials: PositiveInt = 1,
        scope: ObjectiveScope = "any",
        above: float | None = None,
        start: Mapping[str, Any] | None = None,
        repeat_architectures: bool = False,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(cell, seed, scope, above, start, hyperparameters)
        self.repeat_architectures = repeat_architectures
        self.schedule = LinearSchedule(beta_max=beta_max, num_trials=num_trials)

    @property
    def scope(self) -> ObjectiveScope:
        """``"one"`` if draws are biased towards a metric's best encoding, else the argument."""
        return "one" if self.schedule.beta_max > 0 else self._scope

    @property
    def reads_values(self) -> bool:
        """True if values are read, for the bias or for the model that follows."""
        return self.schedule.beta_max > 0 or super().reads_values

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Counts:
        """Draw ``n`` encodings, counts ``n x k``.

        Raises:
            EncodingError: The fixed counts cannot be part of an encoding.
            ObservationError: The model that follows could not take a value.
        """
        self.check(history)
        if self.start is not None:
            return self.start.propose(n, history, fixed)
        beta = self.concentration(history)
        return draw_counts(self.cell, n, beta, history.incumbent(), fixed, self.rng(history))

    def concentration(self, history: History) -> float:
        """Beta of the schedule."""
        return self.schedule.beta(history.position)
