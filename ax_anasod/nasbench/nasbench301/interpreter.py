"""Which Python has the package nasbench301."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Final

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.paths import read_settings

VARIABLE: Final = "AX_ANASOD_NASBENCH301_PYTHON"
"""Environment variable that names it."""

FILE: Final = "interpreter.json"
"""File that ``ax-anasod setup-nasbench301`` leaves beside the surrogates, and that names it."""

_LEVELS: Final = 3


def find_interpreter(directory: Path, given: str | None = None) -> str:
    """The Python interpreter that has the package nasbench301.

    It is, in this order, the one that is given; that of the environment variable
    ``AX_ANASOD_NASBENCH301_PYTHON``; that of a file ``interpreter.json`` in the folder or in
    one of the two above it: ``{"python": "venv/bin/python"}``, relative to the file.

    Args:
        directory: The folder of the surrogate.
        given: A path or a name on the search path, None if there is none.

    Returns:
        Its path.

    Raises:
        BenchmarkError: If none is named, or there is no such program.
    """
    named, by = given, "python"
    if named is None:
        named, by = os.environ.get(VARIABLE) or None, f"the variable {VARIABLE}"
    if named is None:
        absolute = directory.resolve()
        for folder in (absolute, *absolute.parents)[:_LEVELS]:
            if (folder / FILE).is_file():
                named, by = _read(folder / FILE), f"the file {folder / FILE}"
                break
    if named is None:
        raise BenchmarkError(
            f"{directory} holds ensembles of the package nasbench301, which needs a Python of "
            "its own",
            f"make one with: ax-anasod setup-nasbench301 --python PYTHON --into {directory}; or "
            f"name it with python=PATH, or with the variable {VARIABLE}",
        )
    program = shutil.which(named)
    if program is None:
        raise BenchmarkError(f"there is no interpreter {named!r}, which {by} names")
    return program


def _read(file: Path) -> str:
    content = read_settings(file, dict[str, Any])
    if not isinstance(content.get("python"), str):
        raise BenchmarkError(f'{file} does not name an interpreter as {{"python": PATH}}')
    return str(file.parent / content["python"])
