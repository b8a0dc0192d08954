"""The wiring of an architecture, as a network needs it: the inputs and readers of each block."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from ax_anasod.cells import Cell, NASBenchGraphCell, full_cell
from ax_anasod.exceptions import CellError


@dataclass(frozen=True)
class Block:
    """One operation and where it stands; states are numbered as in `BlockGraph`.

    Args:
        operation: Its name.
        source: The state that it reads.
        target: The state that it adds its result to.
    """

    operation: str
    source: int
    target: int


@dataclass(frozen=True)
class CellPlan:
    """One part of one architecture.

    Args:
        num_inputs: States ``0 .. num_inputs - 1`` come from outside.
        blocks: The blocks, in an order in which a state is complete before it is read.
        outputs: The states that are handed on, ascending.
    """

    num_inputs: int
    blocks: tuple[Block, ...]
    outputs: tuple[int, ...]


def plan_cells(cell: Cell, codes: ArrayLike) -> list[tuple[CellPlan, ...]]:
    """The plan of each part of each architecture.

    A cell of the user's own needs nothing but its `block_graph`, `sources` and `outputs`: a
    plain `Cell` is a row of blocks, each of which reads what the one before it wrote.

    Args:
        cell: The cell.
        codes: ``n x d`` codes.

    Returns:
        ``n`` tuples with a plan for each part.

    Raises:
        CellError: If the cell does not describe networks of images, or its graph is none.
        ArchitectureError: If a code is malformed.
    """
    _check_cell(cell)
    codes = cell.validate_codes(codes)
    graph = cell.block_graph
    all_sources, all_outputs = cell.sources(codes).tolist(), cell.outputs(codes)
    plans = []
    for code, sources, outputs in zip(codes.tolist(), all_sources, all_outputs, strict=True):
        parts = []
        for part in range(len(graph.part_names)):
            start = part * graph.blocks_per_part
            blocks = [
                Block(cell.operations[code[start + i]], sources[start + i], target)
                for i, target in enumerate(graph.targets)
            ]
            # Stable, so that the sums are formed in the order of the blocks.
            ordered = tuple(sorted(blocks, key=lambda block: block.target))
            handed_on = tuple(outputs[part].nonzero()[0].tolist())
            parts.append(_checked(cell, CellPlan(graph.num_inputs, ordered, handed_on)))
        plans.append(tuple(parts))
    return plans


def _check_cell(cell: Cell) -> None:
    base = full_cell(cell)
    if isinstance(base, NASBenchGraphCell):
        raise CellError(
            f"cell {cell.name!r} describes graph neural networks, which are not built here",
            "their values are in the benchmark 'nas-bench-graph'",
        )
    if cell.block_graph.residual:
        raise CellError(
            f"the blocks of cell {cell.name!r} add to what they read, which is not built here",
            "ax_anasod.networks.decoder builds networks of tokens from such cells",
        )
    if cell.wiring and not cell.graph_shows_wiring:
        raise CellError(
            f"cell {cell.name!r} has wiring choices but does not say which block reads which",
            "subclass Cell with block_graph and sources, or leave the wiring out",
        )


def _checked(cell: Cell, plan: CellPlan) -> CellPlan:
    written = set(range(plan.num_inputs))
    for block in plan.blocks:
        if block.source not in written or block.source >= block.target:
            raise CellError(
                f"a block of cell {cell.name!r} writes state {block.target} and reads state "
                f"{block.source}, which nothing has written before"
            )
        written.add(block.target)
    wrong = [state for state in plan.outputs if state < plan.num_inputs or state not in written]
    if wrong or not plan.outputs:
        raise CellError(
            f"cell {cell.name!r} hands on the states {list(plan.outputs)}; a network needs at "
            "least one, and only such that blocks write"
        )
    return plan
