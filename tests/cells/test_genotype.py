"""DARTS / NAS-Bench-301 and the NASNet-style cell: genotypes, inputs, neighbours."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ax_anasod import cells
from ax_anasod.cells import Cell, DARTSCell, NASNetCell
from ax_anasod.exceptions import ArchitectureError

DARTS = DARTSCell()
SMALL = NASNetCell(["skip", "conv"], num_nodes=2)
EDGES = "[('skip', 0), ('conv', 1), ('conv', 0), ('skip', 2)]"
GOOD = f"Genotype(cell={EDGES}, cell_concat=[2, 3])"

Edges = frozenset[tuple[int, int, int, int]]


def edges(cell: Cell, code: NDArray[np.int64]) -> Edges:
    """A code as a set of (part, node, input, operation)."""
    sources = cell.sources(code[None])[0]
    per_part = cell.block_graph.blocks_per_part
    return frozenset(
        (block // per_part, cell.block_graph.targets[block % per_part], int(source), int(operation))
        for block, (source, operation) in enumerate(
            zip(sources, code[: cell.num_blocks], strict=True)
        )
    )


@pytest.mark.parametrize(
    ("file", "rows"), [("nb301_archs.csv.gz", 12_439), ("darts_199_trained.csv.gz", 199)]
)
def test_round_trip_over_real_genotypes(shared_data: Path, file: str, rows: int) -> None:
    genotypes = pd.read_csv(shared_data / "darts" / file)["arch"].tolist()
    codes = DARTS.from_strings(genotypes)
    assert DARTS.to_strings(codes) == genotypes
    assert len(np.unique(DARTS.keys(codes))) == len(genotypes) == rows


def test_genotypes_in_any_order_of_inputs(shared_data: Path) -> None:
    # These list the two inputs of a node in either order; some have the operation `none`.
    table = pd.read_csv(shared_data / "darts" / "darts_bench_545_trained.csv.gz")
    genotypes = table["arch"][table["has_none"] == 0].tolist()
    codes = DARTS.from_strings(genotypes)
    again = DARTS.from_strings(DARTS.to_strings(codes))
    assert (again == codes).all()
    with pytest.raises(ArchitectureError):
        DARTS.from_strings(table["arch"][table["has_none"] == 1].tolist())


def test_the_meaning_of_a_code() -> None:
    # Node 3 takes conv from input 0 and skip from node 2: the pair (0, 2) is choice 1.
    assert SMALL.from_strings([GOOD]).tolist() == [[0, 1, 1, 0, 1]]
    assert SMALL.sources([[0, 1, 1, 0, 1]]).tolist() == [[0, 1, 0, 2]]


@pytest.mark.parametrize(
    "variant",
    [
        GOOD.replace("('conv', 0), ('skip', 2)", "('skip', 2), ('conv', 0)"),
        GOOD.replace("[2, 3]", "range(2, 4)"),
        GOOD.replace(" ", ""),
        GOOD.replace(",", " ,\n ").replace("(", "( ").replace("=", " = "),
        GOOD.replace("'", '"'),
        f"  {GOOD}\n",
        f"\ufeff{GOOD}",
        GOOD.replace("[2, 3]", "list(range(2, 4))"),
        GOOD.replace("[2, 3]", "(2, 3)"),
        GOOD.replace("[2, 3]", "array([2, 3])"),
        GOOD.replace("[2, 3]", "[np.int64(2), np.int64(3)]"),
        GOOD.replace(", cell_concat=[2, 3]", ""),
        GOOD.replace("('skip', 2)]", "('skip', 2),]"),
        GOOD.replace("[2, 3])", "[2, 3,],)"),
        GOOD.replace(EDGES, "[[('skip', 0), ('conv', 1)], [('conv', 0), ('skip', 2)]]"),
        GOOD.replace(EDGES, "((('skip', 0), ('conv', 1)), (('conv', 0), ('skip', 2)))"),
        GOOD.replace("'conv', 0", "np.str_('conv'), tensor(0)"),
        GOOD.replace("('conv', 0)", "Edge(operation='conv', source=0)"),
        GOOD.replace("cell=", "").replace("cell_concat=", ""),
        GOOD.replace("Genotype", "search.genotypes.Genotype"),
        f"MINE = {GOOD}",
        f"12/05 01:02:03 PM genotype = {GOOD}",
        "{'cell': [['skip', 0], ['conv', 1], ['conv', 0], ['skip', 2]], 'cell_concat': [2, 3]}",
        '{"cell_concat": [2, 3], "cell": [[["skip", 0], ["conv", 1]], [["conv", 0], ["skip", 2]]]}',
    ],
)
def test_variants_of_writing(variant: str) -> None:
    assert SMALL.to_strings(SMALL.from_strings([variant])) == [GOOD]


@pytest.mark.parametrize(
    ("string", "message"),
    [
        ("", r"at its end, it cannot be read \(its form is Genotype\(cell=\[\('op', input\)"),
        (GOOD[:-1], r"at its end, '\)' was expected"),
        (GOOD + ")", r"at '\)' \(letter 88\), its end was expected"),
        (GOOD.replace("cell=", "normal="), "it lacks the field cell"),
        (GOOD.replace("cell_concat=", "cells="), "it has a field cells"),
        (GOOD.replace("cell_concat=", "cell="), "cell is there twice"),
        (GOOD.replace("cell_concat=", "[2, 3], cell_concat="), "it has too many fields"),
        ("skip|conv", "'|' was expected|was expected"),
        ("['skip', 0]", "it is no genotype"),
        (GOOD.replace("[2, 3]", "[2]"), r"cell_concat is \[2\], not \[2, 3\]"),
        (GOOD.replace("[2, 3]", "[3, 2]"), r"cell_concat is \[3, 2\]"),
        (GOOD.replace("[2, 3]", "[]"), r"cell_concat is \[\]"),
        (GOOD.replace("[2, 3]", "range(4)"), r"cell_concat is \[0, 1, 2, 3\]"),
        (GOOD.replace("[2, 3]", "range(2, 5)"), r"cell_concat is \[2, 3, 4\]"),
        (GOOD.replace("[2, 3]", "range(2, 9999)"), "more nodes than any cell"),
        (GOOD.replace("('skip', 0), ", ""), "has 3 blocks, not 4"),
        (GOOD.replace("('conv', 0), ", "('conv', 0) "), r"at \"\('skip', 2\).* '\]' was expected"),
        (GOOD.replace("'conv', 0", "'conv', -1"), "at .-1.*cannot be read"),
        (GOOD.replace("'conv', 0", "'conv', 10000"), "at .10000.*cannot be read"),
        (GOOD.replace("'conv', 0", "'conv', 0.0"), "at .0.0.*cannot be read"),
        (GOOD.replace("'conv', 0", "'conv', '0'"), "cell is no list of"),
        (GOOD.replace("'conv', 0", "'conv\", 0"), r"'\)' was expected"),
        (GOOD.replace("'conv', 0", "'conv', len('')"), "cell is no list of"),
        (GOOD.replace("'conv', 0", "__import__('os').getpid(), 0"), "at ..getpid"),
        (GOOD.replace("'conv', 0", "\u2018conv\u2019, 0"), "cannot be read"),
        ("[" * 100_000, "it is nested too deeply"),
        ("[" * 100_001, "it has 100,001 letters"),
        (GOOD.replace("'skip', 2", "'skip', 3"), "node 3 of cell reads 0 and 3, not two"),
        (GOOD.replace("'skip', 2", "'skip', 0"), "reads 0 and 0, not two different ones of 0 to 2"),
        (GOOD.replace("'conv', 1", "'convs', 1"), "no operation 'convs'.*did you mean 'conv'"),
    ],
    ids=lambda text: text[:80],
)
def test_refuses_malformed_genotypes(string: str, message: str) -> None:
    with pytest.raises(ArchitectureError, match=message) as error:
        SMALL.from_strings([string])
    assert "\n" not in str(error.value)


@given(st.data())
def test_damaged_genotypes_are_refused_or_read(data: st.DataObject) -> None:
    letters = list(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(letters)))
        letter = data.draw(st.sampled_from("()[]{}=,:'\"\\ \n0129azop._-\x00\ufeffé"))
        letters[place : place + data.draw(st.integers(0, 9))] = letter
    try:
        codes = SMALL.from_strings(["".join(letters)])
    except ArchitectureError:
        return
    assert SMALL.is_valid(codes).all()


def test_parts_are_told_apart() -> None:
    string = DARTS.to_strings(DARTS.sample(1, np.random.default_rng(0)))[0]
    with pytest.raises(ArchitectureError, match="reduce_concat is"):
        DARTS.from_strings([string.replace("reduce_concat=[2, 3, 4, 5]", "reduce_concat=[2]")])
    with pytest.raises(ArchitectureError, match="reduce is there twice"):
        DARTS.from_strings([string.replace("normal", "reduce")])


def test_small_cell_against_all_edge_sets() -> None:
    """Every choice of two inputs and two operations a node is exactly one architecture."""
    node = {
        state: [
            frozenset({(0, state, i, a), (0, state, j, b)})
            for i, j in itertools.combinations(range(state), 2)
            for a, b in itertools.product(range(2), repeat=2)
        ]
        for state in (2, 3)
    }
    expected = {first | second for first, second in itertools.product(node[2], node[3])}
    assert {edges(SMALL, code) for code in SMALL.enumerate()} == expected
    assert SMALL.size == len(expected)


@pytest.mark.parametrize("cell", [SMALL, NASNetCell(), DARTS], ids=lambda cell: cell.name)
def test_neighbours_have_one_other_operation_or_one_other_input(cell: Cell) -> None:
    """Figure 4 of the paper."""
    for code in cell.sample(3, np.random.default_rng(3)):
        own = edges(cell, code)
        for neighbour in cell.neighbours(code):
            gone, come = own - edges(cell, neighbour), edges(cell, neighbour) - own
            assert len(gone) == len(come) == 1
            (part, node, source, operation), (*place, new_source, new_operation) = *gone, *come
            assert place == [part, node]
            assert (source != new_source) != (operation != new_operation)


def test_no_neighbour_is_missing() -> None:
    everything = SMALL.enumerate()
    for code in everything[::7]:
        own = edges(SMALL, code)
        near = []
        for other in everything:
            gone, come = own - edges(SMALL, other), edges(SMALL, other) - own
            if len(gone) == len(come) == 1:
                (_, node, source, operation), (_, place, new_source, new_operation) = *gone, *come
                if node == place and (source == new_source or operation == new_operation):
                    near.append(other.tolist())
        assert SMALL.neighbours(code).tolist() == near


def test_number_of_darts_neighbours() -> None:
    # 16 blocks with 6 other operations, and per cell 2 * (1 + 2 + 3) other inputs.
    code = DARTS.sample(1, np.random.default_rng(0))[0]
    assert len(DARTS.neighbours(code)) == 16 * 6 + 2 * 12


def test_one_encoding_for_both_cells() -> None:
    counts = np.array([[8, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 2]])
    codes = DARTS.decode(counts, np.random.default_rng(0))
    for part in (slice(0, 8), slice(8, 16)):
        ordered = np.sort(codes[:, part], axis=1)
        assert ordered.tolist() == [[0] * 8, [0, 1, 2, 3, 4, 5, 6, 6]]
    assert (codes[1, :8] != codes[1, 8:16]).any()


def test_nasnet_is_configurable() -> None:
    cell = NASNetCell(["a", "b", "c"], num_nodes=3, name="mine")
    assert (cell.total, cell.wiring, cell.parts) == (6, (3, 6), 1)
    assert cells.from_dict(cell.to_dict()) == cell
    assert NASNetCell(["a", "b"], num_nodes=1).wiring == ()
    assert NASNetCell(["a", "b"], num_nodes=1).size == 4


def test_nasnet_has_twenty_possible_edges() -> None:
    cell = cells.get("nasnet")
    assert (len(cell.block_graph.edges), cell.num_blocks, cell.num_operations) == (20, 10, 8)
