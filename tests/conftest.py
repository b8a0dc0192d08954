"""What every test shares: where the real data lies, and how hypothesis behaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SHARED_VARIABLE = "AX_ANASOD_SHARED"

# No deadline: the first call of a compiled or cached function is slow, and so are busy
# machines. In CI the examples are the same each time, so that a red run can be repeated.
settings.register_profile("local", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark data, which is no part of the repository.

    It lies beside the checkout, or where the environment variable says; a test that needs it
    is skipped where it is absent, but not where the variable names a wrong place.
    """
    named = os.environ.get(SHARED_VARIABLE)
    if named is not None:
        folder = Path(named)
        if not folder.is_dir():
            pytest.fail(f"{SHARED_VARIABLE}={named} is no folder")
        return folder
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: set {SHARED_VARIABLE} to the folder of the benchmark data")
    return folder
