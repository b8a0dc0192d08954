"""NAS-Bench-Graph against the package of the benchmark."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from nas_bench_graph import light_read
from nas_bench_graph.architecture import Arch, gnn_list, gnn_list_proteins, link_list

from ax_anasod import cells
from ax_anasod.cells import NASBenchGraphCell
from ax_anasod.cells.nasbench_graph_cell import LINK_LISTS, OPERATIONS, PROTEINS_OPERATIONS
from ax_anasod.exceptions import ArchitectureError

CELL = NASBenchGraphCell()
PROTEINS = NASBenchGraphCell(proteins=True)


def test_the_lists_are_those_of_the_package() -> None:
    assert [list(links) for links in LINK_LISTS] == link_list
    assert list(OPERATIONS) == gnn_list
    assert list(PROTEINS_OPERATIONS) == gnn_list_proteins


@pytest.mark.parametrize("cell", [CELL, PROTEINS], ids=["all", "proteins"])
def test_classes_are_those_of_the_package_over_all_codes(cell: NASBenchGraphCell) -> None:
    codes = np.array(list(itertools.product(*map(range, cell.code_sizes))))
    expected = [
        Arch(list(link_list[wire]), [cell.operations[i] for i in blocks]).valid_hash()
        for *blocks, wire in codes.tolist()
    ]
    assert cell.hashes(codes).tolist() == expected
    canonical = cell.canonical(codes)
    assert cell.hashes(canonical).tolist() == expected
    assert (cell.encode(canonical) == cell.encode(codes)).all()
    assert len(np.unique(cell.keys(canonical))) == len(set(expected))


@pytest.mark.parametrize(
    ("cell", "dataset", "size"), [(CELL, "cora", 26_206), (PROTEINS, "proteins", 2_021)]
)
def test_the_architectures_are_those_of_the_tables(
    cell: NASBenchGraphCell, dataset: str, size: int
) -> None:
    stored = {int(number) for number in light_read(dataset)}
    codes = cell.enumerate()
    assert set(cell.hashes(codes).tolist()) == stored
    assert cell.size == len(stored) == size
    shuffled = np.random.default_rng(0).permutation(cell.hashes(codes))
    assert (cell.hashes(cell.from_hashes(shuffled)) == shuffled).all()


@pytest.mark.parametrize("cell", [CELL, PROTEINS], ids=["all", "proteins"])
def test_round_trip_over_the_whole_benchmark(cell: NASBenchGraphCell) -> None:
    codes = cell.enumerate()
    strings = cell.to_strings(codes)
    assert len(set(strings)) == cell.size
    assert (cell.from_strings(strings) == codes).all()


def test_strings_are_read_into_representatives() -> None:
    same = ["fc|skip|gcn|gat@0,0,0,0", "gat|fc|gcn|skip@0,0,0,0"]
    codes = CELL.from_strings(same)
    assert (codes[0] == codes[1]).all()


@pytest.mark.parametrize(
    ("string", "message"),
    [
        ("gcn|gat|skip|fc", "'' is no link list.*known: 0,0,0,0; 0,0,0,1"),
        ("gcn|gat|skip|fc@0,0,2,2", "'0,0,2,2' is no link list"),
        ("gcn|gat|skip|fc@3", "'3' is no link list"),
        ("gcn|gat|skip@0,0,1,2", "has 3 operations, not 4"),
        ("gcn|gat|skip|gcm@0,0,1,2", "no operation 'gcm'.*did you mean 'gcn'"),
        ("skip|skip|skip|skip@0,0,1,2", "no valid architecture"),
    ],
)
def test_refuses_malformed_strings(string: str, message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        CELL.from_strings([string])


def test_messages_quote_the_string_as_it_was_written() -> None:
    with pytest.raises(ArchitectureError, match=r"architecture 'gcn\|gat\|skip@0,0,1,2'"):
        CELL.from_strings(["gcn|gat|skip@0,0,1,2"])


@pytest.mark.parametrize("number", [88888, 99999, -1, 10])
def test_refuses_hashes_of_no_architecture(number: int) -> None:
    with pytest.raises(ArchitectureError, match=f"{number} is the hash of no architecture"):
        CELL.from_hashes([number])


def test_proteins_has_its_own_name_and_operations() -> None:
    assert cells.get("nas-bench-graph-proteins") == PROTEINS
    assert PROTEINS != CELL
    # A hash that uses an operation which proteins does not have.
    with pytest.raises(ArchitectureError):
        PROTEINS.from_hashes(CELL.hashes(CELL.from_strings(["gat|gat|gat|gat@0,1,2,3"])))


def test_unread_blocks_are_the_output() -> None:
    codes = np.array([[0, 1, 2, 3, LINK_LISTS.index((0, 0, 1, 3))]])
    assert CELL.sources(codes).tolist() == [[0, 0, 1, 3]]
    assert CELL.outputs(codes)[0, 0].tolist() == [False, False, True, False, True]
