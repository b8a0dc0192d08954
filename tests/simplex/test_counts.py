"""What counts as an encoding, and what the refusal of the rest says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ax_anasod.exceptions import EncodingError, OptionError
from ax_anasod.simplex import validate_counts


@pytest.mark.parametrize(
    ("counts", "total", "message"),
    [
        pytest.param([[2, 4], [3, 2]], 6, r"sum to 6, but row 1 \[3, 2\] sums to 5", id="sum"),
        pytest.param([2, -1, 5], 6, "negative, but row 0 .* has -1 at position 1", id="negative"),
        pytest.param([[1, 5], [2.5, 3.5]], 6, "row 1 .* has 2.5 at position 0", id="fractional"),
        pytest.param([math.nan, 6.0], 6, "row 0 .* has nan at position 0", id="nan"),
        pytest.param([6.0, math.inf], 6, "row 0 .* has inf at position 1", id="infinite"),
        pytest.param([1e19, 0.0], None, "has 1e[+]19 at position 0", id="beyond int64"),
        pytest.param(
            np.array([[0, 2**63]], dtype=np.uint64), None, "fit 63 bits, but row 0", id="uint64"
        ),
        # The two sum to 6 modulo 2^64.
        pytest.param([2**62, 2**62, 2**62, 2**62, 6], 6, "sum to 6, but row 0", id="overflow"),
        pytest.param([[1, 1], [0, 0]], None, "at least 1, but row 1", id="no blocks"),
        pytest.param([[1, 2], [3]], 3, "unequal length", id="ragged"),
        pytest.param(["1", "2"], 3, "must be whole numbers", id="text"),
        pytest.param([True, False], 1, "must be whole numbers", id="booleans"),
        pytest.param([[[1]]], 1, r"n x k array .* got shape \(1, 1, 1\)", id="dimensions"),
        pytest.param([], 1, r"k at least 1, got shape \(0,\)", id="no operations"),
    ],
)
def test_validate_counts_names_what_is_wrong(
    counts: object, total: int | None, message: str
) -> None:
    with pytest.raises(EncodingError, match=message):
        validate_counts(counts, total)  # type: ignore[arg-type]


def test_validate_counts_converts() -> None:
    given_counts = np.array([[1, 2], [3, 0]])
    assert validate_counts(given_counts, 3) is given_counts
    for other in (given_counts.astype(float), given_counts.astype(np.uint8), [[1, 2], [3, 0]]):
        counts = validate_counts(other, 3)
        assert counts.dtype == np.int64
        assert np.array_equal(counts, given_counts)


def test_empty_batch_is_legal() -> None:
    assert validate_counts(np.zeros((0, 3), dtype=np.int64), 4).shape == (0, 3)


@pytest.mark.parametrize("total", [0, -1, 6.0, "6"])
def test_totals_out_of_range_are_refused(total: object) -> None:
    with pytest.raises(OptionError):
        validate_counts([6], total)  # type: ignore[arg-type]
