"""The base of all generators that need nothing but the history of the run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from ax.generators.random.base import RandomGenerator

from ax_anasod.cells import from_dict
from ax_anasod.core import History, TrialKind
from ax_anasod.core.ax_objectives import ObjectiveScope
from ax_anasod.core.cell_search_space import search_space
from ax_anasod.core.seeding import proposal_rng, setting_rng
from ax_anasod.generators.starting_draws import StartingDraws
from ax_anasod.generators.targets import check_values
from ax_anasod.hyperparameters import Hyperparameters, draw_around, draw_settings
from ax_anasod.optional import require
from ax_anasod.typing import Codes, Settings, Values

NUM_INITIAL: Final = 10
"""Trials before the first model, in all strategies of the paper (App. A.1)."""


class HistoryGenerator(RandomGenerator, ABC):
    """Proposes trials from the trials before them.

    An Ax generator without state: what it proposes is a pure function of its arguments
    (which Ax stores) and of the history, so that a run saved, loaded and continued is the
    run that would have been. It sits behind :class:`ax_anasod.adapter.HistoryAdapter`.

    Subclasses say in ``space`` whether their rows are counts or codes, and implement
    :meth:`propose`. The architecture of a proposed encoding is chosen among those without a
    trial, unless ``repeat_architectures`` is set.

    Subclasses that also search hyperparameters take an argument ``hyperparameters``, hand it
    on, and implement :meth:`propose_jointly`.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        hyperparameters: ``Hyperparameters.to_dict()`` of the searched ones; None for none.

    Raises:
        OptionalImportError: The package that it needs is not installed.
    """

    space: TrialKind
    repeat_architectures: bool = False
    known: Sequence[str] = ()
    """Names of the known quantities that the generator reads."""
    above: float | None = None
    """A bound that all values must be above; None for no bound."""
    scope: ObjectiveScope = "one"
    """The kind of goal that it can search; its adapter refuses experiments with more."""
    needs: ClassVar[tuple[str, str] | None] = None
    """A package that it cannot do without, and the extra of ``ax-anasod`` that brings it."""
    expects_improvement: ClassVar[bool] = False
    """True if its trials carry their expected improvement, by which a search can be stopped
    (:mod:`ax_anasod.global_stopping`)."""
    adapter_kwargs: ClassVar[Mapping[str, Any]] = {}
    """Further arguments of Ax's adapter."""

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        if self.needs is not None:
            require(*self.needs)
        # Repeats of an encoding are wanted: they are further, noisy observations of it.
        super().__init__(deduplicate=False, seed=seed)
        self.cell = from_dict(dict(cell))
        self.search_space = search_space(self.space, self.cell, hyperparameters)

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The hyperparameters searched beside the cell."""
        return self.search_space.hyperparameters

    @property
    def reads_values(self) -> bool:
        """True if it reads the values of the history; otherwise its adapter leaves them out."""
        return True

    def rng(self, history: History) -> np.random.Generator:
        """The random numbers of the next proposal."""
        return proposal_rng(self.seed, history.position)

    @abstractmethod
    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose ``n`` trials.

        Args:
            n: The number of trials.
            history: The run so far.
            fixed: Column -> value that every proposal must have (Ax's ``fixed_parameters``).

        Returns:
            Integer rows ``n x d`` (counts or codes).
        """

    def propose_jointly(
        self, n: int, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Propose ``n`` trials of a space that has more than the cell.

        Args:
            n: The number of trials.
            history: The run so far.
            fixed: Column -> value that every row must have.
            given: Column -> number that every setting must have.

        Returns:
            Integer rows ``n x d`` and settings ``n x h``.
        """
        raise NotImplementedError(f"{type(self).__name__} searches cells only")

    def predict(self, history: History, rows: Codes) -> tuple[Values, Values]:
        """Predict values with the surrogate, if there is one (Ax's ``can_predict``).

        Args:
            history: The run so far, with observed rows.
            rows: Integer rows ``n x d``.

        Returns:
            Means and variances ``n x m`` of the objectives, minimised, in their own units.
        """
        raise NotImplementedError(f"{type(self).__name__} has no surrogate that predicts values")

    def metadata(self) -> dict[str, Any]:
        """Metadata to store with the last proposals (Ax's ``gen_metadata``)."""
        return {}

    def _get_state(self) -> dict[str, Any]:
        # Ax would store the seed and a position and hand them back at the next step;
        # both follow from the stored arguments and the experiment.
        return {}


class DrawGenerator(HistoryGenerator):
    """Random draws, alone or before a model; the first draw refuses what the model would refuse.

    Hyperparameters are drawn uniformly, and independently of the architectures.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        scope: The scope of the model that follows, so that an experiment which asks for more is
            refused at the first draw.
        above: A bound that all objectives must be above, so that the first value which is not
            is refused; None for no bound.
        start: The start of :class:`ax_anasod.generators.starting_draws.StartingDraws`, which then
            proposes the trials; None for uniform draws.
        hyperparameters: Hyperparameters searched beside the cell; None for none.
    """

    scope: ObjectiveScope = "any"
    """Whatever is asked for, since draws read no values; or what the model can search."""

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        scope: ObjectiveScope = "any",
        above: float | None = None,
        start: Mapping[str, Any] | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(cell=cell, seed=seed, hyperparameters=hyperparameters)
        self.scope, self.above = scope, above
        self.start = None if start is None else StartingDraws(self.search_space, seed, start)

    @property
    def reads_values(self) -> bool:
        """True if values or limits are checked, for the model that follows."""
        return self.above is not None or self.scope == "limits"

    def propose_jointly(
        self, n: int, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Draw ``n`` rows, and ``n`` settings that do not depend on them."""
        rows = self.propose(n, history, fixed)
        rng = setting_rng(self.seed, history.position)
        best, beta = history.incumbent_index(), self.concentration(history)
        if best is None or beta == 0:
            return rows, draw_settings(self.hyperparameters, n, rng, given)
        setting = history.settings[best]
        return rows, draw_around(self.hyperparameters, n, setting, beta, rng, given)

    def concentration(self, history: History) -> float:
        """The concentration of the draws around the best trial; 0 for uniform draws."""
        return 0.0

    def check(self, history: History) -> None:
        """Check that the model can take all values.

        Raises:
            ObservationError: The model cannot take a value; the message names its trial.
        """
        check_values(history, self.above)
