"""The options of the strategies with a surrogate on architectures, as published."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ax_anasod.generation_strategy.options import CheckedOptions, EncodingOptions
from ax_anasod.generators.checks import check_number
from ax_anasod.generators.nas_bowl import check_noise
from ax_anasod.generators.pool import check_pool
from ax_anasod.simplex import TrustRegionSchedule
from ax_anasod.surrogates import EnsembleOptions, GCNOptions


@dataclass(frozen=True)
class PoolOptions(CheckedOptions):
    """Options of all strategies that choose from a pool of architectures.

    Args:
        num_initial: Random architectures observed before the first model.
        pool: ``"random"``, ``"mutation"``, ``"mixed"``, ``"evolution"``, ``"dirichlet"`` or
            ``"exhaustive"`` (see :class:`ax_anasod.generators.PoolGenerator`).
        pool_size: Candidates of a proposal; None means 100 * k.
        num_parents: How many of the best architectures have mutants.
        mutation_rate: Expected number of changes in a mutant.

    Raises:
        UnknownNameError: There is no such pool.
        OptionError: A value is out of range or of the wrong type.
    """

    num_initial: int = 10
    pool: str = "random"
    pool_size: int | None = None
    num_parents: int = 5
    mutation_rate: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("num_initial", self.num_initial, 1)
        check_pool(self.pool, self.pool_size, self.num_parents, self.mutation_rate)


@dataclass(frozen=True)
class AdjacencyBOOptions(PoolOptions):
    """Options of ``adjacency-bo``: those of a pool and of the Gaussian process.

    Args:
        ard: One lengthscale for each feature.
        log_targets: Model the logarithm of the objective where its values have one sign.

    Raises:
        UnknownNameError: There is no such pool.
        OptionError: A value is out of range or of the wrong type.
    """

    ard: bool = False
    log_targets: bool = True


@dataclass(frozen=True)
class PathBOOptions(AdjacencyBOOptions):
    """Options of ``path-bo``: those of ``adjacency-bo``, and the length of the encoding.

    Args:
        max_features: The most path features; longer paths are left out (all of NAS-Bench-201
            are shorter).

    Raises:
        UnknownNameError: There is no such pool.
        OptionError: A value is out of range or of the wrong type.
    """

    max_features: int = 1_000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("max_features", self.max_features, 1)


@dataclass(frozen=True)
class NeuralEnsembleOptions(CheckedOptions):
    """Options of all strategies with the neural ensemble predictor (White et al. 2021).

    Args:
        trials_per_fit: Trials chosen with one trained ensemble.
        num_members: Networks of the ensemble.
        num_layers: Hidden layers of each.
        layer_width: Units of each hidden layer.
        num_epochs: Passes over the data.
        learning_rate: Step size of Adam.
        minibatch_size: Observations of a step.
        loss: ``"mae"`` or ``"mape"``; see :class:`ax_anasod.surrogates.EnsembleOptions`.
        lower_bound: A bound that no value reaches, for ``"mape"``.

    Raises:
        UnknownNameError: There is no such loss.
        OptionError: A value is out of range or of the wrong type.
    """

    trials_per_fit: int = 10
    num_members: int = EnsembleOptions.num_members
    num_layers: int = EnsembleOptions.num_layers
    layer_width: int = EnsembleOptions.layer_width
    num_epochs: int = EnsembleOptions.num_epochs
    learning_rate: float = EnsembleOptions.learning_rate
    minibatch_size: int = EnsembleOptions.minibatch_size
    loss: str = EnsembleOptions.loss
    lower_bound: float = EnsembleOptions.lower_bound

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("trials_per_fit", self.trials_per_fit, 1)
        EnsembleOptions(**_common_fields(self, EnsembleOptions))


@dataclass(frozen=True)
class AnasodNEPOptions(NeuralEnsembleOptions, EncodingOptions):
    """Options of ``anasod-nep-bo``: those of the ensemble and of the trust region.

    Args:
        num_initial: Random encodings observed before the first model.
        pool_size: Candidates drawn for a proposal; None means 100 * k.
        beta_max: Largest beta of the trust region.
        beta_min: Smallest beta other than 0.
        success_tolerance: Successes in a row that halve beta.
        failure_tolerance: Failures in a row that double it.

    Raises:
        UnknownNameError: There is no such loss.
        OptionError: A value is out of range or of the wrong type.
    """

    num_initial: int = 10
    pool_size: int | None = None
    beta_max: float = TrustRegionSchedule.beta_max
    beta_min: float = TrustRegionSchedule.beta_min
    success_tolerance: int = TrustRegionSchedule.success_tolerance
    failure_tolerance: int = TrustRegionSchedule.failure_tolerance

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("num_initial", self.num_initial, 1)
        if self.pool_size is not None:
            check_number("pool_size", self.pool_size, 1)
        TrustRegionSchedule(**_common_fields(self, TrustRegionSchedule))


@dataclass(frozen=True)
class AdjacencyNEPOptions(NeuralEnsembleOptions, PoolOptions):
    """Options of ``adjacency-nep-bo``: those of the ensemble and of a pool.

    Raises:
        UnknownNameError: There is no such loss, or no such pool.
        OptionError: A value is out of range or of the wrong type.
    """


@dataclass(frozen=True)
class PathNEPOptions(AdjacencyNEPOptions):
    """Options of ``path-nep-bo``: those of ``adjacency-nep-bo``, and the encoding's length.

    Args:
        max_features: The most path features; longer paths are left out (all of NAS-Bench-201
            are shorter).

    Raises:
        UnknownNameError: There is no such loss, or no such pool.
        OptionError: A value is out of range or of the wrong type.
    """

    max_features: int = 1_000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("max_features", self.max_features, 1)


@dataclass(frozen=True)
class BananasOptions(PathNEPOptions):
    """Options of ``bananas``: those of ``path-nep-bo``, with the pool of White et al. 2021.

    Raises:
        UnknownNameError: There is no such loss, or no such pool.
        OptionError: A value is out of range or of the wrong type.
    """

    pool: str = "mutation"
    pool_size: int | None = 100
    mutation_rate: float = 1.5


@dataclass(frozen=True)
class NASBowlOptions(PoolOptions):
    """Options of ``nas-bowl``: those of a pool, as in Ru et al. 2021, and of the GP.

    Args:
        max_depth: The most Weisfeiler-Lehman iterations.
        min_noise: Smallest noise variance, of targets with variance 1.
        max_noise: Largest noise variance.
        log_targets: Model the logarithm of the objective where its values have one sign.

    Raises:
        UnknownNameError: There is no such pool.
        OptionError: A value is out of range or of the wrong type.
    """

    pool: str = "mixed"
    pool_size: int | None = 100
    num_parents: int = 10
    mutation_rate: float = 1.2
    max_depth: int = 2
    min_noise: float = 1e-5
    max_noise: float = 1e-2
    log_targets: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("max_depth", self.max_depth, 0)
        check_noise(self.min_noise, self.max_noise)


@dataclass(frozen=True)
class GCNBOOptions(PoolOptions):
    """Options of ``gcn-bo``: those of a pool, and of the network of Shi et al. 2020.

    Args:
        trials_per_fit: Trials chosen with one trained network.
        exploration: Standard deviations that the upper confidence bound lies above the mean.
        log_targets: Model the logarithm of the objective where its values have one sign.
        num_layers: Graph-convolutional layers.
        layer_width: Units of each.
        num_epochs: Passes over the data.
        learning_rate: Step size of Adam.
        minibatch_size: Architectures of a step.

    Raises:
        UnknownNameError: There is no such pool.
        OptionError: A value is out of range or of the wrong type.
    """

    pool: str = "evolution"
    pool_size: int | None = 100
    trials_per_fit: int = 5
    exploration: float = 0.5
    log_targets: bool = True
    num_layers: int = GCNOptions.num_layers
    layer_width: int = GCNOptions.layer_width
    num_epochs: int = GCNOptions.num_epochs
    learning_rate: float = GCNOptions.learning_rate
    minibatch_size: int = GCNOptions.minibatch_size

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("trials_per_fit", self.trials_per_fit, 1)
        check_number("exploration", self.exploration, 0)
        GCNOptions(**_common_fields(self, GCNOptions))


def _common_fields(options: Any, kind: type[Any]) -> dict[str, Any]:
    """The values of those options that are fields of another class."""
    return {field.name: getattr(options, field.name) for field in fields(kind)}
