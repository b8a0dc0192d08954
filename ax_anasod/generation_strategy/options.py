"""The options of each strategy, with the paper's values as defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.simplex import TrustRegionSchedule


@dataclass(frozen=True)
class RandomOptions:
    """``random`` and ``anasod-random`` have no options (paper, App. A.1)."""


@dataclass(frozen=True)
class BiasedRandomOptions:
    """Options of ``anasod-biased-random`` (paper, Eq. 3 and App. A.1).

    Args:
        beta_max: Beta at the last trial.
        num_trials: Planned number of trials T over which beta grows linearly.
    """

    beta_max: float = 2.0
    num_trials: int = 300


@dataclass(frozen=True)
class AnasodBOOptions:
    """Options of ``anasod-bo`` (paper, Algorithm 2 and App. A.1).

    Args:
        num_initial: Random encodings observed before the first model.
        optimizer: ``"pool"``, ``"mirror-descent"`` or ``"exhaustive"``.
        pool_size: Candidates drawn for a proposal; None means 100 * k.
        beta_max: Largest beta of the trust region.
        beta_min: Smallest beta other than 0.
        success_tolerance: Successes in a row that halve beta.
        failure_tolerance: Failures in a row that double it.
        ard: One lengthscale for each operation.
        log_targets: Model the logarithm of the error; needs values >= 0.
    """

    num_initial: int = 10
    optimizer: str = "pool"
    pool_size: int | None = None
    beta_max: float = TrustRegionSchedule.beta_max
    beta_min: float = TrustRegionSchedule.beta_min
    success_tolerance: int = TrustRegionSchedule.success_tolerance
    failure_tolerance: int = TrustRegionSchedule.failure_tolerance
    ard: bool = False
    log_targets: bool = True

    def __post_init__(self) -> None:
        if self.num_initial < 1:
            raise OptionError(f"num_initial must be at least 1, got {self.num_initial}")


Options = TypeVar("Options")


def make_options(kind: type[Options], strategy: str, values: dict[str, Any]) -> Options:
    """Build the options of a strategy from keyword arguments.

    Raises:
        UnknownNameError: The strategy has no such option.
        OptionError: A value is out of range or of the wrong type.
    """
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for name, value in values.items():
        if name not in known:
            raise UnknownNameError(f"option of strategy {strategy!r}:", name, known or ["(none)"])
        _check_type(name, value, known[name].type)
    return kind(**values)


def _check_type(name: str, value: Any, annotation: Any) -> None:
    # Annotations are strings here; all options are plain values or None.
    allowed = {part.strip() for part in str(annotation).split("|")}
    actual = "None" if value is None else type(value).__name__
    if actual not in allowed and not (actual == "int" and "float" in allowed):
        raise OptionError(f"{name} must be {annotation}, got {value!r}")


__all__ = [
    "AnasodBOOptions",
    "BiasedRandomOptions",
    "RandomOptions",
    "make_options",
]
