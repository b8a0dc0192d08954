"""BONAS: a graph-convolutional embedding, and Bayesian regression on it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import torch

from ax_anasod.core.history import History
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.candidate_pool import PoolGenerator, PoolOptions
from ax_anasod.generators.rounds import ByContent, current_round
from ax_anasod.generators.targets import standardized_targets
from ax_anasod.generators.ties import best_row
from ax_anasod.settings import NonNegativeFloat, PositiveInt, checked
from ax_anasod.surrogates import (
    BayesianLinearRegression,
    GCNOptions,
    GraphConvolutionalNetwork,
    GraphInputs,
    fit_gcn,
    graph_inputs,
    operation_graphs,
)
from ax_anasod.typing import Codes, FloatArray, Values


@checked
class GCNGenerator(PoolGenerator):
    """``gcn-bo``: Bayesian linear regression on what a graph-convolutional network has learned.

    The network embeds the graph of each architecture; the regression on these embeddings says
    how good a candidate is and how sure that is, and the candidate with the largest upper
    confidence bound is proposed. Targets are standardised logarithms; the source takes
    accuracies, which would fit no other objective.

    As published, several trials are chosen with one trained network (``trials_per_fit``);
    the regression and the candidates are new for each trial. Pending trials are no
    candidates; nothing is assumed of their values. A failed trial counts as the worst value
    seen.

    Sources: Shi et al., "Bridging the gap between sample-based and one-shot neural
    architecture search with BONAS" (NeurIPS 2020); the authors' code: candidates by
    evolution, 5 trials a fit, 0.5 standard deviations in the bound.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random trials before the first of this generator.
        trials_per_fit: Trials chosen with one trained network.
        exploration: The distance of the bound above the mean, in standard deviations.
        candidates: Fields of :class:`PoolOptions` that differ from their defaults.
        log_targets: Model the logarithm of the objective.
        network: Fields of :class:`ax_anasod.surrogates.GCNOptions` that differ from their defaults.

    Raises:
        UnknownNameError: There is no such pool.
        OptionError: A number is out of range.
    """

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        trials_per_fit: PositiveInt = 5,
        exploration: NonNegativeFloat = 0.5,
        candidates: Annotated[Mapping[str, Any] | None, PoolOptions] = None,
        log_targets: bool = True,
        network: Annotated[Mapping[str, Any] | None, GCNOptions] = None,
    ) -> None:
        super().__init__(cell, seed, num_initial, candidates)
        self.trials_per_fit = trials_per_fit
        self.exploration = exploration
        self.log_targets = log_targets
        self.options = GCNOptions(**(network or {}))

    def choose(self, history: History, candidates: Codes, rng: np.random.Generator) -> int:
        """The candidate with the largest upper confidence bound."""
        this_round = current_round(history, self.seed, self.num_initial, self.trials_per_fit)
        codes, errors = standardized_targets(this_round.history, self.log_targets)
        network = fitted_gcn(self._graphs(codes), -errors, this_round.seed, self.options)
        codes, errors = standardized_targets(history, self.log_targets)
        regression = BayesianLinearRegression.fit(self._design(network, codes), -errors)
        mean, deviation = regression.predict(self._design(network, candidates))
        return best_row(mean + self.exploration * deviation, rng)

    def _graphs(self, codes: Codes) -> GraphInputs:
        return graph_inputs(operation_graphs(self.cell, codes))

    def _design(self, network: GraphConvolutionalNetwork, codes: Codes) -> FloatArray:
        """Embeddings and an intercept, ``n x (layer_width + 1)``."""
        with torch.no_grad():
            embeddings = network.embed(self._graphs(codes)).double().numpy()
        return np.concatenate([embeddings, np.ones((len(codes), 1))], axis=1)


def fitted_gcn(
    graphs: GraphInputs, targets: Values, seed: int, options: GCNOptions
) -> GraphConvolutionalNetwork:
    """The network of a round, trained when it is asked for first.

    Args:
        graphs: Inputs of ``n`` architectures.
        targets: ``n``, larger is better.
        seed: Seed of the training.
        options: Size and training.
    """
    data = ByContent(graphs.nodes.numpy(), graphs.messages.numpy(), targets)
    return _fitted_gcn(data, seed, options)


# The result follows from the arguments; keeping the last few only saves training again.
@lru_cache(maxsize=4)
def _fitted_gcn(data: ByContent, seed: int, options: GCNOptions) -> GraphConvolutionalNetwork:
    nodes, messages, targets = data.arrays
    graphs = GraphInputs(torch.tensor(nodes), torch.tensor(messages))
    return fit_gcn(graphs, targets, seed, options)
