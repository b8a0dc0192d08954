"""Random search on encodings: uniform and biased Dirichlet draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from ax_anasod.core.ax_objectives import ObjectiveScope
from ax_anasod.core.history import History
from ax_anasod.generators.base import DrawGenerator
from ax_anasod.generators.candidates import draw_counts
from ax_anasod.settings import checked
from ax_anasod.simplex import LinearSchedule
from ax_anasod.typing import Counts


@checked
class DirichletGenerator(DrawGenerator):
    """ANASOD-RS (paper, Sec. 3.2).

    Draws a point of the simplex from Dir(1, ..., 1) and rounds it onto the grid (Eq. 1). With a
    start, proposes the encodings of its cells and then draws around its distribution.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        scope: The scope of the model that follows, see `DrawGenerator`.
        above: A bound that all objectives must be above, see `DrawGenerator`.
        start: The start of :class:`ax_anasod.generators.starting_draws.StartingDraws`; None for
            the draws above.
        repeat_architectures: Whether an architecture may have a second trial while its encoding
            has another one, as in the paper.
        hyperparameters: Hyperparameters searched beside the cell; None for none.
    """

    space = "encoding"

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        scope: ObjectiveScope = "any",
        above: float | None = None,
        start: Mapping[str, Any] | None = None,
        repeat_architectures: bool = False,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(cell, seed, scope, above, start, hyperparameters)
        self.repeat_architectures = repeat_architectures

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


@checked
class BiasedDirichletGenerator(DirichletGenerator):
    """ANASOD-biasedRS (paper, Sec. 3.2, Eq. 3).

    Draws as :class:`DirichletGenerator`, from the Dirichlet distribution whose mode is the best
    encoding seen.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        schedule: Fields of :class:`ax_anasod.simplex.LinearSchedule` that differ from its defaults.
        repeat_architectures: Whether an architecture may have a second trial while its encoding
            has another one, as in the paper.
        hyperparameters: Hyperparameters searched beside the cell; None for none. Draws of them
            concentrate as those of encodings do (:func:`ax_anasod.hyperparameters.draw_around`).
    """

    scope = "one"
    reads_values = True

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        schedule: Annotated[Mapping[str, Any] | None, LinearSchedule] = None,
        repeat_architectures: bool = False,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            cell,
            seed,
            self.scope,
            repeat_architectures=repeat_architectures,
            hyperparameters=hyperparameters,
        )
        self.schedule = LinearSchedule(**(schedule or {}))

    def concentration(self, history: History) -> float:
        """Beta of the schedule."""
        return self.schedule.beta(history.position)
