from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from ax_anasod.checked import check_types
from ax_anasod.exceptions import OptionError


@dataclass
class Options:
    number: float = 1.0
    count: int | None = None
    flag: bool = False
    names: list[str] | None = None


@pytest.mark.parametrize(
    "options",
    [{}, {"number": 2}, {"number": np.float64(2)}, {"count": 3}, {"flag": True}, {"names": None}],
)
def test_values_of_the_type_pass(options: dict[str, object]) -> None:
    check_types(Options(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"number": "1"}, "number must be float, got '1'"),
        ({"number": True}, "number must be float, got True"),
        ({"number": None}, "number must be float, got None"),
        ({"count": 1.0}, r"count must be int \| None, got 1.0"),
        ({"flag": 1}, "flag must be bool, got 1"),
        ({"flag": "no"}, "flag must be bool, got 'no'"),
    ],
)
def test_others_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        check_types(Options(**options))  # type: ignore[arg-type]
