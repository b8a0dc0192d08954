"""The strategy beyond the paper: the operation distribution, and what lies on each block."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal

import numpy as np
from annotated_types import Ge, Le

from ax_anasod.cells import Cell
from ax_anasod.cells.keys import LIMIT
from ax_anasod.core.history import History
from ax_anasod.exceptions import CellError, OptionError
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.expected_improvement import Acquisition, ExpectedImprovement
from ax_anasod.generators.joint_acquisition import JointAcquisition, JointImprovement, JointTradeOff
from ax_anasod.generators.joint_search import joint_search
from ax_anasod.generators.known_features import KnownFeatures, rank_agreement
from ax_anasod.generators.targets import half_ranked, modelled_values, standardized
from ax_anasod.generators.trade_off_acquisition import TradeOff
from ax_anasod.generators.two_level_predictions import TwoLevelPredictor
from ax_anasod.generators.two_level_search import best_of_all, optimize_acquisition
from ax_anasod.metadata import EXPECTED_IMPROVEMENT, FEATURES
from ax_anasod.settings import PositiveInt, checked
from ax_anasod.surrogates import Level, LevelName, levels_of
from ax_anasod.surrogates.joint_fit import JointForm
from ax_anasod.typing import Codes, Settings, Values

_BLOCKS: Final[tuple[LevelName, ...]] = ("distribution", "blocks")

FEATURE_SEPARATOR: Final = "+"
"""The separator between the names of several features."""

SurrogateName = Literal["distribution", "blocks", "paths", "sum", "alternating"]

SURROGATES: Final[dict[SurrogateName, tuple[tuple[LevelName, ...], ...]]] = {
    "distribution": (("distribution",),),
    "blocks": (_BLOCKS,),
    "paths": (("distribution", "paths"),),
    "sum": ((*_BLOCKS, "paths", "steps"), (*_BLOCKS, "order")),
    "alternating": (_BLOCKS, (*_BLOCKS, "paths", "steps"), (*_BLOCKS, "order")),
}
"""The levels of each surrogate; trials take turns between several sets."""


@checked
class TwoLevelGenerator(ArchitectureGenerator):
    """``two-level-bo``: learns fast from the distribution, and then finds the best cell.

    The surrogate is a GP whose covariance adds a kernel on operation distributions (the
    paper's encoding) and kernels that tell the architectures of a distribution apart. Trials
    take turns between two sets of these:

    - which operations lie on which blocks, and how they are wired;
    - the same, and what the paths from input to output compute, wherever the operations lie,
      so that cells that compute the same function share an observation; for residual blocks,
      how often each operation stands before each other one.

    If one has a false optimum, in which a search with it alone would stay, the other
    seldom has the same one. Cells that define no block graph use only the first set.

    Targets are standardised logarithms; only the order of their worse half counts
    (:func:`ax_anasod.generators.targets.half_ranked`), so that cells that fail to train do not
    decide everything.
    The proposal has the largest expected improvement of all architectures without a trial;
    if there are more than ``enumeration_limit``, of those that
    :func:`~ax_anasod.generators.two_level_search.optimize_acquisition` finds. Once every
    architecture has a trial, proposals are repeats: further observations of the architectures
    with the largest expected improvement.

    Pending trials are believed to give their posterior mean; a failed one counts as the
    worst value seen.

    Features that are known of an architecture before its trial each add a linear kernel with a
    fitted variance, in half of the trials (positions 0 and 1 of each 4), so that a
    misleading one costs little.

    Hyperparameters have a kernel of their own
    (:class:`ax_anasod.surrogates.joint.JointGP`), and pairs of an architecture and a setting are
    searched (:func:`ax_anasod.generators.joint_search.joint_search`).

    With several objectives each has a model of its own, and the proposal is expected to add
    most hypervolume to the front, in the users' units; limits multiply that by the probability
    that they are kept (:class:`ax_anasod.generators.trade_off_goal.Goal`).

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random trials before the first of this generator.
        surrogate: The kernels that tell architectures of one distribution apart: of their blocks,
            of their paths, of both, of blocks and both in turn, or none.
        log_targets: Model the logarithm of the objective.
        enumeration_limit: All architectures of a cell are evaluated if it has at most this number.
        features: Names of metrics of the experiment that are known before a trial
            (:class:`ax_anasod.core.known.KnownMetric`) and help to predict the objectives,
            joined by ``+``.
        hyperparameters: Hyperparameters searched beside the cell; None for none.

    Raises:
        UnknownNameError: There is no such surrogate.
        OptionError: A number is out of range.
        CellError: The surrogate needs paths, and the cell has none.
    """

    scope = "limits"
    expects_improvement = True
    joint_form: ClassVar[JointForm] = "both"
    """The way the covariances of architectures and settings make one: the best on average
    (docs/joint.md)."""

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        surrogate: SurrogateName = "alternating",
        log_targets: bool = True,
        enumeration_limit: Annotated[int, Ge(0), Le(LIMIT)] = 100_000,
        features: str = "",
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(cell=cell, seed=seed, hyperparameters=hyperparameters)
        self._turns = turns_of(self.cell, surrogate)
        self.num_initial = num_initial
        self.surrogate = surrogate
        self.log_targets = log_targets
        self.enumeration_limit = enumeration_limit
        self.known = tuple(features.split(FEATURE_SEPARATOR)) if features else ()
        self._metadata: dict[str, Any] = {}

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose ``n`` architectures, codes ``n x d``."""
        self._metadata = {}
        return super().propose(n, history, fixed)

    def propose_jointly(
        self, n: int, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Propose ``n`` architectures and settings, codes ``n x d`` and ``n x h``."""
        self._metadata = {}
        return super().propose_jointly(n, history, fixed, given)

    def next_pair(
        self, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Propose one architecture and setting, a code ``d`` and ``h``."""
        if not history.observed.any():
            return self.draw_pair(history, fixed, given)
        features = self._features(history)
        acquisition = self._joint_acquisition(history, features)
        found = joint_search(self, acquisition, history, fixed, given, self.rng(history))
        if found is None:
            # All that was found has a trial: a repeat is a further observation.
            return self.draw_pair(history, fixed, given)
        code, setting, value = found
        self._note(acquisition, value, features, history)
        return code, setting

    @property
    def can_predict(self) -> bool:
        """True if Ax can ask for predictions: only if no hyperparameters are searched."""
        return not self.hyperparameters

    def predict(self, history: History, rows: Codes) -> tuple[Values, Values]:
        """Predict ``n x d`` codes by the surrogate with all of its levels and features."""
        levels = max(self._turns, key=len)
        features = self._known_features(history, self.known)
        codes = self.cell.canonical(rows)
        means, variances = [], []
        for (name, sign), column in zip(history.objectives, history.values.T, strict=True):
            if name in history.known:
                means.append(sign * history.known[name].checked_values(codes))
                variances.append(np.zeros(len(codes)))
                continue
            observed, values = history.imputed(column)
            seen, told = self.cell.canonical(observed), np.isfinite(values)
            ask = TwoLevelPredictor(
                self.cell, levels, seen[told], values[told], self.log_targets, features
            )
            mean, variance = ask(codes)
            means.append(mean)
            variances.append(variance)
        return np.stack(means, axis=1), np.stack(variances, axis=1)

    def metadata(self) -> dict[str, Any]:
        """Metadata of the first of the last proposals, if a model chose it.

        They are its expected improvement in percent of the best value (100 times the expected
        decrease of the logarithm) and, if the model had features, the share of each in the prior
        variance and the rank correlation of its first column with the first objective.
        """
        return self._metadata

    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose one architecture, a code ``d``."""
        rng = self.rng(history)
        if not history.observed.any():
            return np.asarray(self.draw_allowed(1, history, rng, fixed)[0])
        features = self._features(history)
        acquisition = self._acquisition(history, features)
        is_listed = self.cell.num_listed <= self.enumeration_limit
        best = best_of_all if is_listed else optimize_acquisition
        code, value = best(self, acquisition, history, fixed, rng)
        self._note(acquisition, value, features, history)
        return code

    def _note(
        self,
        acquisition: Acquisition | JointAcquisition,
        value: float,
        features: KnownFeatures,
        history: History,
    ) -> None:
        """Keep the metadata of the first of several proposals."""
        self._metadata.setdefault(EXPECTED_IMPROVEMENT, math.exp(value) * acquisition.percent)
        if acquisition.shares and features:
            self._metadata.setdefault(FEATURES, self._carried(acquisition, features, history))

    def _carried(
        self, acquisition: Acquisition | JointAcquisition, features: KnownFeatures, history: History
    ) -> dict[str, dict[str, float]]:
        """The share of each feature, and its rank correlation with the observed values."""
        observed = history.observed
        values = history.values[observed, 0]
        ranked = [rank_agreement(z[:, 0], values) for z in features(history.rows[observed])]
        return {
            name: {"share": share, "agreement": agreement}
            for name, share, agreement in zip(self.known, acquisition.shares, ranked, strict=True)
        }

    def _acquisition(self, history: History, features: KnownFeatures) -> Acquisition:
        """The acquisition function of the next proposal."""
        levels = self.levels(history.position)
        if _is_trade_off(history):
            return TradeOff(self.cell, levels, history, self.log_targets, features)
        targets, percent = self._targets(history)
        codes = history.rows[history.ended_then_pending]
        return ExpectedImprovement(self.cell, levels, codes, targets, percent, features)

    def _joint_acquisition(self, history: History, features: KnownFeatures) -> JointAcquisition:
        """The acquisition function of the next architecture and setting together."""
        of_both = self.cell, self.hyperparameters, self.levels(history.position)
        form = self.joint_form
        if _is_trade_off(history):
            return JointTradeOff(*of_both, history, form, features, self.log_targets)
        rows = history.ended_then_pending
        pairs = history.rows[rows], history.settings[rows]
        return JointImprovement(*of_both, *pairs, form, features, *self._targets(history))

    def _targets(self, history: History) -> tuple[Values, float]:
        """The targets of a single objective, NaN where pending, and the size of 1 in percent."""
        _, values, logarithmic = modelled_values(history, self.log_targets)
        targets, unit = standardized(half_ranked(values))
        pending = np.full(int(history.pending.sum()), np.nan)
        percent = 100.0 * unit / (1.0 if logarithmic else abs(values.min()) or 1.0)
        return np.concatenate([targets, pending]), percent

    def _features(self, history: History) -> KnownFeatures:
        """The features of the next proposal: none in every other pair of trials.

        A misleading feature then costs at most the trials that use it.
        """
        return self._known_features(history, self.known if history.position % 4 < 2 else ())

    def _known_features(self, history: History, used: Sequence[str]) -> KnownFeatures:
        """The features with the given names.

        Raises:
            OptionError: The experiment lacks a feature of the strategy.
        """
        for name in self.known:
            if name not in history.features:
                raise OptionError(
                    f"the experiment has no known quantity {name!r} to be a feature",
                    "give it to make_client(..., features={name: how}), or add a KnownMetric "
                    "of this name to the tracking metrics",
                )
        return KnownFeatures(self.cell, [history.features[name] for name in used])

    def levels(self, position: int) -> list[Level]:
        """The levels of the surrogate for the proposal at a position of the run."""
        return self._turns[position % len(self._turns)]


def _is_trade_off(history: History) -> bool:
    """Return True unless the goal is the best value of a single modelled objective."""
    return bool(len(history.objectives) > 1 or history.limits or history.known)


def turns_of(cell: Cell, surrogate: SurrogateName) -> list[list[Level]]:
    """The sets of levels that trials take turns between.

    Raises:
        CellError: The cell lacks a level of every set of the surrogate.
    """
    available = levels_of(cell)
    views = [view for view in SURROGATES[surrogate] if available.keys() >= set(view)]
    if not views:
        raise CellError(
            f"surrogate {surrogate!r} compares paths through the cell, and {cell.name!r} has no "
            "graph (block_graph), or more paths than can be compared",
            "surrogate='alternating' leaves out what a cell does not have",
        )
    return [[available[name] for name in view] for view in views]
