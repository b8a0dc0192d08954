"""The cell of NAS-Bench-201 and of the topology space of NATS-Bench."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ax_anasod.cells import strings
from ax_anasod.cells.cell import Cell, register_cell
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.typing import Codes

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

# Edges in the order of the string: node 1 reads 0; node 2 reads 0, 1; node 3 reads 0, 1, 2.
_SOURCES = (0, 0, 1, 0, 1, 2)
_TARGETS = (1, 2, 2, 3, 3, 3)
_TEMPLATE = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
_STRUCTURE = re.compile(r"Structure\(4nodeswith(.*)\)")
_PATTERN = re.compile(re.escape(_TEMPLATE).replace(re.escape("{}"), r"([^|+~]+)"))


@register_cell
class NASBench201Cell(Cell):
    """NAS-Bench-201: 4 nodes, 6 edges, 5 operations, 15,625 architectures.

    Blocks are the edges in the order of the official architecture string
    ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``, where ``op~i`` reads node ``i``.

    Source: Dong and Yang, "NAS-Bench-201: Extending the scope of reproducible neural
    architecture search" (ICLR 2020); paper, Appendix A.1, whose "maxpool" is the
    benchmark's ``avg_pool_3x3``.

    Example:
        >>> cell = NASBench201Cell()
        >>> cell.size, cell.num_encodings
        (15625, 210)
    """

    def __init__(self) -> None:
        super().__init__("nas-bench-201", OPERATIONS, num_blocks=6)

    def arguments(self) -> dict[str, Any]:
        """An empty dictionary: the constructor has no arguments."""
        return {}

    @cached_property
    def block_graph(self) -> BlockGraph:
        """Every node is the sum of one block for each earlier node."""
        return BlockGraph(
            part_names=("cell",),
            num_inputs=1,
            targets=_TARGETS,
            possible_sources=tuple((source,) for source in _SOURCES),
            possible_outputs=(3,),
        )

    def _format(self, codes: Codes) -> list[str]:
        names = np.array(self.operations, dtype=object)[codes].tolist()
        return [_TEMPLATE.format(*row) for row in names]

    def _parse(self, texts: Sequence[str]) -> Codes:
        index = {name: i for i, name in enumerate(self.operations)}
        codes = np.empty((len(texts), self.num_blocks), dtype=np.int64)
        for position, text in enumerate(texts):
            match = _PATTERN.fullmatch(text) or _PATTERN.fullmatch(_bare(text))
            if match is None:
                form = _TEMPLATE.replace("{}", "op")
                strings.refuse(texts, position, f"it does not have the form {form}")
            for operation in match.groups():
                if operation not in index:
                    strings.refuse_operation(texts, position, operation, self.operations)
            codes[position] = [index[operation] for operation in match.groups()]
        return codes


def _bare(text: str) -> str:
    """The string without blanks, and without what the benchmark's own class prints around it."""
    bare = "".join(text.split()).strip("\ufeff")
    printed = _STRUCTURE.fullmatch(bare)
    return printed[1] if printed else bare
