"""The cell of hybrid language models: which blocks are attention, linear attention, MLP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np

from ax_anasod.cells import strings
from ax_anasod.cells.cell import Cell, register_cell
from ax_anasod.cells.graph import BlockGraph
from ax_anasod.typing import Codes

_LETTERS: Final = {"attention": "A", "linear-attention": "L", "mlp": "M"}


@register_cell
class HybridLMCell(Cell):
    """Six residual blocks of a decoder, three operations, 729 architectures.

    Architectures are written as one letter a block: ``"MMAMLM"``; the words of the operations
    with ``|`` between them are read, too.

    Example:
        >>> cell = HybridLMCell()
        >>> cell.size, cell.num_encodings
        (729, 28)
        >>> cell.architecture("MMAMLM").operations[2]
        'attention'
    """

    def __init__(self) -> None:
        super().__init__("hybrid-lm", tuple(_LETTERS), num_blocks=6)

    def arguments(self) -> dict[str, Any]:
        """An empty dictionary: the constructor has no arguments."""
        return {}

    @cached_property
    def block_graph(self) -> BlockGraph:
        """Each block adds to what all before it have written."""
        return BlockGraph.chain(self.num_blocks, residual=True)

    def _format(self, codes: Codes) -> list[str]:
        letters = np.array([*_LETTERS.values()])
        return ["".join(row) for row in letters[codes]]

    def _parse(self, texts: Sequence[str]) -> Codes:
        letters = {letter: i for i, letter in enumerate(_LETTERS.values())}
        codes = np.empty((len(texts), self.num_blocks), dtype=np.int64)
        for position, text in enumerate(texts):
            words = text.split("|")
            if all(word in _LETTERS for word in words):
                text = "".join(_LETTERS[word] for word in words)
            if len(text) != self.num_blocks:
                form = f"{self.num_blocks} of the letters {', '.join(letters)}"
                strings.refuse(texts, position, f"it is not {form}")
            for letter in text:
                if letter not in letters:
                    strings.refuse_operation(texts, position, letter, tuple(letters))
            codes[position] = [letters[letter] for letter in text]
        return codes
