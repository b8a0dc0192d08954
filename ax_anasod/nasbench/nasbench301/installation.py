"""A Python of its own for the package nasbench301: uv makes it, and finds it again."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ax_anasod.exceptions import BenchmarkError, OptionalImportError, RunError
from ax_anasod.nasbench.nasbench301.ensemble_surrogate import SCRIPT
from ax_anasod.nasbench.nasbench301.worker import (
    STARTING,
    LineProcess,
    ProcessLostError,
    ProcessSlowError,
)
from ax_anasod.nasbench.source_files import one_line
from ax_anasod.schema import conform

VARIABLE: Final = "AX_ANASOD_NASBENCH301_PYTHON"
"""Environment variable that names the interpreter."""

# Where an environment has the package, on Unix and on Windows.
_PLACES: Final = ("lib/python3*/site-packages/nasbench301", "Lib/site-packages/nasbench301")


def find_uv() -> str:
    """The program uv: that of its Python package, or else the one on the search path.

    Returns:
        Its path.

    Raises:
        OptionalImportError: uv is not installed.
    """
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        program = shutil.which("uv")
    if program is None:
        raise OptionalImportError("uv", "nasbench301")
    return program


def install(uv: str, say: Callable[[str], None]) -> str:
    """Have uv make the environment that the worker's script asks for, and check it.

    uv keeps it in its cache, and shows its own progress. Doing it again goes on where it was
    stopped. No surrogate is fetched: nasbench301 has its own way to its official ones.

    Args:
        uv: The program uv, see `find_uv`.
        say: Told what is done.

    Returns:
        The path of the environment's interpreter.

    Raises:
        RunError: If uv fails.
        BenchmarkError: If the package cannot be imported in the end.
    """
    command = [uv, "sync", "--script", str(SCRIPT)]
    say(f"$ {shlex.join(command)}")
    code = _run(command).returncode
    if code:
        raise RunError(
            f"this command has failed with exit code {code}: {shlex.join(command)}",
            "what it printed says why; the same set-up, run again, goes on from here",
        )
    python = _find_python(uv)
    missing = _check_package(python, say)
    say("the ensembles of XGBoost, LightGBM and the graph network gnn_gin can be used")
    if missing:
        say(
            f"not there: {', '.join(missing)}, which have to be compiled; only the graph network "
            "deeper_gnn needs them"
        )
    return python


def _find_python(uv: str) -> str:
    """The interpreter that uv takes for the script: of its environment, once there is one."""
    return _run([uv, "python", "find", "--script", str(SCRIPT)], subprocess.PIPE).stdout.strip()


def _run(command: list[str], output: int | None = None) -> subprocess.CompletedProcess[str]:
    try:
        # Beside the script: uv obeys a uv.toml and runs a .venv of the folder that it is
        # started in, which may be somebody else's.
        return subprocess.run(
            command, cwd=SCRIPT.parent, stdout=output, stderr=output, text=True, check=False
        )
    except OSError as error:
        raise RunError(f"{command[0]} cannot be run: {error.strerror}") from error


def _check_package(python: str, say: Callable[[str], None]) -> list[str]:
    """The compiled packages that it lacks."""
    command = [python, "-I", str(SCRIPT), "--check"]
    say(f"$ {shlex.join(command)}")
    process = LineProcess(command)
    try:
        answer = process.exchange("", STARTING)
    except (ProcessLostError, ProcessSlowError) as error:
        raise BenchmarkError(f"nasbench301 cannot be imported by {python}: {error}") from error
    finally:
        process.end()
    try:
        return conform(dict[str, list[str]], answer)["missing"]
    except (ValueError, KeyError):
        said = one_line(answer.get("error", answer))
        raise BenchmarkError(f"nasbench301 cannot be imported by {python}: {said}") from None


def find_interpreter(directory: Path, given: str | None = None) -> str:
    """The Python interpreter that has the package nasbench301.

    It is, in this order, the one that is given; that of the environment variable
    ``AX_ANASOD_NASBENCH301_PYTHON``; that of uv's environment, which
    ``ax-anasod setup-nasbench301`` makes.

    Args:
        directory: The folder of the surrogate.
        given: A path or a name on the search path, None if there is none.

    Returns:
        Its path.

    Raises:
        BenchmarkError: If no interpreter is named or found.
        RunError: If uv is there and cannot be run.
    """
    named, by = given, "python"
    if named is None:
        named, by = os.environ.get(VARIABLE) or None, f"the variable {VARIABLE}"
    if named is None:
        named, by = _find_environment(), "uv"
    if named is None:
        raise BenchmarkError(
            f"{directory} holds ensembles of the package nasbench301, which needs a Python of "
            "its own",
            "make one with: ax-anasod setup-nasbench301; or name it with python=PATH, or with "
            f"the variable {VARIABLE}",
        )
    program = shutil.which(named)
    if program is None:
        raise BenchmarkError(f"there is no interpreter {named!r}, which {by} names")
    return program


def _find_environment() -> str | None:
    """The interpreter of uv's environment, None before it has the package."""
    try:
        python = _find_python(find_uv())
    except OptionalImportError:
        return None
    # Without an environment, uv names any Python; a set-up that was stopped leaves an empty one.
    folder = Path(python).parent.parent
    return python if python and any(any(folder.glob(place)) for place in _PLACES) else None
