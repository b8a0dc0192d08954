"""The options of each strategy, with the paper's values as defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from ax_anasod.checked import check_types
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generators.encoding import check_optimizer
from ax_anasod.simplex import LinearSchedule, TrustRegionSchedule


@dataclass(frozen=True)
class CheckedOptions:
    """Options whose values have the types that the fields say."""

    def __post_init__(self) -> None:
        check_types(self)


@dataclass(frozen=True)
class RandomOptions(CheckedOptions):
    """``random`` has no options (paper, App. A.1)."""


@dataclass(frozen=True)
class EncodingOptions(CheckedOptions):
    """Options of every strategy that searches encodings; ``anasod-random`` has no others.

    Args:
        repeat_architectures: Whether an architecture may have a second trial while another of
            its encoding has none, which the paper does not rule out: where the objectives are
            noisy, a second trial tells more of it.

    Raises:
        OptionError: A value is of the wrong type.
    """

    repeat_architectures: bool = False


@dataclass(frozen=True)
class BiasedRandomOptions(EncodingOptions):
    """Options of ``anasod-biased-random`` (paper, Eq. 3 and App. A.1).

    Args:
        beta_max: Beta at the last trial.
        num_trials: Planned number of trials T over which beta grows linearly.

    Raises:
        OptionError: A value is out of range or of the wrong type.
    """

    beta_max: float = LinearSchedule.beta_max
    num_trials: int = 300

    def __post_init__(self) -> None:
        super().__post_init__()
        LinearSchedule(beta_max=self.beta_max, num_trials=self.num_trials)


@dataclass(frozen=True)
class AnasodBOOptions(EncodingOptions):
    """Options of ``anasod-bo`` (paper, Algorithm 2 and App. A.1).

    Args:
        num_initial: Random encodings observed before the first model.
        optimizer: ``"pool"``, ``"mirror-descent"`` or ``"exhaustive"``.
        pool_size: Candidates drawn for a proposal; None means 100 * k.
        beta_max: Largest beta of the trust region.
        beta_min: Smallest beta other than 0.
        success_tolerance: Successes in a row that halve beta.
        failure_tolerance: Failures in a row that double it.
        num_starts: Points that mirror descent moves.
        num_steps: Steps of mirror descent.
        learning_rate: Length of a step, in fractions.
        ard: One lengthscale for each operation.
        log_targets: Model the logarithm of an objective without negative values.

    Raises:
        UnknownNameError: There is no such optimizer.
        OptionError: A value is out of range or of the wrong type.
    """

    num_initial: int = 10
    optimizer: str = "pool"
    pool_size: int | None = None
    beta_max: float = TrustRegionSchedule.beta_max
    beta_min: float = TrustRegionSchedule.beta_min
    success_tolerance: int = TrustRegionSchedule.success_tolerance
    failure_tolerance: int = TrustRegionSchedule.failure_tolerance
    num_starts: int = 8
    num_steps: int = 20
    learning_rate: float = 0.05
    ard: bool = False
    log_targets: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_initial < 1:
            raise OptionError(f"num_initial must be at least 1, got {self.num_initial}")
        check_optimizer(
            self.optimizer, self.pool_size, self.num_starts, self.num_steps, self.learning_rate
        )
        TrustRegionSchedule(
            beta_max=self.beta_max,
            beta_min=self.beta_min,
            success_tolerance=self.success_tolerance,
            failure_tolerance=self.failure_tolerance,
        )


Options = TypeVar("Options")


def make_options(kind: type[Options], strategy: str, values: dict[str, Any]) -> Options:
    """Build the options of a strategy from keyword arguments.

    Raises:
        UnknownNameError: The strategy has no such option.
        OptionError: A value is out of range or of the wrong type.
    """
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            raise UnknownNameError(f"option of strategy {strategy!r}:", name, known or ["(none)"])
    return kind(**values)


__all__ = [
    "AnasodBOOptions",
    "BiasedRandomOptions",
    "EncodingOptions",
    "RandomOptions",
    "make_options",
]
