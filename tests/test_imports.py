"""Every module imports, in any order, and pulls in no more than its floor may."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import ax_anasod
from tests.conftest import PATIENCE

PACKAGE = Path(ax_anasod.__file__).parent
MODULES = sorted(
    ".".join(("ax_anasod", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    )
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py"
)
HEAVY = ("ax", "botorch", "gpytorch", "matplotlib", "numpy", "pandas", "plotly", "scipy", "torch")


def loaded_by(statement: str) -> set[str]:
    """Which of the heavy packages a statement loads in a fresh interpreter."""
    script = f"{statement}\nimport sys\nprint(*[p for p in {HEAVY!r} if p in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    return set(done.stdout.split())


# To import a module is to import the packages around it first. So each package is imported once,
# and each module in it gets a fork of that process, in which nothing else of ours is loaded.
FIRST_IMPORTS = """
import gc, importlib, os, pkgutil, sys, traceback
import ax.api.client, ax.storage.sqa_store.save, plotly, pydantic, sqlite3, triton

def visit(name):
    first = name not in sys.modules
    if first and (child := os.fork()):
        os.waitpid(child, 0)
        return
    try:
        module = importlib.import_module(name)
        print(name, flush=True)
        for inner in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
            if not inner.name.endswith(".__main__"):
                visit(inner.name)
    except BaseException:
        traceback.print_exc()
    if first:
        os._exit(0)

gc.freeze()
visit("ax_anasod")
"""


@pytest.mark.slow
def test_each_module_can_be_the_first_one_imported() -> None:
    # A circular import shows only for some first modules.
    command = [sys.executable, "-c", FIRST_IMPORTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert sorted(done.stdout.split()) == MODULES, done.stderr


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import ax_anasod; dir(ax_anasod)", set()),
        ("import ax_anasod.exceptions", set()),
        ("import ax_anasod.journal", set()),
        ("from ax_anasod.runs import Results, RunView", set()),
        ("import ax_anasod.simplex", {"numpy"}),
        ("import ax_anasod.cells", {"numpy"}),
        ("import ax_anasod.nasbench", {"numpy", "pandas", "scipy"}),
    ],
)
def test_import_loads_only(statement: str, allowed: set[str]) -> None:
    assert loaded_by(statement) <= allowed


@pytest.mark.slow
def test_surrogates_know_nothing_of_ax() -> None:
    loaded = loaded_by("import ax_anasod.surrogates")
    assert "torch" in loaded
    assert "ax" not in loaded


@pytest.mark.parametrize(
    "room",
    sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py") if path.parent.name != "cli"),
)
def test_every_room_but_the_command_line_is_an_attribute(room: str) -> None:
    # Asked for as for the first time: whatever imports a room makes it an attribute, too.
    assert ax_anasod.__getattr__(room) is importlib.import_module(f"ax_anasod.{room}")
    assert room in dir(ax_anasod)


@pytest.mark.parametrize("name", ax_anasod.__all__)
def test_public_name_resolves(name: str) -> None:
    value = getattr(ax_anasod, name)
    assert value.__name__ == name
    assert value.__module__.startswith("ax_anasod.")
    assert value.__doc__
    assert name in dir(ax_anasod)


@pytest.mark.parametrize(
    "stub", sorted(PACKAGE.glob("*/__init__.pyi")), ids=lambda s: s.parent.name
)
def test_names_of_a_stub_are_those_of_the_room(stub: Path) -> None:
    room = importlib.import_module(f"ax_anasod.{stub.parent.name}")
    assert room.__all__
    assert set(room.__all__) <= set(dir(room))
    for name in room.__all__:
        assert getattr(room, name) is not None
    # Constants have no module; classes and functions come from the room itself.
    modules = {getattr(getattr(room, name), "__module__", "") for name in room.__all__}
    assert any(module.startswith(f"{room.__name__}.") for module in modules)


@pytest.mark.parametrize("room", ["ax_anasod", "ax_anasod.runs"])
def test_unknown_name_is_an_attribute_error(room: str) -> None:
    with pytest.raises(AttributeError, match=f"'{room}' has no attribute 'Anasod'"):
        _ = importlib.import_module(room).Anasod
