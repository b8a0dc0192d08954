"""The graph of a cell: which state each operation block reads and which it writes.

A *state* is a tensor inside the cell (the paper's node of NAS-Bench-201, a feature map).
States are numbered within a part of the cell, the inputs first; a block reads one state
and adds its result to a later one, so that every cell is acyclic by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ax_anasod.typing import Indices, Mask

if TYPE_CHECKING:
    import networkx

# How published spaces name the operation that passes nothing on, and the one that passes
# its input on unchanged.
ZERO_OPERATIONS: Final = frozenset({"none", "zero", "zeroize"})
IDENTITY_OPERATIONS: Final = frozenset({"skip_connect", "skip", "identity"})


@dataclass(frozen=True)
class BlockGraph:
    """The part of the graph that is the same in all architectures of a cell.

    The cell consists of equally built parts (most have one); all fields but the first
    describe one part, and blocks are numbered part after part.

    Args:
        part_names: The name of each part.
        num_inputs: States ``0 .. num_inputs - 1`` are the inputs of the cell.
        targets: The state that each block writes.
        possible_sources: The states that each block may read, ascending; more than one
            where the wiring decides.
        possible_outputs: The states that may be passed on to the next cell, ascending.
        residual: Whether the cell is a chain whose blocks add to what they read, so that each of
            them is read by every later one.
    """

    part_names: tuple[str, ...]
    num_inputs: int
    targets: tuple[int, ...]
    possible_sources: tuple[tuple[int, ...], ...]
    possible_outputs: tuple[int, ...]
    residual: bool = False

    @property
    def num_states(self) -> int:
        """Number of states of one part, inputs included."""
        return max(self.targets) + 1

    @property
    def blocks_per_part(self) -> int:
        """Number of blocks of one part."""
        return len(self.targets)

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """All ``(source, target)`` pairs that some architecture uses, ordered by target."""
        pairs = {
            (target, source)
            for target, sources in zip(self.targets, self.possible_sources, strict=True)
            for source in sources
        }
        return tuple((source, target) for target, source in sorted(pairs))

    @property
    def shortest_path(self) -> int:
        """Fewest operations between an input and an output in any architecture."""
        return min(self._depths(min)[state] for state in self.possible_outputs)

    @property
    def longest_path(self) -> int:
        """Most operations between an input and an output in any architecture."""
        return max(self._depths(max)[state] for state in self.possible_outputs)

    def _depths(self, better: Callable[[Iterable[int]], int]) -> dict[int, int]:
        """The ``better`` number of operations between an input and each state."""
        depths = dict.fromkeys(range(self.num_inputs), 0)
        # By target, so that all that is written to a state is known before it is read.
        for target, sources in sorted(zip(self.targets, self.possible_sources, strict=True)):
            depth = 1 + better([depths[source] for source in sources])
            depths[target] = better([depths.get(target, depth), depth])
        return depths

    @classmethod
    def chain(cls, num_blocks: int, parts: int = 1, *, residual: bool = False) -> BlockGraph:
        """Blocks one after another, each reading what the one before it wrote.

        Args:
            num_blocks: Number of blocks of one part.
            parts: Number of parts.
            residual: Whether they add to what they read.

        Example:
            >>> BlockGraph.chain(2).edges
            ((0, 1), (1, 2))
        """
        return cls(
            part_names=("cell",) if parts == 1 else tuple(f"part_{i}" for i in range(parts)),
            num_inputs=1,
            targets=tuple(range(1, num_blocks + 1)),
            possible_sources=tuple((source,) for source in range(num_blocks)),
            possible_outputs=(num_blocks,),
            residual=residual,
        )


def to_networkx(
    block_graph: BlockGraph,
    operations: Sequence[str],
    sources: Indices,
    outputs: Mask,
) -> networkx.DiGraph:
    """One architecture as a graph whose nodes are operations.

    Args:
        block_graph: What is the same in all architectures of the cell.
        operations: The operation's name for each of the ``num_blocks`` blocks.
        sources: ``num_blocks``: the state that each block reads.
        outputs: ``num_parts x num_states``: which states are passed on to the next cell.

    Returns:
        A directed acyclic graph. Nodes ``0 .. num_blocks - 1`` are the blocks, in the order
        of the codes; further nodes are named after the part and state, such as
        ``"normal_input_0"`` and ``"normal_output"`` (without the part's name where there is
        only one). Each node has the attributes ``operation`` (the operation's name, or
        ``"input_<i>"``, ``"output"``) and ``part`` (the part's number).
    """
    import networkx as nx

    graph = nx.DiGraph()
    for part, name in enumerate(block_graph.part_names):
        prefix = f"{name}_" if len(block_graph.part_names) > 1 else ""
        blocks = range(part * block_graph.blocks_per_part, (part + 1) * block_graph.blocks_per_part)
        writers: dict[int, list[int | str]] = {}
        for state in range(block_graph.num_inputs):
            graph.add_node(f"{prefix}input_{state}", operation=f"input_{state}", part=part)
            writers[state] = [f"{prefix}input_{state}"]
        for block, target in zip(blocks, block_graph.targets, strict=True):
            graph.add_node(block, operation=operations[block], part=part)
            writers.setdefault(target, []).append(block)
        for block in blocks:
            graph.add_edges_from((writer, block) for writer in writers[int(sources[block])])
        graph.add_node(f"{prefix}output", operation="output", part=part)
        for state in block_graph.possible_outputs:
            if outputs[part, state]:
                graph.add_edges_from((writer, f"{prefix}output") for writer in writers[state])
    return graph
