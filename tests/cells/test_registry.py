"""Cells by name and from files."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        with pytest.raises(UnknownNameError):
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("wiring = [" + "1" + "0" * 30 + "]", "wiring choice 0 .* at most 1,000,000, got 10+..."),
        ("wiring = [" + "9" * 5000 + "]", "is no TOML: Exceeds the limit .4300 digits"),
        ("wiring = [" + "3," * 20_000 + "]", "at most 10,000 wiring choices"),
        ("wiring = " + "[" * 10_000, "is nested too deeply|is no TOML"),
        ("wiring = " + "{a=" * 10_000, "is nested too deeply|is no TOML"),
        ("wiring = [[2]]", r"wiring choice 0 .* at least 1, got \[2\]"),
        ("wiring = [2.0]", "whole number of at least 1, got 2.0"),
        ("wiring = 2020-01-01", "must be a list of numbers, got datetime.date"),
        ('"' + "x" * 5000 + '" = 1', "has the unknown key 'x+...x+'"),
        ("# " + "x" * 2**20, "cannot be read: it has more than 1,048,576 bytes"),
    ],
    ids=lambda text: text[:30],
)
def test_what_no_cell_has_is_refused_at_once(tmp_path: Path, content: str, message: str) -> None:
    good = 'name = "mine"\noperations = ["conv", "skip"]\nnum_blocks = 4\n'
    with pytest.raises(CellError, match=message) as error:
        cells.load(write(tmp_path, good + content))
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("num_blocks = 100000", "num_blocks of cell 'mine' must be at most 10,000, got 100000"),
        ("num_blocks = " + "9" * 4000, "must be at most 10,000, got 9+...9+"),
        ("num_blocks = 4\noperations = " + str([f"o{i}" for i in range(1001)]), "at most 1,000 op"),
        ("num_blocks = 4\noperations = ['a', '" + "b" * 1001 + "']", "at most 1,000 letters"),
        ("num_blocks = 4\noperations = [['a']]", r"must be non-empty texts, got \['a'\]"),
        ("num_blocks = 4\noperations = {a = 1}", "at least two are needed"),
    ],
    ids=lambda text: text[:30],
)
def test_numbers_beyond_those_of_any_cell(tmp_path: Path, content: str, message: str) -> None:
    operations = "" if "operations" in content else 'operations = ["conv", "skip"]\n'
    with pytest.raises(CellError, match=message):
        cells.load(write(tmp_path, f'name = "mine"\n{operations}{content}\n'))


@given(st.data())
def test_damaged_cell_files_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        drawn = data.draw(st.binary(max_size=3) | st.text('[]{}="\\,.0e_ntf-:', max_size=4))
        damage = drawn if isinstance(drawn, bytes) else drawn.encode()
        content[place : place + data.draw(st.integers(0, 9))] = damage
    path = tmp_path_factory.getbasetemp() / "damaged.toml"
    path.write_bytes(content)
    with contextlib.suppress(CellError):
        assert cells.load(path).num_blocks > 0


def test_load_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CellError, match="there is no cell file .*missing.toml"):
        cells.load(tmp_path / "missing.toml")
    (tmp_path / "my_cell.toml").touch()
    with pytest.raises(CellError, match="there is no cell file .*did you mean 'my_cell.toml'"):
        cells.load(tmp_path / "my_cel.toml")
    with pytest.raises(CellError, match="cannot be read: it is a folder"):
        cells.load(tmp_path)


def test_resolve_takes_names_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, GOOD)
    assert cells.resolve("darts") == cells.get("darts")
    assert cells.resolve(str(path)) == cells.resolve(path) == cells.load(path)
    (tmp_path / "cell").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    assert cells.resolve("cell") == cells.load(path)
    with pytest.raises(CellError):
        cells.resolve("other.toml")


def test_the_room_is_light() -> None:
    heavy = "{'networkx', 'pandas', 'torch', 'ax', 'botorch', 'scipy', 'nas_bench_graph'}"
    code = f"import sys, ax_anasod.cells; print(sorted({heavy} & set(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == "[]"


def test_a_description_is_its_cell_and_a_cell_itself() -> None:
    cell = cells.get("darts")
    assert cells.as_cell(cell) is cell
    assert cells.as_cell(cell.to_dict()) == cell
