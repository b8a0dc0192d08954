"""The tree-structured Parzen estimator, through Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ax_anasod.core.history import History
from ax_anasod.core.seeding import package_seed
from ax_anasod.generators.architecture import ArchitectureGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.evaluations import Evaluations
from ax_anasod.optional import require
from ax_anasod.settings import PositiveInt, checked

_MAX_ATTEMPTS: Final = 32


@checked
class TPEGenerator(ArchitectureGenerator):
    """TPE: Optuna's sampler on one categorical parameter per block and wiring choice.

    The study is the history: trials that ended, in trial order (a failed one with the worst
    value seen), and pending ones as running, which the sampler's constant liar counts as
    bad. The sampler is a new one for each proposal, with a seed of its own; what is kept
    between proposals is only a study that already holds the first of these trials
    (:mod:`ax_anasod.generators.optuna_study`).

    A sample that is no valid architecture, or one that has a trial already, is drawn again, with
    the next seed; after 32 such samples in a row the proposal is drawn uniformly from those
    without a trial. Optuna itself repeats trials. Once every architecture has a trial, proposals
    are repeats.

    Sources: Bergstra et al., "Algorithms for hyper-parameter optimization" (NeurIPS 2011);
    the multivariate form is that of Falkner et al., "BOHB" (ICML 2018). The defaults are
    Optuna's, and the first 10 proposals are random, as for all strategies of the paper
    (App. A.1).

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Trials with a result before the first model.
        multivariate: Whether the blocks are modelled together; one by one, their
            interactions are lost.
        num_candidates: Samples that one proposal is chosen from.

    Raises:
        OptionError: An option is out of range.
        OptionalImportError: Optuna is not installed.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        multivariate: bool = True,
        num_candidates: PositiveInt = 24,
    ) -> None:
        require("optuna", "baselines")
        super().__init__(cell=cell, seed=seed)
        self.num_initial, self.num_candidates = num_initial, num_candidates
        self.multivariate = multivariate

    def next_code(self, history: History, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        """Propose what the sampler suggests, a code ``d``."""
        # Optuna takes seconds to import, and only this strategy needs it.
        from ax_anasod.generators.optuna_study import Sampler, suggest

        codes, values = history.imputed()
        rng = self.rng(history)
        if len(codes) < self.num_initial:
            return self.draw_one(rng, fixed)
        seen, new = Evaluations(self.cell, history), None
        for attempt in range(_MAX_ATTEMPTS):
            suggested = suggest(
                self.cell.code_sizes,
                codes,
                values,
                history.rows[history.pending],
                Sampler(
                    seed=package_seed(self.seed, history.position, attempt),
                    num_initial=self.num_initial,
                    multivariate=self.multivariate,
                    num_candidates=self.num_candidates,
                ),
            )
            valid = self.admissible(suggested[None], fixed)
            if not len(valid):
                continue
            if new is None:
                new = self.draw_new(seen, rng, fixed)
            known = seen.look_up(np.stack([valid[0], new])).known
            if known[1] or not known[0]:
                return np.asarray(valid[0])
        return self.draw_one(rng, fixed) if new is None else new
