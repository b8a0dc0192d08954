"""The generator of ANASOD-BO: the paper's GP and its acquisition over encodings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from ax.core.search_space import SearchSpaceDigest
from ax.generators.torch.botorch_modular.acquisition import Acquisition
from ax.generators.torch.botorch_modular.generator import BoTorchGenerator
from ax.generators.torch.botorch_modular.surrogate import SurrogateSpec
from ax.generators.torch.botorch_modular.utils import ModelConfig
from ax.generators.torch_base import TorchOptConfig
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from torch import Tensor

from ax_anasod.cells import from_dict
from ax_anasod.core.coding import Coding, Space
from ax_anasod.core.objectives import Scope
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generators.acquisition import EncodingAcquisition
from ax_anasod.generators.candidates import check_exhaustive
from ax_anasod.simplex import TrustRegionSchedule
from ax_anasod.surrogates.gp import EncodingGP, EncodingLikelihood, free_at_once

Optimizer = Literal["pool", "mirror-descent", "exhaustive"]
OPTIMIZERS: Final[tuple[str, ...]] = get_args(Optimizer)


def check_optimizer(
    optimizer: str,
    pool_size: int | None,
    num_starts: int,
    num_steps: int,
    learning_rate: float,
) -> None:
    """Refuse options of the acquisition's optimisation that are out of range.

    Args:
        optimizer: As for :class:`EncodingGenerator`, like all others.
        pool_size: Likewise.
        num_starts: Likewise.
        num_steps: Likewise.
        learning_rate: Likewise.

    Raises:
        UnknownNameError: There is no such optimizer.
        OptionError: A number is out of range.
    """
    if optimizer not in OPTIMIZERS:
        raise UnknownNameError("acquisition optimizer", optimizer, OPTIMIZERS)
    numbers = {"num_starts": num_starts, "num_steps": num_steps, "pool_size": pool_size}
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise OptionError(f"{name} must be at least 1, got {value}")
    if not 0 < learning_rate < math.inf:
        raise OptionError(f"learning_rate must be positive and finite, got {learning_rate}")


class EncodingGenerator(BoTorchGenerator):
    """Bayesian optimisation on encodings (paper, Algorithm 2).

    An Ax ``BoTorchGenerator`` with the surrogate and the acquisition fixed to the paper's:
    :class:`ax_anasod.surrogates.EncodingGP`, refitted from the same start at every step, and
    the (logarithm of the) expected improvement, optimised over encodings. All arguments are
    plain values, so that Ax stores them as they are.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random trials before the first of this generator; the trust region
            starts after them.
        optimizer: How the acquisition is optimised: ``"pool"`` draws candidates from the
            trust region, ``"mirror-descent"`` also moves the best of them along the gradient
            (Eq. 4), ``"exhaustive"`` evaluates every encoding.
        pool_size: Candidates drawn for a proposal; None means 100 * k.
        beta_max: Largest beta of the trust region.
        beta_min: Smallest beta other than 0.
        success_tolerance: Successes in a row that widen the region.
        failure_tolerance: Failures in a row that narrow it.
        num_starts: Points that mirror descent moves.
        num_steps: Steps of mirror descent.
        learning_rate: Length of a step, in fractions.
        ard: One lengthscale for each operation.
        repeat_architectures: Whether an architecture may have a second trial, as in the paper:
            otherwise a trial is an architecture without one, and no encoding has more trials
            than architectures (see :func:`ax_anasod.generators.candidates.not_exhausted`).

    Raises:
        OptionError: An option is out of range.
    """

    space: Space = "encoding"
    scope: Scope = "front"

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: int = 10,
        optimizer: str = "pool",
        pool_size: int | None = None,
        beta_max: float = TrustRegionSchedule.beta_max,
        beta_min: float = TrustRegionSchedule.beta_min,
        success_tolerance: int = TrustRegionSchedule.success_tolerance,
        failure_tolerance: int = TrustRegionSchedule.failure_tolerance,
        num_starts: int = 8,
        num_steps: int = 20,
        learning_rate: float = 0.05,
        ard: bool = False,
        repeat_architectures: bool = False,
    ) -> None:
        check_optimizer(optimizer, pool_size, num_starts, num_steps, learning_rate)
        self.cell = from_dict(dict(cell))
        if optimizer == "exhaustive":
            check_exhaustive(self.cell)
        self.coding = Coding(self.cell, self.space)
        self.seed, self.repeat_architectures = seed, repeat_architectures
        self.num_initial = num_initial
        self.trust_region = TrustRegionSchedule(
            beta_max=beta_max,
            beta_min=beta_min,
            success_tolerance=success_tolerance,
            failure_tolerance=failure_tolerance,
        )
        super().__init__(
            surrogate_spec=SurrogateSpec(
                model_configs=[
                    ModelConfig(
                        botorch_model_class=EncodingGP,
                        mll_class=EncodingLikelihood,
                        model_options={"ard": ard},
                        # Encodings are in [0, 1]^k already.
                        input_transform_classes=None,
                    )
                ],
                # One model for each objective: their lengthscales differ.
                allow_batched_models=False,
            ),
            acquisition_class=EncodingAcquisition,
            acquisition_options={
                "cell": self.cell,
                "seed": seed,
                "optimizer": optimizer,
                "pool_size": pool_size,
                "num_starts": num_starts,
                "num_steps": num_steps,
                "learning_rate": learning_rate,
                "repeat_architectures": repeat_architectures,
            },
            # Starting from the last fit would make the fit depend on whether the run was
            # interrupted, and is known to get stuck (Ax warm starts by default).
            warm_start_refit=False,
        )

    def fit(self, *args: Any, **kwargs: Any) -> None:
        """Fit one model for each outcome; the arguments are those of Ax."""
        super().fit(*args, **kwargs)
        # Several models are in a list, which is a module of its own.
        free_at_once(self.surrogate.model)

    def best_point(
        self, search_space_digest: SearchSpaceDigest, torch_opt_config: TorchOptConfig
    ) -> Tensor | None:
        """None: Ax would predict all training points again for every proposal."""
        return None

    def _instantiate_acquisition(
        self,
        search_space_digest: SearchSpaceDigest,
        torch_opt_config: TorchOptConfig,
        *args: Any,
        **kwargs: Any,
    ) -> Acquisition:
        # BoTorch would compile a C++ kernel at its first use: minutes of waiting, a compiler
        # that a user need not have, and values that differ from those of a machine without
        # one, so that a run could not be continued there exactly.
        logei._load_attempted = True
        self._botorch_acqf_class = (
            qLogNoisyExpectedHypervolumeImprovement
            if torch_opt_config.is_moo
            else LogExpectedImprovement
        )
        self._user_specified_botorch_acqf_class = self._botorch_acqf_class
        return super()._instantiate_acquisition(
            search_space_digest, torch_opt_config, *args, **kwargs
        )
