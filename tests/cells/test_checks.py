"""What a cell definition must not be."""

from __future__ import annotations

from typing import Any

import pytest

from ax_anasod.cells import Cell, NASNetCell
from ax_anasod.exceptions import CellError

GOOD: dict[str, Any] = {"name": "mine", "operations": ["conv", "skip"], "num_blocks": 4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "name of a cell"),
        ({"name": "  "}, "name of a cell"),
        ({"name": 3}, "name of a cell must be a non-empty text, got 3"),
        ({"operations": ["conv"]}, r"operations \['conv'\]; at least two"),
        ({"operations": []}, "at least two"),
        ({"operations": "conv"}, "must be a list of names, got 'conv'"),
        ({"operations": 7}, "must be a list of names, got 7"),
        ({"operations": {"skip", "conv"}}, r"a set, .* no order .*such as \['conv', 'skip'\]"),
        ({"operations": frozenset({"a", "b"})}, "a set, which has no order"),
        ({"operations": {"a": 1, "b": 2}.keys()}, "a set, which has no order"),
        ({"operations": ["conv", "conv"]}, "'conv' .* is listed twice"),
        ({"operations": ["conv", ""]}, "non-empty texts, got ''"),
        ({"operations": ["conv", " "]}, "non-empty texts, got ' '"),
        ({"operations": ["conv", 3]}, "non-empty texts, got 3"),
        ({"operations": ["conv", "a|b"]}, r"contains '\|'.*rename it to 'a_b'"),
        ({"operations": ["conv", "a@b"]}, "contains '@'"),
        ({"operations": ["conv\n", "skip"]}, r"'conv\\n' .* a character that is not shown"),
        ({"num_blocks": 0}, "num_blocks .* at least 1, got 0"),
        ({"num_blocks": -1}, "got -1"),
        ({"num_blocks": 2.5}, "whole number of at least 1, got 2.5"),
        ({"num_blocks": True}, "got True"),
        ({"num_blocks": 200_000}, "must be at most 10,000, got 200000"),
        ({"num_blocks": "4"}, "got '4'"),
        ({"wiring": [3, 1]}, "wiring choice 1 .* at least 2, got 1.*leave out"),
        ({"wiring": [2.0]}, "wiring choice 0 .* got 2.0"),
        ({"wiring": 3}, "wiring .* must be a list of numbers, got 3"),
        ({"wiring": "33"}, "wiring .* must be a list of numbers, got '33'"),
        ({"parts": 3}, "4 blocks .* into 3 equal parts"),
        ({"parts": 0}, "parts .* at least 1, got 0"),
    ],
)
def test_refuses_what_is_no_cell(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CellError, match=message):
        Cell(**{**GOOD, **change})


def test_accepts_what_is_one() -> None:
    cell = Cell(**GOOD, wiring=[2, 5], parts=2)
    assert cell.operations == ("conv", "skip")
    assert (cell.total, cell.wiring, cell.code_sizes) == (2, (2, 5), (2, 2, 2, 2, 2, 5))


@pytest.mark.parametrize("operation", ["it's", 'say "x"', "a[0]", "b]"])
def test_genotype_cells_also_refuse_quotes_and_brackets(operation: str) -> None:
    with pytest.raises(CellError, match="quote or a bracket"):
        NASNetCell(["conv", operation])


def test_genotype_cells_need_a_node() -> None:
    with pytest.raises(CellError):
        NASNetCell(num_nodes=0)
