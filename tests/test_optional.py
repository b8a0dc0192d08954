"""What must be there before it is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ax_anasod.exceptions import OptionalImportError
from ax_anasod.optional import require

PROGRAM = "import ax_anasod.cells, ax_anasod; ax_anasod.make_client"


def test_missing_package_names_the_extra() -> None:
    with pytest.raises(OptionalImportError, match='pip install "ax-anasod\\[baselines\\]"'):
        require("no_such_package_anywhere", "baselines")


def test_installed_package_is_not_imported() -> None:
    import sys

    assert "antigravity" not in sys.modules
    require("antigravity", "baselines")
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("arguments", [["-m", "ax_anasod", "strategies"], ["-c", PROGRAM]])
def test_without_docstrings_one_line_says_why(arguments: list[str]) -> None:
    ended = subprocess.run([sys.executable, "-OO", *arguments], capture_output=True, text=True)

    assert "Ax cannot be imported under python -OO" in ended.stderr.splitlines()[-1]
    assert len(ended.stderr.splitlines()) == 1 or arguments[0] == "-c"
    assert ended.returncode
