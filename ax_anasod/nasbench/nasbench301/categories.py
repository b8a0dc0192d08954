"""Architectures as the categories of NAS-Bench-301's configuration space."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from ax_anasod import cells
from ax_anasod.cells.genotype import GenotypeCell
from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.benchmark import IntArray

PREFIX: Final = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
UNUSED: Final = "#na#"
"""Category of an edge that an architecture does not have."""

# What the model takes: numbers of 32 bits.
_LARGEST: Final = 2**31 - 1
_NODES: Final = range(2, 6)
_NODES_THAT_CHOOSE: Final = range(3, 6)
_FIRST_EDGES: Final = tuple(itertools.accumulate((0, *_NODES)))[: len(_NODES)]
_NUM_EDGES: Final = sum(_NODES)


def category_names() -> list[str]:
    """The 34 categories, in the order of the surrogate's input.

    First the operation of each edge: those of node 2 are 0 and 1, of node 3 2 to 4, of node
    4 5 to 8, of node 5 9 to 13, each by its input; normal, then reduction cell. Then the
    pair of inputs of the nodes 3 to 5, which choose theirs.

    Source: Siems et al., *NAS-Bench-301 and the case for surrogate benchmarks* (2020), whose
    configuration space has these names; the order is that of YAHPO Gym's model.

    Example:
        >>> names = category_names()
        >>> len(names), names[0].removeprefix(PREFIX), names[-1].removeprefix(PREFIX)
        (34, 'edge_normal_0', 'inputs_node_reduce_5')
    """
    parts = _cell().part_names
    edges = [f"edge_{part}_{edge}" for part in parts for edge in range(_NUM_EDGES)]
    inputs = [f"inputs_node_{part}_{node}" for part in parts for node in _NODES_THAT_CHOOSE]
    return [PREFIX + name for name in (*edges, *inputs)]


class CategoryTable:
    """Turns codes of the DARTS cell into categories.

    Args:
        encoding: Category -> value in words (an operation, a pair of inputs such as
            ``"0_2"``, ``"#na#"``) -> the number that the surrogate was fitted with.
        source: The encoding in words, for messages.

    Raises:
        BenchmarkError: If a category or one of its values is missing, or is no number.
    """

    def __init__(self, encoding: Mapping[str, Mapping[str, int]], source: str) -> None:
        self._cell = _cell()
        operations = (UNUSED, *self._cell.operations)
        names = category_names()
        num_parts = len(self._cell.part_names)
        edges, inputs = names[: num_parts * _NUM_EDGES], names[num_parts * _NUM_EDGES :]
        # One row an edge: the number of an unused one, then those of the operations.
        self._edge_numbers = np.array([_numbers(encoding, e, operations, source) for e in edges])
        self._input_numbers = [
            _numbers(encoding, name, _pairs(node), source)
            for name, node in zip(inputs, [*_NODES_THAT_CHOOSE] * num_parts, strict=True)
        ]

    def __call__(self, codes: IntArray) -> npt.NDArray[np.int32]:
        """The ``n x 34`` categories of ``n x d`` codes, in the order of `category_names`.

        Example:
            >>> from ax_anasod import cells
            >>> words = [UNUSED, *cells.get("darts").operations]
            >>> encoding = {
            ...     name: {w: i for i, w in enumerate(words)}
            ...     if "edge" in name
            ...     else {f"{a}_{b}": 10 * a + b for b in range(5) for a in range(b)}
            ...     for name in category_names()
            ... }
            >>> CategoryTable(encoding, "an example")(np.zeros((1, 22), dtype=int))[0, 28:].tolist()
            [1, 1, 1, 1, 1, 1]
        """
        sources = self._cell.sources(codes)
        operations = np.asarray(codes)[:, : self._cell.num_blocks]
        num_parts = len(self._cell.part_names)
        first_edges = np.repeat(_FIRST_EDGES, 2)
        parts = _NUM_EDGES * np.arange(num_parts)[:, None]
        edges = sources + (first_edges + parts).ravel()
        categories = np.empty((len(sources), len(category_names())), dtype=np.int32)
        categories[:, : num_parts * _NUM_EDGES] = self._edge_numbers[:, 0]
        np.put_along_axis(categories, edges, self._edge_numbers[edges, 1 + operations], axis=1)
        for place, numbers in enumerate(self._input_numbers):
            chosen = np.asarray(codes)[:, self._cell.num_blocks + place]
            categories[:, num_parts * _NUM_EDGES + place] = numbers[chosen]
        return categories


def _cell() -> GenotypeCell:
    cell = cells.get("darts")
    if not isinstance(cell, GenotypeCell):
        raise TypeError(f"the cell 'darts' is a {type(cell).__name__}")
    return cell


def _pairs(node: int) -> list[str]:
    """The pairs of inputs of a node, in the order of its wiring choice."""
    return [f"{low}_{high}" for low, high in itertools.combinations(range(node), 2)]


def _numbers(
    encoding: Mapping[str, Mapping[str, int]],
    name: str,
    values: tuple[str, ...] | list[str],
    source: str,
) -> npt.NDArray[np.int32]:
    known = encoding.get(name)
    if not isinstance(known, Mapping):
        raise BenchmarkError(f"{source} has no category {name!r}")
    for value in values:
        number = known.get(value)
        if type(number) is not int or not 0 <= number <= _LARGEST:
            raise BenchmarkError(
                f"{source} gives no whole number from 0 to {_LARGEST:,} for {value!r} of the "
                f"category {name!r}"
            )
    return np.array([known[value] for value in values], dtype=np.int32)
