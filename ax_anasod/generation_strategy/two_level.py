"""``two-level-bo``: beyond the paper."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod.adapter import AnasodGenerators
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.generation_strategy.nodes import draws_then_model
from ax_anasod.generation_strategy.options import CheckedOptions
from ax_anasod.generation_strategy.strategy import Strategy
from ax_anasod.generators.two_level import check_two_level, turns_of


@dataclass(frozen=True)
class TwoLevelOptions(CheckedOptions):
    """Options of ``two-level-bo`` (see :class:`ax_anasod.generators.TwoLevelGenerator`).

    Args:
        num_initial: Random architectures observed before the first model.
        surrogate: How architectures of one distribution are told apart: ``"alternating"``
            (default), ``"blocks"``, ``"paths"``, ``"sum"`` of both, or not at all:
            ``"distribution"``.
        log_targets: Model the logarithm of the objective where its values have one sign.
        enumeration_limit: The most architectures that are all evaluated for a proposal; in
            larger cells the acquisition function is searched.

    Raises:
        UnknownNameError: There is no such surrogate.
        OptionError: A value is out of range or of the wrong type.
    """

    num_initial: int = 10
    surrogate: str = "alternating"
    log_targets: bool = True
    enumeration_limit: int = 100_000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_two_level(self.num_initial, self.surrogate, self.enumeration_limit)


def _two_level(
    name: str, space: AnasodSearchSpace | CellSearchSpace, seed: int, options: TwoLevelOptions
) -> GenerationStrategy:
    turns_of(space.cell, options.surrogate)  # refuses before the first trial
    arguments = {"cell": space.cell.to_dict(), "seed": seed, **asdict(options)}
    return draws_then_model(
        name,
        AnasodGenerators.RANDOM_ARCHITECTURE,
        AnasodGenerators.TWO_LEVEL,
        arguments,
        options.num_initial,
    )


TWO_LEVEL: Final = Strategy(
    "two-level-bo",
    "Gaussian process on distributions and architectures; beyond the paper",
    "architecture",
    TwoLevelOptions,
    _two_level,
    expects_improvement=True,
)
