"""The acquisition function of ANASOD-BO, optimised over encodings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from ax.core.search_space import SearchSpaceDigest
from ax.generators.torch.botorch_modular.acquisition import Acquisition
from ax.generators.torch_base import TorchOptConfig
from botorch.acquisition.analytic import AnalyticAcquisitionFunction
from botorch.generation.sampling import SamplingStrategy
from botorch.models.model import Model, ModelList
from botorch.models.model_list_gp_regression import ModelListGP
from botorch.utils.sampling import manual_seed
from gpytorch.utils.warnings import NumericalWarning
from torch import Tensor

from ax_anasod.cells import Cell
from ax_anasod.core.seeding import acquisition_seed, proposal_rng
from ax_anasod.generators.candidates import (
    draw_candidates,
    exhaustive,
    not_exhausted,
    unique_counts,
)
from ax_anasod.generators.encoding_goal import EncodingGoal, believed_values
from ax_anasod.generators.fixed import apply_fixed_counts
from ax_anasod.generators.joint_encoding_generator import JointPool
from ax_anasod.generators.mirror_descent import mirror_descent
from ax_anasod.generators.ties import best_row
from ax_anasod.surrogates import log_expected_improvement, predict_posterior
from ax_anasod.typing import Counts, Fractions

# Scoring all candidates jointly would need their m x m covariance; in chunks of this
# number of single points the memory stays bounded and the time is lowest.
_CHUNK = 4096


class EncodingAcquisition(Acquisition):
    """Ax's wrapper of a BoTorch acquisition function, optimised over the encodings of a cell.

    Points are always evaluated where the trial will be: candidates are encodings on the
    grid (as fractions), never points between them.

    For a front, and under limits, the acquisition function is that of
    :class:`ax_anasod.generators.encoding_goal.EncodingGoal`.

    Pending trials are conditioned on at their posterior mean (Kriging believer), since analytic
    acquisition functions know no ``X_pending``. Samples of a Monte Carlo function are drawn from
    the seed of the run: BoTorch would take them from torch's global generator.

    Args:
        args: Positional arguments of Ax's ``Acquisition``.
        kwargs: Its other arguments; ``options`` holds ``cell`` (a :class:`Cell`) and the options
            of :class:`ax_anasod.generators.EncodingGenerator`.
    """

    _believed: Tensor | None = None

    def _update_objective_thresholds(self, torch_opt_config: TorchOptConfig) -> None:
        """Set no thresholds in Ax: :class:`EncodingGoal` has its own reference point."""
        # Ax would report those that the user gave, and stumble where only some are given.
        self._objective_thresholds = None

    def _instantiate_acquisition(self) -> None:
        goal: EncodingGoal | None = self.options.get("goal")
        if goal is not None:
            self._instantiate_for(goal)
            return
        ((acqf_class, _),) = self.botorch_acqf_classes_with_options
        if issubclass(acqf_class, AnalyticAcquisitionFunction):
            self._believe_pending()
        observations = 0 if self.X_observed is None else len(self.X_observed)
        seed = acquisition_seed(self.options["seed"], observations)
        with manual_seed(seed), _coinciding_points():
            super()._instantiate_acquisition()
        if self._believed is not None:
            self._raise_best_to_believed(self._believed)

    def _instantiate_for(self, goal: EncodingGoal) -> None:
        """Make the acquisition function for a front, or under limits."""
        outcomes = self.surrogate.outcomes
        if self._subset_idcs is not None:
            outcomes = [outcomes[index] for index in self._subset_idcs.tolist()]
        self._believe_pending()
        believed = None if self._believed is None else believed_values(self._model, self._believed)
        self.acqf = goal.acquisition(self._model, outcomes, believed)
        self.models_used = [self.surrogate.model_name_by_metric]

    def _believe_pending(self) -> None:
        """Condition the model on pending points, after which they are pending no more."""
        if self.X_pending is not None:
            self._model = believe(self._model, self.X_pending)
            self._believed = _joined(self._believed, self.X_pending)
            self.X_pending = None

    def _go_on_after(self, X: Tensor) -> None:
        """Make the acquisition function of the next proposal, with ``1 x d`` more pending."""
        # None is pending where the model believes the earlier points already.
        self.X_pending = _joined(self.X_pending, X)
        self._instantiate_acquisition()

    def _raise_best_to_believed(self, X: Tensor) -> None:
        """Raise ``best_f`` to the best believed value, as in the source.

        Otherwise a pending point that is believed to be better than everything seen so far
        would be proposed again.
        """
        acqf: Any = self.acqf  # An analytic function, which has these attributes.
        with torch.no_grad():
            posterior = acqf.model.posterior(X, posterior_transform=acqf.posterior_transform)
            acqf.best_f = torch.maximum(acqf.best_f, posterior.mean.max())

    def optimize(
        self,
        n: int,
        search_space_digest: SearchSpaceDigest,
        inequality_constraints: list[tuple[Tensor, Tensor, float]] | None = None,
        equality_constraints: list[tuple[Tensor, Tensor, float]] | None = None,
        fixed_features: dict[int, float] | None = None,
        rounding_func: Callable[[Tensor], Tensor] | None = None,
        optimizer_options: dict[str, Any] | None = None,
        candidate_set: Tensor | None = None,
        sampling_strategy: SamplingStrategy | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Choose ``n`` encodings, one after another, each given those before it.

        Args:
            n: The number of encodings.
            search_space_digest: Not used; the cell says what the candidates are.
            inequality_constraints: Not used.
            equality_constraints: Not used; all candidates are on the simplex.
            fixed_features: Column -> fraction that every candidate must have.
            rounding_func: Not used; candidates are on the grid.
            optimizer_options: ``position``, ``beta``, ``incumbent`` and ``trials`` (counts
                ``n x k``) of the run, from :class:`ax_anasod.adapter.EncodingAdapter`.
            candidate_set: If it is given, Ax itself chooses from it.
            sampling_strategy: If it is given, Ax itself draws with it.

        Returns:
            Fractions ``n x k``, acquisition values ``n``, and weights ``n`` (all 1).
        """
        if candidate_set is not None or sampling_strategy is not None:
            return super().optimize(
                n=n,
                search_space_digest=search_space_digest,
                fixed_features=fixed_features,
                candidate_set=candidate_set,
                sampling_strategy=sampling_strategy,
            )
        cell: Cell = self.options["cell"]
        run = optimizer_options or {}
        rng = proposal_rng(self.options["seed"], run["position"])
        if self.options["hyperparameters"]:
            return self._optimize_jointly(n, cell, run, fixed_features or {}, rng)
        fixed = {c: round(f * cell.total) for c, f in (fixed_features or {}).items()}
        trials = None if self.options["repeat_architectures"] else np.asarray(run["trials"])
        chosen: list[Tensor] = []
        values: list[Tensor] = []
        for _ in range(n):
            counts = self._candidates(cell, run, trials, rng, fixed)
            X = self._tensor(counts / cell.total)
            scores = self.score(X)
            best = best_row(scores.cpu().numpy(), rng)
            chosen.append(X[best])
            values.append(scores[best])
            if trials is not None:
                trials = np.concatenate([trials, counts[best : best + 1]])
            if len(chosen) < n:
                self._go_on_after(X[best : best + 1])
        return torch.stack(chosen), torch.stack(values), torch.ones(n)

    def _optimize_jointly(
        self,
        n: int,
        cell: Cell,
        run: dict[str, Any],
        fixed_features: dict[int, float],
        rng: np.random.Generator,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Choose ``n`` encodings with hyperparameters, ``n x (k + h)``, one after another."""
        hyperparameters, k = self.options["hyperparameters"], cell.num_operations
        fixed = {c: round(f * cell.total) for c, f in fixed_features.items() if c < k}
        units = np.zeros((1, len(hyperparameters.columns)))
        for column, unit in fixed_features.items():
            if column >= k:
                units[0, column - k] = unit
        numbers = hyperparameters.nearest(units)[0]
        given = {c - k: float(numbers[c - k]) for c in fixed_features if c >= k}
        taken, settings = np.asarray(run["trials"]) / cell.total, run["settings"]
        chosen: list[Tensor] = []
        values: list[Tensor] = []
        for _ in range(n):
            counts = self._candidates(cell, run, None, rng, fixed)
            pool = JointPool(hyperparameters, self.score, self.acqf, self._tensor, rng)
            with _coinciding_points():
                point, value = pool.best(
                    counts / cell.total, run["best_settings"], (taken, settings), given
                )
            chosen.append(point)
            values.append(value)
            own = point[None].cpu().numpy()
            taken = np.concatenate([taken, np.rint(own[:, :k] * cell.total) / cell.total])
            settings = np.concatenate([settings, hyperparameters.nearest(own[:, k:])])
            if len(chosen) < n:
                self._go_on_after(point[None])
        return torch.stack(chosen), torch.stack(values), torch.ones(n)

    def score(self, X: Tensor) -> Tensor:
        """Acquisition values of ``m x k`` fractions, ``m``."""
        with torch.no_grad(), _coinciding_points():
            return torch.cat([self.acqf(chunk.unsqueeze(1)) for chunk in torch.split(X, _CHUNK)])

    def _candidates(
        self,
        cell: Cell,
        run: dict[str, Any],
        trials: Counts | None,
        rng: np.random.Generator,
        fixed: dict[int, int],
    ) -> Counts:
        optimizer = self.options["optimizer"]
        if optimizer == "exhaustive":
            return _whole_grid(cell, trials, fixed)
        incumbent = None if run["incumbent"] is None else np.asarray(run["incumbent"])
        size = self.options["pool_size"] or 100 * cell.num_operations
        counts = draw_candidates(cell, size, run["beta"], incumbent, fixed, trials, rng)
        if optimizer == "pool":
            return counts
        starts = self._best_of(rng.permutation(counts), cell, self.options["num_starts"])
        with _coinciding_points():
            ascended = mirror_descent(
                acqf=self.acqf,
                starts=starts,
                learning_rate=self.options["learning_rate"],
                num_steps=self.options["num_steps"],
            )
        snapped = apply_fixed_counts(ascended.cpu().numpy(), cell, fixed)
        if trials is not None:
            snapped = not_exhausted(snapped, trials, cell)
        return unique_counts(np.concatenate([snapped, counts]), cell)

    def _best_of(self, counts: Counts, cell: Cell, number: int) -> Tensor:
        X = self._tensor(counts / cell.total)
        return X[self.score(X).topk(min(number, len(X))).indices]

    def _tensor(self, array: Fractions) -> Tensor:
        return torch.as_tensor(array, dtype=self.dtype, device=self.device)


def _joined(earlier: Tensor | None, X: Tensor) -> Tensor:
    return X if earlier is None else torch.cat([earlier, X])


def _whole_grid(cell: Cell, trials: Counts | None, fixed: dict[int, int]) -> Counts:
    """All encodings with the fixed counts, without exhausted ones unless all are exhausted."""
    grid = exhaustive(cell)
    for column, value in fixed.items():
        grid = grid[grid[:, column] == value]
    if not len(grid):
        # This raises an error if no encoding can have the fixed counts.
        return apply_fixed_counts(grid / cell.total, cell, fixed)
    left = grid if trials is None else not_exhausted(grid, trials, cell)
    return left if len(left) else grid


@contextmanager
def _coinciding_points() -> Iterator[None]:
    # Candidates may well be encodings that were observed: their joint covariance, which the
    # Monte Carlo functions decompose, is then singular up to the jitter that is announced.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        yield


def choose_by_ei(
    model: Model, pending: Tensor, candidates: Tensor, best: float, rng: np.random.Generator
) -> int:
    """The candidate with the largest expected improvement, as its row.

    Args:
        model: A fitted single-output GP of targets that are minimised.
        pending: ``q x d`` pending points, which are believed to have their posterior means.
        candidates: ``m x d`` candidates.
        best: The best target observed.
        rng: What chooses among equally good candidates.
    """
    if len(pending):
        model = believe(model, pending)
        best = min(best, float(predict_posterior(model, pending)[0].min()))
    mean, deviation = predict_posterior(model, candidates)
    return best_row(log_expected_improvement(mean, deviation, best), rng)


def believe(model: Model, X_pending: Tensor) -> Model:
    """Condition a model on pending points at their posterior mean (Kriging believer).

    Source: Ginsbourger, Le Riche & Carraro 2010, "Kriging is well-suited to parallelize
    optimization".

    Args:
        model: A fitted single-output GP, or a list of these.
        X_pending: ``q x k`` pending points.
    """
    if isinstance(model, ModelList):
        return ModelListGP(*(believe(each, X_pending) for each in model.models))  # type: ignore[arg-type]
    with torch.no_grad():
        posterior: Any = model.posterior(X_pending)
        noise = model.likelihood.noise.mean().expand(X_pending.shape[0], 1)  # type: ignore[union-attr, operator]
        return model.condition_on_observations(X=X_pending, Y=posterior.mean, noise=noise)
