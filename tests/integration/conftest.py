"""What the three ways in have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ax_anasod.storage import close_database


@pytest.fixture
def one_database() -> Iterator[None]:
    """Ax has one database a process: each test has it to itself."""
    close_database()
    yield
    close_database()
