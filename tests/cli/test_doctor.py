from __future__ import annotations

import platform
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ax_anasod.cli import doctor
from ax_anasod.cli.doctor import PackageCheck
from tests.cli.conftest import Command


def test_the_machine_and_every_extra_are_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever wants to know versions does not wait for imports.
    monkeypatch.setattr(doctor, "_run", lambda *program: pytest.fail("a package is imported"))
    outcome = command("doctor")
    assert outcome.code == 0
    assert "ax-anasod doctor --imports" in outcome.err
    for text in (platform.python_version(), sys.executable, "cpu: ", "SQLite"):
        assert text in outcome.out
    lines = [line.split() for line in outcome.out.splitlines() if line.strip()]
    assert any(line[0].startswith("ax-platform") and line[-1] == "ok" for line in lines)
    titles = {line[1] for line in lines if line[0] == "extra"}
    # An installation in place has the extras of the day on which it was made.
    assert titles >= {"train", "ray", "baselines", "nasbench201", "nasbench301", "onnx", "parquet"}
    assert not titles & {"dev", "docs", "all"}


def test_what_is_broken_is_said_and_counts(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [
        PackageCheck("torch>=2.11", None, "2.10", "is outside the versions that were tested"),
        PackageCheck("ray>=2.50", "ray", "2.60", "ImportError: libfoo.so.1: cannot open"),
    ]
    monkeypatch.setattr(doctor, "devices", list)
    monkeypatch.setattr(doctor, "examine", lambda imports: checks)
    outcome = command("doctor", "--imports")
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        "problem: torch>=2.11: is outside the versions that were tested",
        "problem: ray>=2.50: ImportError: libfoo.so.1: cannot open",
    ]
    monkeypatch.setattr(doctor, "examine", lambda imports: checks[1:])
    assert command("doctor", "--imports").code == 0


def test_every_package_is_imported_by_a_name_that_it_has() -> None:
    provided = packages_distributions()
    for requirement, _ in doctor._requirements():
        if doctor._installed(requirement.name):
            owners = map(canonicalize_name, provided.get(doctor._module(requirement), []))
            assert canonicalize_name(requirement.name) in owners, requirement


def test_imports_that_fail_or_end_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name, program in {
        "good_one": "",
        "broken_one": "raise OSError('libcudart.so.12: cannot open shared object file')",
        "crashing_one": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "leaving_one": "raise SystemExit(3)",
        "other_good_one": "",
    }.items():
        (tmp_path / f"{name}.py").write_text(program)
    names = ["good_one", "broken_one", "crashing_one", "leaving_one", "other_good_one", "absent"]
    assert doctor._import_problems(names) == {
        "broken_one": "OSError: libcudart.so.12: cannot open shared object file",
        "crashing_one": "crashes with SIGSEGV",
        "leaving_one": "SystemExit: 3",
        "absent": "ModuleNotFoundError: No module named 'absent'",
    }


@pytest.mark.parametrize(
    ("requirement", "extra", "installed", "problem"),
    [
        ("torch>=2.11", None, "2.14.1+cpu", None),
        ("torch>=2.11", None, "2.10.0", "is outside the versions that were tested"),
        ("torch>=2.11", None, None, "is not installed"),
        ("ray>=2.50", "ray", None, None),
        ("ray>=2.50", "ray", "3.0.0rc1", None),
    ],
)
def test_versions(
    requirement: str, extra: str | None, installed: str | None, problem: str | None
) -> None:
    assert doctor._problem(Requirement(requirement), extra, installed) == problem


def test_a_torch_that_does_not_start_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_DEVICES", "raise OSError('libtorch.so')")
    assert doctor.devices() == ["torch: OSError: libtorch.so"]
