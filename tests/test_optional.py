"""Packages of the optional extras."""

from __future__ import annotations

import pytest

from ax_anasod.exceptions import OptionalImportError
from ax_anasod.optional import require


def test_missing_package_names_the_extra() -> None:
    with pytest.raises(OptionalImportError, match='pip install "ax-anasod\\[baselines\\]"'):
        require("no_such_package_anywhere", "baselines")


def test_installed_package_is_not_imported() -> None:
    import sys

    assert "antigravity" not in sys.modules
    require("antigravity", "baselines")
    assert "antigravity" not in sys.modules
