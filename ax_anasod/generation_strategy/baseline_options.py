"""The options of the strategies that ANASOD is compared with, as published."""

from __future__ import annotations

from dataclasses import dataclass

from ax_anasod.generation_strategy.options import CheckedOptions
from ax_anasod.generators.checks import check_number


@dataclass(frozen=True)
class LocalSearchOptions(CheckedOptions):
    """Options of ``local-search`` and ``anasod-local-search`` (paper, App. A.1).

    Args:
        num_initial: Random architectures (encodings) of which the best starts a climb.

    Raises:
        OptionError: A value is out of range or of the wrong type.
    """

    num_initial: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("num_initial", self.num_initial, 1)


@dataclass(frozen=True)
class EvolutionOptions(CheckedOptions):
    """Options of ``regularized-evolution`` (see :class:`ax_anasod.generators.EvolutionGenerator`).

    Args:
        num_initial: Random architectures before the first mutant.
        population_size: How many of the last architectures may be parents.
        sample_size: How many of them are drawn, the best of which is the parent.

    Raises:
        OptionError: A value is out of range or of the wrong type.
    """

    num_initial: int = 10
    population_size: int = 30
    sample_size: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("num_initial", self.num_initial, 1)
        check_number("population_size", self.population_size, 1)
        check_number("sample_size", self.sample_size, 1)


@dataclass(frozen=True)
class ReinforceOptions(CheckedOptions):
    """Options of ``reinforce`` (see :class:`ax_anasod.generators.ReinforceGenerator`).

    Args:
        learning_rate: Step size of the policy's logits.
        momentum: How much of the moving average of the rewards stays at each result.
        reward_scale: What the objective is divided by; 100 makes a percentage a fraction.

    Raises:
        OptionError: A value is out of range or of the wrong type.
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    reward_scale: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("learning_rate", self.learning_rate, 0, open_start=True)
        check_number("momentum", self.momentum, 0, 1, open_end=True)
        check_number("reward_scale", self.reward_scale, 0, open_start=True)


@dataclass(frozen=True)
class TPEOptions(CheckedOptions):
    """Options of ``tpe`` (see :class:`ax_anasod.generators.TPEGenerator`).

    Args:
        num_initial: Random architectures before the first model.
        multivariate: Model the blocks together instead of one by one.
        num_candidates: Samples that one proposal is chosen from.

    Raises:
        OptionError: A value is out of range or of the wrong type.
    """

    num_initial: int = 10
    multivariate: bool = True
    num_candidates: int = 24

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("num_initial", self.num_initial, 1)
        check_number("num_candidates", self.num_candidates, 1)


@dataclass(frozen=True)
class SMACOptions(CheckedOptions):
    """Options of ``smac`` (see :class:`ax_anasod.generators.SMACGenerator`).

    Args:
        num_initial: Random architectures before the first model.
        num_trees: Trees of the random forest.
        random_probability: How often a proposal is random.
        num_candidates: Random architectures of which the best start a local search of the
            acquisition function.

    Raises:
        OptionError: A value is out of range or of the wrong type.
    """

    num_initial: int = 10
    num_trees: int = 10
    random_probability: float = 0.2
    num_candidates: int = 10_000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("num_initial", self.num_initial, 1)
        check_number("num_trees", self.num_trees, 1)
        check_number("random_probability", self.random_probability, 0, 1)
        check_number("num_candidates", self.num_candidates, 1)
