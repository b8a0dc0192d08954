"""The options of the generator of ANASOD-BO."""

from __future__ import annotations

from typing import Any

import pytest

from ax_anasod.cells import Cell
from ax_anasod.exceptions import AnasodError, OptionError, UnknownNameError
from ax_anasod.generators import EncodingGenerator

LARGE = Cell("large", operations=[f"op {i}" for i in range(12)], num_blocks=40)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"optimizer": "poool"}, UnknownNameError, r"'poool' \(did you mean 'pool'"),
        ({"pool_size": 0}, OptionError, "pool_size must be at least 1"),
        ({"num_starts": 0}, OptionError, "num_starts must be at least 1, got 0"),
        ({"num_steps": -2}, OptionError, "num_steps must be at least 1, got -2"),
        ({"learning_rate": 0.0}, OptionError, "learning_rate must be above 0, got 0.0"),
        ({"learning_rate": float("nan")}, OptionError, "learning_rate must be finite"),
        ({"learning_rate": float("inf")}, OptionError, "learning_rate must be finite"),
        ({"trust_region": {"beta_min": 0.0}}, OptionError, "beta_min"),
        (
            {"trust_region": {"beta_max": 0.1, "beta_min": 0.2}},
            OptionError,
            "beta_min must not be above beta_max",
        ),
        ({"trust_region": {"failure_tolerance": 0}}, OptionError, "failure_tolerance"),
        ({"trust_region": {"success_tolerance": 0}}, OptionError, "success_tolerance"),
    ],
)
def test_options_out_of_range_are_refused(
    toy_cell: Cell, options: dict[str, Any], error: type[AnasodError], message: str
) -> None:
    with pytest.raises(error, match=message):
        EncodingGenerator(toy_cell.to_dict(), **options)


def test_exhaustive_search_of_a_large_cell_is_refused() -> None:
    with pytest.raises(OptionError):
        EncodingGenerator(LARGE.to_dict(), optimizer="exhaustive")


def test_the_cell_comes_back_from_its_description(toy_cell: Cell) -> None:
    assert EncodingGenerator(toy_cell.to_dict()).cell == toy_cell
