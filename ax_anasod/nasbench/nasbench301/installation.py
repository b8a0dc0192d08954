"""A Python of its own for the package nasbench301: how it is made, and how it is found."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ax_anasod import trust
from ax_anasod.exceptions import BenchmarkError, OptionError, RunError
from ax_anasod.files import read_json, write_json, write_whole
from ax_anasod.nasbench.nasbench301.ensemble_surrogate import SCRIPT
from ax_anasod.nasbench.nasbench301.worker import (
    STARTING,
    LineProcess,
    ProcessLostError,
    ProcessSlowError,
)
from ax_anasod.nasbench.source_files import one_line, read_settings
from ax_anasod.schema import conform

VERSION: Final = "3.11"
"""The Python that the requirements were tried with; all of them have wheels for it."""

REQUIREMENTS: Final = (
    "numpy==1.26.4",
    "scipy==1.13.1",
    "pandas==2.2.3",
    "scikit-learn==1.4.2",
    "xgboost==1.7.6",
    "lightgbm==3.3.5",
    # Later ones do not read the package's configuration space; this one gives exactly the
    # numbers of 0.4.12, for which its models were made.
    "ConfigSpace==0.6.1",
    "torch==2.13.0",
    "torch_geometric==2.8.1",
    "networkx==3.6.1",
    "matplotlib==3.11.2",
    "seaborn==0.13.2",
    "h5py==3.16.0",
    "ipython==9.18.1",
    "requests==2.34.2",
    "tqdm==4.70.1",
    "click==8.5.1",
    "pathvalidate==3.3.1",
)
"""The packages that `nasbench301` imports; it declares none itself."""

PACKAGE: Final = "nasbench301==0.3"

_ENVIRONMENT: Final = "venv"
# Says in the environment who has begun it.
_MARK: Final = "ax-anasod.json"
_ASK_VERSION: Final = "import sys; print('%d.%d' % sys.version_info[:2])"
VARIABLE: Final = "AX_ANASOD_NASBENCH301_PYTHON"
"""Environment variable that names the interpreter."""

FILE: Final = "interpreter.json"
"""File that ``ax-anasod setup-nasbench301`` leaves beside the surrogates; names the interpreter."""

_LEVELS: Final = 3


def install(python: str, directory: Path, say: Callable[[str], None]) -> str:
    """Make a virtual environment with the package and everything that it needs.

    Every command is run without a shell, and told before it is run. Doing it again goes on
    where it was stopped: what is there already is not installed again. No surrogate is
    fetched: nasbench301 has its own way to its official ones.

    Args:
        python: A Python 3.11 that has ``venv``, see `check_python`.
        directory: Folder that gets the environment, as ``venv``, and ``interpreter.json``,
            which tells the benchmark about it.
        say: Told what is done.

    Returns:
        The path of the environment's interpreter.

    Raises:
        RunError: If a command fails, or the folder cannot be written; or if it has an
            environment that this user has not begun there, whose programs would be run.
        BenchmarkError: If the package cannot be imported in the end.
    """
    environment = directory / _ENVIRONMENT
    _claim(environment)
    _run([python, "-m", "venv", str(environment)], say)
    inner = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [str(inner), "-m", "pip", "install", "--disable-pip-version-check"]
    _run([*pip, *REQUIREMENTS], say)
    _run([*pip, "--no-deps", PACKAGE], say)
    missing = _check_package(str(inner), say)
    say(f"writing {directory / FILE}")
    write_interpreter(directory / FILE, inner, PACKAGE)
    say("the ensembles of XGBoost, LightGBM and the graph network gnn_gin can be used")
    if missing:
        say(
            f"not there: {', '.join(missing)}, which have to be compiled; only the graph network "
            "deeper_gnn needs them"
        )
    return str(inner)


def _claim(environment: Path) -> None:
    acting = {"environment": str(environment.resolve())}
    mark = environment / _MARK
    if not environment.exists():
        write_whole(mark, json.dumps({trust.SEAL: trust.seal(acting)}), make_folder=True)
        return
    content = read_json(mark, dict[str, Any]) if mark.exists() else {}
    given = content.get(trust.SEAL)
    if not trust.is_trusted(acting, given):
        raise RunError(
            f"{environment} is there already, and was not begun there by you",
            "delete it, or choose another folder: its programs would be run",
        )


def check_python(python: str) -> str:
    """Make sure that an interpreter is one that the requirements were tried with.

    Args:
        python: A path, or a name on the search path.

    Returns:
        Its path.

    Raises:
        OptionError: If there is no such interpreter, or it has another version.
    """
    program = shutil.which(python)
    if program is None:
        raise OptionError(f"there is no interpreter {python!r}", f"name a Python {VERSION}")
    try:
        done = subprocess.run(
            [program, "-c", _ASK_VERSION], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise OptionError(f"{program} cannot be run: {error.strerror}") from error
    version = done.stdout.strip()
    if done.returncode or version != VERSION:
        found = f"is Python {version}" if not done.returncode and version else "is no Python"
        raise OptionError(
            f"{program} {found}", f"the pinned packages of nasbench301 need Python {VERSION}"
        )
    return program


def _run(command: Sequence[str], say: Callable[[str], None]) -> None:
    line = shlex.join(command)
    say(f"$ {line}")
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise RunError(f"{command[0]} cannot be run: {error.strerror}") from error
    if code:
        raise RunError(
            f"this command has failed with exit code {code}: {line}",
            "what it printed says why; the same set-up, run again, goes on from here",
        )


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
    ``AX_ANASOD_NASBENCH301_PYTHON``; that of a file ``interpreter.json`` in the folder or in
    one of the two above it, which ``ax-anasod setup-nasbench301`` has made for this user on
    this machine.

    Args:
        directory: The folder of the surrogate.
        given: A path or a name on the search path, None if there is none.

    Returns:
        Its path.

    Raises:
        BenchmarkError: If no interpreter is named or found; or if the file that
            names it was made by another user, or moved.
    """
    named, by = given, "python"
    if named is None:
        named, by = os.environ.get(VARIABLE) or None, f"the variable {VARIABLE}"
    if named is None:
        absolute = directory.resolve()
        for folder in (absolute, *absolute.parents)[:_LEVELS]:
            if (folder / FILE).is_file():
                named, by = _interpreter_in(folder / FILE), f"the file {folder / FILE}"
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
    write_json(file, content)


def _acting(file: Path, python: str) -> dict[str, str]:
    # Absolute, so that a copy of the file elsewhere names nothing. Not resolved: the
    # interpreter of an environment is a link to another one.
    return {"interpreter": os.path.abspath(file.parent.resolve() / python)}  # noqa: PTH100


def _interpreter_in(file: Path) -> str:
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
