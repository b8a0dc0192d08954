"""Which Python has the package nasbench301."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

from ax_anasod import trust
from ax_anasod.exceptions import BenchmarkError
from ax_anasod.files import write_whole
from ax_anasod.nasbench.source_files import read_settings

VARIABLE: Final = "AX_ANASOD_NASBENCH301_PYTHON"
"""Environment variable that names it."""

FILE: Final = "interpreter.json"
"""File that ``ax-anasod setup-nasbench301`` leaves beside the surrogates, and that names it."""

_LEVELS: Final = 3


def find_interpreter(directory: Path, given: str | None = None) -> str:
    """The Python interpreter that has the package nasbench301.

    It is, in this order, the one that is given; that of the environment variable
    ``AX_ANASOD_NASBENCH301_PYTHON``; that of a file ``interpreter.json`` in the folder or in
    one of the two above it, which ``ax-anasod setup-nasbench301`` has made for this user on
    this machine.

    Args:
        directory: The folder of the surrogate.
        given: A path or a name on the search path, None if there is none.

    Returns:
        Its path.

    Raises:
        BenchmarkError: If none is named, or there is no such program; or if the file that
            names it was made by somebody else, or moved.
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


def write_interpreter(file: Path, python: Path, package: str) -> None:
    """Write the file that names the interpreter, with a seal (see `ax_anasod.trust`).

    Args:
        file: The file.
        python: The interpreter, below the folder of the file.
        package: What it has, for people.

    Raises:
        RunError: The file cannot be written.
    """
    content = {
        "python": python.relative_to(file.parent).as_posix(),
        "package": package,
        trust.SEAL: trust.seal(_acting(file, str(python))),
    }
    write_whole(file, json.dumps(content, indent=2) + "\n")


def _acting(file: Path, python: str) -> dict[str, str]:
    # Absolute, so that a copy of the file elsewhere names nothing. Not resolved: the
    # interpreter of an environment is a link to another one.
    return {"interpreter": os.path.abspath(file.parent.resolve() / python)}  # noqa: PTH100


def _read(file: Path) -> str:
    content = read_settings(file, dict[str, Any])
    named = content.get("python")
    if not isinstance(named, str):
        raise BenchmarkError(f'{file} does not name an interpreter as {{"python": PATH}}')
    program = str(file.parent / named)
    if not trust.is_trusted(_acting(file, named), content.get(trust.SEAL)):
        raise BenchmarkError(
            f"{file} asks to start the program {program}, but was not made there by you with "
            "setup-nasbench301",
            "if you trust it, name the program yourself with --python PATH",
        )
    return program
