"""The cell of NAS-Bench-Graph: graph neural networks of four blocks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ax_anasod.cells import keys, strings
from ax_anasod.cells.cell import Cell, register_cell
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.exceptions import ArchitectureError, CellError, shown
from ax_anasod.typing import ArrayLike, Codes, Indices, Mask

OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
PROTEINS_OPERATIONS = ("gcn", "sage", "arma", "fc", "skip")

# The state that each block reads: 0 is the input of the cell, j what block j wrote
# (blocks counted from 1). Every block reads one state, so a link list is a tree.
LINK_LISTS = (
    (0, 0, 0, 0),
    (0, 0, 0, 1),
    (0, 0, 1, 1),
    (0, 0, 1, 2),
    (0, 0, 1, 3),
    (0, 1, 1, 1),
    (0, 1, 1, 2),
    (0, 1, 2, 2),
    (0, 1, 2, 3),
)
_BLOCKS = 4
_LINK_INDEX: dict[tuple[int, ...], int] = {links: i for i, links in enumerate(LINK_LISTS)}


@register_cell
class NASBenchGraphCell(Cell):
    """NAS-Bench-Graph: 4 blocks, 9 operations, 9 link lists, 26,206 architectures.

    Many codes describe the same network (a ``skip`` that only passes its input on can stand
    elsewhere, equal branches can change places), and the benchmark holds one of each; the
    representative is the one that the benchmark's own ``Arch.valid_hash`` names. Four times
    ``skip`` is no architecture. Where blocks are not read by another block, their results
    are concatenated into the output.

    The string form is ``gcn|gat|skip|fc@0,0,1,2``: the operations, then the link list.

    Source: Qin et al., "NAS-Bench-Graph: Benchmarking graph neural architecture search"
    (NeurIPS 2022).

    Args:
        proteins: True restricts the operations to the five that fit the memory on the
            data set proteins (2,021 architectures).

    Raises:
        CellError: If ``proteins`` is no truth value.

    Example:
        >>> cell = NASBenchGraphCell()
        >>> codes = cell.from_strings(["skip|gcn|gat|fc@0,1,1,2"])
        >>> cell.to_strings(codes), cell.hashes(codes).tolist()
        (['skip|gcn|gat|fc@0,1,1,2'], [68107])
    """

    def __init__(self, proteins: bool = False) -> None:
        if not isinstance(proteins, bool):
            raise CellError(f"proteins must be True or False, got {shown(proteins)}")
        name = "nas-bench-graph-proteins" if proteins else "nas-bench-graph"
        operations = PROTEINS_OPERATIONS if proteins else OPERATIONS
        super().__init__(name, operations, num_blocks=_BLOCKS, wiring=(len(LINK_LISTS),))
        self.proteins = proteins

    def arguments(self) -> dict[str, Any]:
        """True for the cell of the data set proteins."""
        return {"proteins": self.proteins}

    def is_valid(self, codes: ArrayLike) -> Mask:
        """True for each of ``n x d`` codes in which some block is not ``skip``."""
        blocks = self.validate_codes(codes)[:, :_BLOCKS]
        valid: Mask = (blocks != self.operations.index("skip")).any(axis=1)
        return valid

    def canonical(self, codes: ArrayLike) -> Codes:
        """The representative of each architecture, ``n x d``."""
        table = _representatives(self.operations)
        return keys.unpack(table[self.pack(codes)], self.code_sizes)

    def members(self, code: ArrayLike) -> Codes:
        """All codes of the same architecture: ``d`` to ``m x d``."""
        table = _representatives(self.operations)
        own = table[self.pack(np.asarray(code)[None])]
        return keys.unpack(np.flatnonzero(table == own), self.code_sizes)

    def hashes(self, codes: ArrayLike) -> Indices:
        """The benchmark's own number of each architecture, under which its tables store it.

        Args:
            codes: ``n x d`` codes.

        Returns:
            ``n`` integers whose decimal digits are the link list and the four operations
            (of all nine, on proteins too).
        """
        codes = self.canonical(codes)
        digits = np.array([OPERATIONS.index(name) for name in self.operations])
        hashes = codes[:, _BLOCKS].copy()
        for block in range(_BLOCKS):
            hashes = hashes * 10 + digits[codes[:, block]]
        return hashes

    def from_hashes(self, hashes: ArrayLike) -> Codes:
        """The codes of the benchmark's own numbers; inverse of `hashes`.

        Raises:
            ArchitectureError: If a number is not one of this cell's architectures.
        """
        wanted = np.asarray(hashes)
        codes = self.enumerate()
        known = self.hashes(codes)
        order = np.argsort(known)
        at = order[np.searchsorted(known, wanted, sorter=order).clip(max=len(known) - 1)]
        wrong = known[at] != wanted
        if wrong.any():
            raise ArchitectureError(
                f"{wanted[wrong][0]} is the hash of no architecture of cell {self.name!r}"
            )
        found: Codes = codes[at]
        return found

    @cached_property
    def block_graph(self) -> BlockGraph:
        """A tree: every block writes a state of its own and reads an earlier one."""
        return BlockGraph(
            part_names=("cell",),
            num_inputs=1,
            targets=tuple(range(1, _BLOCKS + 1)),
            possible_sources=tuple(tuple(range(block + 1)) for block in range(_BLOCKS)),
            possible_outputs=tuple(range(1, _BLOCKS + 1)),
        )

    def sources(self, codes: ArrayLike) -> Indices:
        """The link lists of ``n x d`` codes, ``n x num_blocks``."""
        return np.array(LINK_LISTS)[self.validate_codes(codes)[:, _BLOCKS]]

    def outputs(self, codes: ArrayLike) -> Mask:
        """The states that no block reads, ``n x 1 x num_states``."""
        unread = np.array([[s not in links for s in range(_BLOCKS + 1)] for links in LINK_LISTS])
        return unread[self.validate_codes(codes)[:, _BLOCKS], None]

    def _format(self, codes: Codes) -> list[str]:
        names = np.array(self.operations, dtype=object)[codes[:, :_BLOCKS]].tolist()
        links = [",".join(map(str, links)) for links in LINK_LISTS]
        wires = codes[:, _BLOCKS].tolist()
        return [f"{'|'.join(row)}@{links[wire]}" for row, wire in zip(names, wires, strict=True)]

    def _parse(self, texts: Sequence[str]) -> Codes:
        wires = {",".join(map(str, links)): i for links, i in _LINK_INDEX.items()}
        index = {name: i for i, name in enumerate(self.operations)}
        codes = np.empty((len(texts), len(self.code_sizes)), dtype=np.int64)
        for position, text in enumerate(texts):
            blocks, _, links = text.partition("@")
            links = "".join(links.split())
            if links not in wires:
                known = "; ".join(wires)
                strings.refuse(texts, position, f"{links!r} is no link list", f"known: {known}")
            row = strings.parse_operations(index, _BLOCKS, texts, position, blocks)
            codes[position] = [*row, wires[links]]
        return codes


@lru_cache
def _representatives(operations: tuple[str, ...]) -> Indices:
    """The packed representative of each packed code, for all codes."""
    k, skip = len(operations), operations.index("skip")
    sizes = (k,) * _BLOCKS
    blocks = keys.unpack(np.arange(k**_BLOCKS), sizes)
    table = np.empty((k**_BLOCKS, len(LINK_LISTS)), dtype=np.int64)
    for wire, links in enumerate(LINK_LISTS):
        for skips in itertools.product((False, True), repeat=_BLOCKS):
            rows = ((blocks == skip) == skips).all(axis=1)
            moved, order = _hoist_skips(links, skips)
            target, relabelled = _listed(moved)
            arranged = blocks[rows][:, [order[i] for i in relabelled]]
            packed = np.min(
                [keys.pack(arranged[:, list(p)], sizes) for p in _automorphisms(target)],
                axis=0,
            )
            table[rows, wire] = packed * len(LINK_LISTS) + _LINK_INDEX[target]
    return table.ravel()


def _hoist_skips(
    links: tuple[int, ...], skips: tuple[bool, ...]
) -> tuple[tuple[int, ...], list[int]]:
    """Moves each removable ``skip`` of a tree to its front, where it changes nothing.

    A ``skip`` is removable where it only passes one result on: it is read by another block,
    or nothing else reads what it reads, or what it reads is the unchanged input.

    Args:
        links: The state that each block reads.
        skips: Which blocks are ``skip``.

    Returns:
        The new link list, and for each of its blocks the old block.
    """
    parents, order = list(links), list(range(_BLOCKS))
    # One pass in block order, as the benchmark's tables were made.
    for block in range(_BLOCKS):
        if not skips[order[block]]:
            continue
        read = block + 1 in parents
        alone = parents.count(parents[block]) == 1
        if read or alone or _passes_input(parents, [skips[i] for i in order], block):
            bypass = [parents[block] if p == block + 1 else p for p in parents]
            rest = bypass[:block] + bypass[block + 1 :]
            # All that stood before the block, and the input, move up by one.
            parents = [0] + [p + 1 if p <= block else p for p in rest]
            order = [order[block], *order[:block], *order[block + 1 :]]
    return tuple(parents), order


def _passes_input(parents: Sequence[int], skips: Sequence[bool], block: int) -> bool:
    """Return True if only ``skip`` lies between the input and the result of ``block``."""
    while block >= 0:
        if not skips[block]:
            return False
        block = parents[block] - 1
    return True


def _listed(links: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The listed link list of the same tree, and for each of its blocks the old block."""
    orders = itertools.permutations(range(_BLOCKS))
    found = ((_relabel(links, order), order) for order in orders)
    # The benchmark lists every tree of four blocks.
    return next((listed, order) for listed, order in found if listed in _LINK_INDEX)


def _automorphisms(links: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The block orders that leave the tree as it is."""
    orders = itertools.permutations(range(_BLOCKS))
    return [order for order in orders if _relabel(links, order) == links]


def _relabel(links: tuple[int, ...], order: tuple[int, ...]) -> tuple[int, ...]:
    """The link list after the blocks ``order`` have become blocks 0, 1, 2, 3."""
    state = {0: 0} | {old + 1: new + 1 for new, old in enumerate(order)}
    return tuple(state[links[old]] for old in order)
