"""The generator of ANASOD-BO: the paper's GP and its acquisition over encodings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from ax.core.search_space import SearchSpaceDigest
from ax.generators.torch.botorch_modular.acquisition import Acquisition
from ax.generators.torch.botorch_modular.generator import BoTorchGenerator
from ax.generators.torch.botorch_modular.surrogate import SurrogateSpec
from ax.generators.torch.botorch_modular.utils import ModelConfig
from ax.generators.torch_base import TorchOptConfig
from botorch.acquisition.analytic import LogExpectedImprovement
from torch import Tensor

from ax_anasod._ax import without_native_logei
from ax_anasod.cells import from_dict
from ax_anasod.core import TrialKind
from ax_anasod.core.ax_objectives import ObjectiveScope
from ax_anasod.core.cell_search_space import search_space
from ax_anasod.exceptions import OptionError
from ax_anasod.generators.acquisition import EncodingAcquisition
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.candidates import check_exhaustive
from ax_anasod.generators.encoding_goal import EncodingGoal
from ax_anasod.hyperparameters import Hyperparameters
from ax_anasod.settings import PositiveFloat, PositiveInt, checked
from ax_anasod.simplex import TrustRegionSchedule
from ax_anasod.surrogates.gp import EncodingGP, EncodingLikelihood, free_at_once
from ax_anasod.surrogates.joint_encodings import JointEncodingGP
from ax_anasod.surrogates.joint_fit import JointForm

Optimizer = Literal["pool", "mirror-descent", "exhaustive"]


@checked
class EncodingGenerator(BoTorchGenerator):
    """Bayesian optimisation on encodings (paper, Algorithm 2).

    An Ax ``BoTorchGenerator`` with the surrogate and the acquisition fixed to the paper's:
    :class:`ax_anasod.surrogates.EncodingGP`, refitted from the same start at every step, and
    the (logarithm of the) expected improvement, optimised over encodings. With several objectives
    that is the expected growth of the hypervolume in the users' units, and limits multiply it by
    the probability that they are kept (:class:`ax_anasod.generators.encoding_goal.EncodingGoal`).
    All arguments are plain values, so that Ax stores them as they are.

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Random trials before the first of this generator; the trust region
            starts after them.
        optimizer: The optimiser of the acquisition: ``"pool"`` draws candidates from the
            trust region, ``"mirror-descent"`` also moves the best of them along the gradient
            (Eq. 4), ``"exhaustive"`` evaluates every encoding.
        pool_size: Candidates drawn for a proposal; None means 100 * k.
        trust_region: Fields of :class:`ax_anasod.simplex.TrustRegionSchedule` that differ from
            their defaults.
        num_starts: Points that mirror descent moves.
        num_steps: Steps of mirror descent.
        learning_rate: Length of a step, in fractions.
        ard: One lengthscale for each operation.
        log_targets: Model the logarithm of an objective without negative values, which
            :attr:`adapter_kwargs` tells the transforms of the adapter.
        repeat_architectures: Whether an architecture may have a second trial, as in the paper:
            otherwise a trial is an architecture without one, and no encoding has more trials
            than architectures (see :func:`ax_anasod.generators.candidates.not_exhausted`).
        hyperparameters: Hyperparameters searched beside the cell; None for none. With some, the
            model is :class:`ax_anasod.surrogates.joint_encodings.JointEncodingGP`; the
            acquisition is optimised by
            :class:`ax_anasod.generators.joint_encoding_generator.JointPool`.

    Raises:
        OptionError: An option is out of range, or ``optimizer`` is ``"mirror-descent"`` where
            more than the cell is searched.
    """

    space: TrialKind = "encoding"
    scope: ObjectiveScope = "limits"
    needs: ClassVar[tuple[str, str] | None] = None
    expects_improvement: ClassVar[bool] = False
    joint_form: ClassVar[JointForm] = "both"
    """The combination of the kernels of encodings and hyperparameters: the best on average
    (docs/joint.md)."""
    above: float | None = None

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        optimizer: Optimizer = "pool",
        pool_size: PositiveInt | None = None,
        trust_region: Annotated[Mapping[str, Any] | None, TrustRegionSchedule] = None,
        num_starts: PositiveInt = 8,
        num_steps: PositiveInt = 20,
        learning_rate: PositiveFloat = 0.05,
        ard: bool = False,
        log_targets: bool = True,
        repeat_architectures: bool = False,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.cell = from_dict(dict(cell))
        if hyperparameters and optimizer == "mirror-descent":
            raise OptionError(
                "optimizer='mirror-descent' moves encodings only, and more is searched here",
                "optimizer='pool' has gradients for hyperparameters",
            )
        if optimizer == "exhaustive":
            check_exhaustive(self.cell)
        self.search_space = search_space("encoding", self.cell, hyperparameters)
        beside = self.search_space.hyperparameters
        joint = {
            "num_operations": self.cell.num_operations,
            "unordered": beside.unordered,
            "form": self.joint_form,
        }
        self.seed, self.repeat_architectures = seed, repeat_architectures
        self.num_initial = num_initial
        self.log_targets = log_targets
        self.trust_region = TrustRegionSchedule(**(trust_region or {}))
        super().__init__(
            surrogate_spec=SurrogateSpec(
                model_configs=[
                    ModelConfig(
                        botorch_model_class=JointEncodingGP if beside else EncodingGP,
                        mll_class=EncodingLikelihood,
                        model_options={"ard": ard, **(joint if beside else {})},
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
                "hyperparameters": beside,
            },
            # Starting from the last fit would make the fit depend on whether the run was
            # interrupted, and is known to get stuck (Ax warm starts by default).
            warm_start_refit=False,
        )

    def search_for(self, goal: EncodingGoal | None) -> None:
        """Set the goal of the next proposals; None for the best value of one objective."""
        self.acquisition_options["goal"] = goal

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The hyperparameters searched beside the cell."""
        return self.search_space.hyperparameters

    @property
    def adapter_kwargs(self) -> dict[str, Any]:
        """Further arguments of Ax's adapter: configurations of the transforms."""
        names = self.search_space.names
        beside = self.hyperparameters
        others = {"UnitHyperparameters": {"hyperparameters": beside.to_dict()}} if beside else {}
        all_names = [*names, *beside.places]
        return {
            # Reported quantities need no model.
            "fit_tracking_metrics": False,
            "transform_configs": {
                "PrepareObservations": {"names": all_names, "log_targets": self.log_targets},
                "LogObjectives": {"log_targets": self.log_targets},
                "BomzeRounding": {"names": names, "total": self.cell.total},
                **others,
            },
        }

    def fit(self, *args: Any, **kwargs: Any) -> None:
        """Fit one model for each outcome; the arguments are those of Ax."""
        super().fit(*args, **kwargs)
        # Several models are in a list, which is a module of its own.
        free_at_once(self.surrogate.model)

    def best_point(
        self, search_space_digest: SearchSpaceDigest, torch_opt_config: TorchOptConfig
    ) -> Tensor | None:
        """Return None: otherwise Ax would predict all training points for every proposal."""
        return None

    def _instantiate_acquisition(
        self,
        search_space_digest: SearchSpaceDigest,
        torch_opt_config: TorchOptConfig,
        *args: Any,
        **kwargs: Any,
    ) -> Acquisition:
        without_native_logei()
        self._botorch_acqf_class = LogExpectedImprovement
        self._user_specified_botorch_acqf_class = self._botorch_acqf_class
        # Ax passes no options when it asks for acquisition values only.
        kwargs["acq_options"] = {**self.acquisition_options, **(kwargs.get("acq_options") or {})}
        return super()._instantiate_acquisition(
            search_space_digest, torch_opt_config, *args, **kwargs
        )
