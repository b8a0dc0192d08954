"""The rounding that makes a run the same before and after Ax has saved it."""

from __future__ import annotations

from io import StringIO

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from ax.core.data import Data
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ax_anasod.core.means import as_stored

VALUES = arrays(
    np.float64,
    st.integers(1, 30),
    elements=st.one_of(
        st.floats(0, 100),
        st.floats(-1e12, 1e12),
        st.floats(-1e100, 1e100),
        # Ties in the eleventh decimal, where two ways to round disagree.
        st.integers(0, 10**6).map(lambda i: (i + 0.5) * 1e-10),
        st.integers(0, 2**20).map(lambda i: i / 2**11),
    ),
)


def through_ax(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Saved and loaded the way that Ax's storage does it, for JSON and SQL alike."""
    frame = pd.DataFrame(
        {
            "trial_index": range(len(values)),
            "arm_name": [f"{i}_0" for i in range(len(values))],
            "metric_name": "error",
            "metric_signature": "error",
            "mean": values,
            "sem": np.nan,
        }
    )
    saved = Data(df=frame).full_df.to_json()
    return pd.read_json(StringIO(saved), dtype=False)["mean"].to_numpy(dtype=np.float64)


@given(VALUES)
def test_it_does_not_matter_whether_values_were_saved_in_between(
    values: npt.NDArray[np.float64],
) -> None:
    np.testing.assert_array_equal(as_stored(through_ax(values)), as_stored(values))


@given(VALUES)
def test_a_second_time_changes_nothing(values: npt.NDArray[np.float64]) -> None:
    once = as_stored(values)

    np.testing.assert_array_equal(as_stored(once), once)
    np.testing.assert_array_equal(as_stored(through_ax(once)), once)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (5.62345678912345, 5.6234567891),
        (1 / 3, 0.3333333333),
        (0.0, 0.0),
        (5e-12, 0.0),
        (12345678901234.0, 12345678901234.0),
        (-2.5, -2.5),
        (np.nan, np.nan),
        (np.inf, np.nan),
    ],
)
def test_ten_decimals_are_kept(value: float, stored: float) -> None:
    np.testing.assert_array_equal(as_stored(np.array([value])), [stored])


def test_no_values_are_fine() -> None:
    assert as_stored(np.empty(0)).shape == (0,)
