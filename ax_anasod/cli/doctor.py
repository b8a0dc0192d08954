"""``ax-anasod doctor``: what this machine has, and what would not work on it."""

from __future__ import annotations

import os
import platform
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import groupby
from typing import Annotated, Final

import typer
from packaging.requirements import Requirement

_PACKAGE: Final = "ax-anasod"
# For developing the package itself, not for running it.
_NOT_EXTRAS: Final = frozenset({"all", "dev", "docs"})
_MODULES: Final = {
    "ax-platform": "ax",
    "configspace": "ConfigSpace",
    "nas-bench-201": "nas_201_api",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
}
_SECONDS: Final = 300

_IMPORTS: Final = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        print("ok", flush=True)
    except BaseException as error:
        print(" ".join(f"{type(error).__name__}: {error}".split()), flush=True)
"""
_DEVICES: Final = """
import torch
for index in range(torch.cuda.device_count()):
    properties = torch.cuda.get_device_properties(index)
    print(f"cuda:{index}: {properties.name}, {properties.total_memory / 2**30:.0f} GiB")
if torch.backends.mps.is_available():
    print("mps: Apple GPU")
"""


@dataclass(frozen=True)
class PackageCheck:
    """One package that this package needs, or that one of its extras brings.

    Args:
        requirement: The package and its versions, e.g. ``"torch>=2.11"``.
        extra: The extra that brings it; None for what every installation needs.
        installed: The version found, None where it is not installed.
        problem: The problem with it, None if there is none.
    """

    requirement: str
    extra: str | None
    installed: str | None
    problem: str | None


def doctor(
    imports: Annotated[
        bool,
        typer.Option(
            "--imports",
            help="Also import every package, and ask torch for devices; takes some seconds.",
        ),
    ] = False,
) -> int:
    """Show versions and extras found; with --imports devices, too, and what does not start."""
    from ax_anasod.cli.terminal import listing, note, print_result, waiting
    from ax_anasod.escaping import for_terminal

    with waiting("looking at every package"):
        checks = examine(imports=imports)
        hardware = [f"cpu: {os.cpu_count()} cores", *(devices() if imports else ())]
    facts = listing("", "")
    facts.show_header = False
    facts.add_row("ax-anasod", version("ax-anasod"))
    facts.add_row("Python", f"{platform.python_version()} ({sys.executable})")
    facts.add_row("system", platform.platform())
    facts.add_row("SQLite", sqlite3.sqlite_version)
    for device in hardware:
        facts.add_row("device", device)
    print_result(facts)
    for extra, group in groupby(checks, key=lambda check: check.extra):
        title = "needed" if extra is None else f"extra {extra}"
        table = listing(title, "found", "state")
        for check in group:
            state = check.problem or ("ok" if check.installed else "not installed")
            table.add_row(check.requirement, check.installed or "-", state)
        print_result(table)
    broken = [check for check in checks if check.problem]
    for check in broken:
        sys.stderr.write(for_terminal(f"problem: {check.requirement}: {check.problem}") + "\n")
    if not imports:
        note("devices, and whether each package can be imported: ax-anasod doctor --imports")
    return 1 if any(check.extra is None for check in broken) else 0


def examine(*, imports: bool) -> list[PackageCheck]:
    """Look for every package that is needed.

    Args:
        imports: Try whether each that is there can be imported.
    """
    wanted = [(*pair, _installed(pair[0].name)) for pair in _requirements()]
    present = [_module(requirement) for requirement, _, installed in wanted if installed]
    problems = _import_problems(present) if imports else {}
    return [
        PackageCheck(
            requirement=f"{requirement.name}{requirement.specifier}",
            extra=extra,
            installed=installed,
            problem=_problem(requirement, extra, installed) or problems.get(_module(requirement)),
        )
        for requirement, extra, installed in wanted
    ]


def devices() -> list[str]:
    """The accelerators that torch finds, in words; or why torch does not start."""
    output, problem = _run(_DEVICES)
    return [f"torch: {problem}"] if problem else output.splitlines()


def _requirements() -> Iterable[tuple[Requirement, str | None]]:
    for text in requires(_PACKAGE) or []:
        requirement = Requirement(text)
        if requirement.name == _PACKAGE:
            continue
        marker = str(requirement.marker or "")
        extra = marker.split('extra == "')[1].split('"')[0] if "extra ==" in marker else None
        if extra not in _NOT_EXTRAS:
            yield requirement, extra


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _module(requirement: Requirement) -> str:
    """The name by which a package is imported."""
    name = requirement.name.lower()
    return _MODULES.get(name, name.replace("-", "_"))


def _problem(requirement: Requirement, extra: str | None, installed: str | None) -> str | None:
    if installed is None:
        return None if extra else "is not installed"
    if not requirement.specifier.contains(installed, prereleases=True):
        return "is outside the versions that were tested"
    return None


def _import_problems(names: list[str]) -> dict[str, str]:
    """Module -> why it cannot be imported, for those that cannot.

    All are imported in one process, as in use; one that ends it is named, and the rest are
    tried in the next.
    """
    problems: dict[str, str] = {}
    while names:
        output, failure = _run(_IMPORTS, names)
        results = output.splitlines()
        problems.update((n, r) for n, r in zip(names, results, strict=False) if r != "ok")
        if failure is not None and len(results) < len(names):
            problems[names[len(results)]] = failure
        names = names[len(results) + 1 :]
    return problems


def _run(program: str, arguments: list[str] | None = None) -> tuple[str, str | None]:
    """The output of a program in a fresh interpreter, and why it ended early."""
    command = [sys.executable, "-W", "ignore", "-c", program, *(arguments or [])]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        printed = error.stdout or b""
        return printed.decode(errors="replace"), f"does not start within {_SECONDS} seconds"
    if done.returncode < 0:
        return done.stdout, f"crashes with {signal.Signals(-done.returncode).name}"
    if done.returncode > 0:
        return done.stdout, (done.stderr.strip().splitlines() or ["fails"])[-1]
    return done.stdout, None
