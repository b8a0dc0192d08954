"""The neural ensemble predictor of BANANAS, all of its networks trained at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import torch
from botorch.models.ensemble import EnsembleModel
from torch import Tensor

from ax_anasod.exceptions import OptionError
from ax_anasod.settings import PositiveFloat, PositiveInt, checked
from ax_anasod.threads import undisturbed

_BETAS: Final = (0.9, 0.99)
# Single precision is enough for the networks, but not for the units of the values.
_DTYPE: Final = torch.float32
# Targets are told apart on this scale; a value so far out says no more than "very bad".
_FARTHEST: Final = 1e6


@checked
@dataclass(frozen=True)
class EnsembleOptions:
    """The options of the networks and their training; the defaults are the published ones.

    Source: White et al., "BANANAS" (AAAI 2021), and the parameters of the authors' code
    (naszilla, ``params.py``).

    Args:
        num_members: Networks of the ensemble.
        num_layers: Hidden layers of each.
        layer_width: Units of each hidden layer.
        num_epochs: Passes over the data.
        learning_rate: Step size of Adam, whose betas are 0.9 and 0.99.
        minibatch_size: Observations of a step.
        loss: ``"mae"``, the absolute error (the authors' code), or ``"mape"``, the absolute
            error relative to the distance from ``lower_bound`` (the paper), which counts good
            architectures more and needs all values above it.
        lower_bound: A bound that no value reaches; 0 for errors.

    Raises:
        OptionError: A number is out of range.
        UnknownNameError: The loss is unknown.
    """

    num_members: PositiveInt = 5
    num_layers: PositiveInt = 10
    layer_width: PositiveInt = 20
    num_epochs: PositiveInt = 150
    learning_rate: PositiveFloat = 0.01
    minibatch_size: PositiveInt = 32
    loss: Literal["mae", "mape"] = "mae"
    lower_bound: float = 0.0

    @property
    def bound(self) -> float | None:
        """The bound that all values must be above; None if there is none."""
        return self.lower_bound if self.loss == "mape" else None


class NeuralEnsemble(EnsembleModel):
    """Feed-forward networks with rectified linear units, their weights in common tensors.

    Weights are drawn as in Keras, which the authors used (Glorot uniform, biases zero),
    from a generator of their own: neither building nor training touches torch's global one.

    Args:
        num_features: Number of inputs ``d``.
        options: Size and training.
        generator: Where random numbers come from.
    """

    center: Tensor
    scale: Tensor

    def __init__(
        self, num_features: int, options: EnsembleOptions, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._num_outputs = 1
        self.options = options
        self.weights = torch.nn.ParameterList()
        self.biases = torch.nn.ParameterList()
        sizes = [num_features, *[options.layer_width] * options.num_layers, 1]
        members = options.num_members
        for inputs, outputs in itertools.pairwise(sizes):
            limit = math.sqrt(6.0 / (inputs + outputs))
            draws = torch.rand(members, inputs, outputs, generator=generator, dtype=_DTYPE)
            self.weights.append(torch.nn.Parameter((2.0 * draws - 1.0) * limit))
            self.biases.append(torch.nn.Parameter(torch.zeros(members, 1, outputs, dtype=_DTYPE)))
        self.register_buffer("center", torch.zeros((), dtype=_DTYPE))
        self.register_buffer("scale", torch.ones((), dtype=_DTYPE))
        self.eval()

    def forward(self, X: Tensor) -> Tensor:
        """The predictions of each network, in the units of the values it was trained on.

        Args:
            X: ``batch_shape x n x d`` inputs.

        Returns:
            ``batch_shape x s x n x 1`` predictions of the ``s`` networks.
        """
        flat = X.reshape(-1, X.shape[-1]).to(self.weights[0])
        outputs = self._outputs(flat.expand(self.options.num_members, -1, -1)).to(X)
        values = self.center.to(X) + self.scale.to(X) * outputs  # s x (batch_shape * n)
        return values.reshape(-1, *X.shape[:-1]).movedim(0, -2).unsqueeze(-1)

    def _outputs(self, inputs: Tensor) -> Tensor:
        """Outputs ``s x n`` for inputs of each network ``s x n x d``."""
        hidden = inputs
        # A slice of a parameter list is a new module: more work than the networks themselves.
        *layers, (last_weight, last_bias) = zip(self.weights, self.biases, strict=True)
        for weight, bias in layers:
            hidden = torch.baddbmm(bias, hidden, weight).relu()
        return torch.baddbmm(last_bias, hidden, last_weight)[..., 0]


@undisturbed()
def fit_neural_ensemble(
    train_X: Tensor, train_Y: Tensor, seed: int, options: EnsembleOptions | None = None
) -> NeuralEnsemble:
    """Train all networks of an ensemble in one batched computation.

    They differ in their first weights and in the order of the observations. Values are
    brought to a common scale first, so that neither their unit nor a few failures far out
    matter: with ``"mae"`` by median and median absolute deviation, with ``"mape"`` by the
    median distance from the lower bound.

    Source: White et al., "BANANAS: Bayesian optimization with neural architectures for neural
    architecture search" (AAAI 2021).

    Args:
        train_X: ``n x d`` inputs, n >= 1.
        train_Y: ``n x 1`` values.
        seed: Where all random numbers are derived from.
        options: Size and training.

    Returns:
        The trained ensemble; its predictions are in the units of ``train_Y``.

    Raises:
        OptionError: The loss is ``"mape"`` and a value is not above the lower bound.
    """
    options = options or EnsembleOptions()
    generator = torch.Generator().manual_seed(seed)
    ensemble = NeuralEnsemble(train_X.shape[-1], options, generator)
    ensemble.center, ensemble.scale = _common_scale(train_Y.double(), options)
    # A copy, since tensors of inference mode cannot be trained on.
    inputs = train_X.to(_DTYPE, copy=True)
    targets = (train_Y[:, 0].double() - ensemble.center) / ensemble.scale
    targets = targets.clamp(-_FARTHEST, _FARTHEST).to(_DTYPE)
    # The relative error |prediction / target - 1| is an absolute one with these weights.
    weights = 1.0 / targets if options.loss == "mape" else torch.ones_like(targets)
    optimizer = torch.optim.Adam(
        ensemble.parameters(), lr=options.learning_rate, betas=_BETAS, fused=True
    )
    for batch in _minibatches(len(inputs), options, generator):
        optimizer.zero_grad()
        errors = (ensemble._outputs(inputs[batch]) - targets[batch]).abs() * weights[batch]
        # A sum over members of means: each network is trained as if it were alone.
        torch.autograd.backward(errors.mean(dim=1).sum())
        optimizer.step()
    return ensemble.requires_grad_(False)


def _minibatches(n: int, options: EnsembleOptions, generator: torch.Generator) -> Iterator[Tensor]:
    """The observations of each step, ``s x b``: an order of its own for each network."""
    for _ in range(options.num_epochs):
        draws = torch.rand(options.num_members, n, generator=generator, dtype=_DTYPE)
        order = draws.argsort(dim=1)
        yield from torch.split(order, options.minibatch_size, dim=1)


def _common_scale(values: Tensor, options: EnsembleOptions) -> tuple[Tensor, Tensor]:
    """The number subtracted from the values, and the number they are then divided by."""
    if options.loss == "mape":
        lowest = values.min().item()
        if lowest <= options.lower_bound:
            raise OptionError(
                f"loss 'mape' needs all values above lower_bound = {options.lower_bound}, "
                f"got {lowest}",
                "use a smaller lower_bound, or loss='mae'",
            )
        bound = torch.tensor(options.lower_bound, dtype=values.dtype)
        return bound, (values - bound).median()
    center = values.median()
    deviations = (values - center).abs()
    if not deviations.any():
        return center, torch.ones_like(center)
    # Where more than half of the values are equal, those of the others say what is far.
    scale = deviations.median()
    return center, scale if scale > 0 else deviations[deviations > 0].median()
