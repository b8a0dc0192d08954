"""Cells by name and from files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.exceptions import CellError, UnknownNameError

GOOD = 'name = "mine"\noperations = ["conv", "skip"]\nnum_blocks = 8\n'


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "cell.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_names() -> None:
    for name in cells.names():
        assert cells.get(name).operations
    assert cells.get("nas-bench-301") == cells.get("darts")


def test_unknown_names_get_a_suggestion() -> None:
    for find in (cells.get, cells.resolve):
        with pytest.raises(UnknownNameError, match="did you mean 'nas-bench-201'"):
            find("nasbench-201")


def test_what_is_no_name_is_refused_like_an_unknown_one() -> None:
    for name in (None, ["darts"]):
        with pytest.raises(UnknownNameError, match="unknown cell"):
            cells.get(name)  # type: ignore[arg-type]


def test_load(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert cells.load(path) == Cell("mine", ["conv", "skip"], num_blocks=8)
    path = write(tmp_path, GOOD + "wiring = [2, 3]\n")
    assert cells.load(str(path)).wiring == (2, 3)
    # Windows editors write a byte-order mark.
    assert cells.load(write(tmp_path, GOOD.encode("utf-8-sig"))).num_blocks == 8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "lacks the key 'name'"),
        ('name = "mine"', "lacks the key 'operations'.*for example"),
        (GOOD + "parts = 2", "unknown key 'parts'"),
        (GOOD.replace("operations", "operation"), "'operation'.*did you mean 'operations'"),
        (GOOD.replace("8", "0"), "cell.toml': num_blocks of cell 'mine' .* got 0"),
        (GOOD.replace(', "skip"', ""), "at least two are needed"),
        (GOOD + "wiring = [1]", "wiring choice 0 .*leave out"),
        (GOOD.replace("8", "eight"), "is no TOML: .*line 3"),
        (b"name = '\xff'", "no UTF-8 text"),
        (b"\x1f\x8b\x08\x00binary", "no UTF-8 text"),
    ],
)
def test_load_refuses(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(CellError, match=message):
        cells.load(write(tmp_path, content))


def test_load_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CellError, match="there is no cell file .*missing.toml"):
        cells.load(tmp_path / "missing.toml")
    with pytest.raises(CellError, match="cannot be read: it is a folder"):
        cells.load(tmp_path)


def test_resolve_takes_names_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, GOOD)
    assert cells.resolve("darts") == cells.get("darts")
    assert cells.resolve(str(path)) == cells.resolve(path) == cells.load(path)
    (tmp_path / "cell").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    assert cells.resolve("cell") == cells.load(path)
    with pytest.raises(CellError, match="there is no cell file 'other.toml'"):
        cells.resolve("other.toml")


def test_the_room_is_light() -> None:
    heavy = "{'networkx', 'pandas', 'torch', 'ax', 'botorch', 'scipy', 'nas_bench_graph'}"
    code = f"import sys, ax_anasod.cells; print(sorted({heavy} & set(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == "[]"
