from __future__ import annotations

from typing import Any

import pytest

from ax_anasod.global_stopping import promises_too_little
from ax_anasod.metadata import EXPECTED_IMPROVEMENT


def expected(*percents: float | None) -> list[dict[str, Any]]:
    return [{} if p is None else {EXPECTED_IMPROVEMENT: p} for p in percents]


@pytest.mark.parametrize(
    ("percents", "answer"),
    [
        ((0.1, 0.1, 0.1), True),
        ((9.0, 0.1, 0.1, 0.1), True),
        ((0.1, 9.0, 0.1, 0.1), False),  # not for three trials in a row
        ((0.1, 0.1), False),
        ((None, 0.1, 0.1), False),  # a random trial expects nothing
        ((0.1, 0.1, 0.5), False),  # not below
        ((), False),
    ],
)
def test_the_rule(percents: tuple[float | None, ...], answer: bool) -> None:
    assert promises_too_little(expected(*percents), 0.5, window_size=3) is answer
