"""What a user installs: complete, typed, and with every package it imports declared."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

import pytest

from tests.conftest import PATIENCE
from tests.nasbench.nasbench301.test_worker_script import requirements

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCES = sorted((ROOT / "ax_anasod").rglob("*.py"))


def normalised(requirement: str) -> str:
    """The distribution's name in a requirement, as package indexes compare names (PEP 503)."""
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match.group()).lower()


BARE = {normalised(requirement) for requirement in PROJECT["dependencies"]}
EXTRAS = {
    normalised(requirement)
    for extra, requirements in PROJECT["optional-dependencies"].items()
    if extra not in ("dev", "docs")
    for requirement in requirements
}


def imported(nodes: list[ast.stmt], *, everywhere: bool) -> Iterator[str]:
    """Top-level packages that statements import: at import time, or everywhere."""
    for node in nodes:
        for child in ast.walk(node) if everywhere else [node]:
            if isinstance(child, ast.Import):
                yield from (alias.name.split(".")[0] for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module is not None:
                yield child.module.split(".")[0]


PROVIDERS = packages_distributions()


def distributions(package: str) -> set[str]:
    """The distributions that bring a package; its own name where none is installed."""
    return {normalised(name) for name in PROVIDERS.get(package, [package])}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imported_packages_are_declared(path: Path) -> None:
    own = {"ax_anasod", *sys.stdlib_module_names}
    if path.name == "worker_script.py":
        # It runs in a Python of its own, with what was installed there.
        own |= {normalised(line).replace("-", "_") for line in requirements()}
    if path.is_relative_to(ROOT / "ax_anasod" / "testing"):
        # Whoever inherits the conformance cases runs them with it.
        own.add("pytest")
    body = ast.parse(path.read_text()).body
    at_import = set(imported(body, everywhere=False)) - own
    anywhere = set(imported(body, everywhere=True)) - own
    assert not {package for package in at_import if not distributions(package) & BARE}
    assert not {package for package in anywhere if not distributions(package) & (BARE | EXTRAS)}


@pytest.mark.slow
def test_wheel_is_complete(tmp_path: Path) -> None:
    # A copy, since setuptools leaves its build folders beside the sources.
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    package = shutil.copytree(
        ROOT / "ax_anasod", copy / "ax_anasod", ignore=shutil.ignore_patterns("__pycache__")
    )
    expected = {str(path.relative_to(copy)) for path in package.rglob("*") if path.is_file()}
    assert "ax_anasod/py.typed" in expected
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--wheel-dir", str(tmp_path), str(copy)],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    packed = {name for name in names if name.startswith("ax_anasod/")}
    assert packed == expected
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names - packed} == {"ax_anasod-0.1.0.dist-info"}


ADDRESS = "https://example.org/owner/name"


def write_addresses(folder: Path) -> subprocess.CompletedProcess[str]:
    """Do what the workflow of a release does before it builds."""
    script = ROOT / ".github" / "hosted_links.py"
    command = [sys.executable, str(script), ADDRESS, "v1.2"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)


def test_a_release_has_absolute_links_and_pictures(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "ax_anasod").mkdir()
    (tmp_path / "ax_anasod" / "__init__.py").touch()
    for _ in range(2):  # the second time changes nothing
        assert write_addresses(tmp_path).returncode == 0
    # As pip asks the build backend.
    ask = "import setuptools.build_meta as b; print(b.prepare_metadata_for_build_wheel('.'))"
    command = [sys.executable, "-c", ask]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    metadata = (tmp_path / done.stdout.splitlines()[-1] / "METADATA").read_text()
    assert f"Project-URL: Repository, {ADDRESS}\n" in metadata
    assert f"Project-URL: Changelog, {ADDRESS}/blob/v1.2/CHANGELOG.md\n" in metadata
    assert f"({ADDRESS}/blob/v1.2/docs/strategies.md)" in metadata
    places = re.findall(r"\]\(([^)\s]+)|(?:src|srcset)=\"([^\"]+)", metadata)
    assert len(places) > 15
    assert all((link or picture).startswith("https://") for link, picture in places)
    assert f"{ADDRESS}/raw/v1.2/docs/pictures/front-light.png" in {p for _, p in places}


def test_a_relative_link_of_another_form_stops_a_release(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "README.md").write_text("[there][1]\n\n[1]: docs/index.md\n")
    done = write_addresses(tmp_path)
    assert done.returncode == 1
    assert "[1]: docs/index.md" in done.stderr


def test_console_script_and_module_are_the_same() -> None:
    (script,) = entry_points(group="console_scripts", name="ax-anasod")
    assert script.value == PROJECT["scripts"]["ax-anasod"]
    assert callable(script.load())
    helps = [
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
        for command in (
            [str(Path(sys.executable).with_name("ax-anasod")), "--help"],
            [sys.executable, "-m", "ax_anasod", "--help"],
        )
    ]
    assert helps[0] == helps[1]
    assert "search" in helps[0]
