"""Figure 7 of the paper: the best encoding of a search, and cells sampled from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ax_anasod.cells import Cell, NASNetCell
from ax_anasod.dnas import OneShotConfig, OneShotResult
from ax_anasod.dnas.edges import CellEdges
from ax_anasod.dnas.result_files import CONFIG
from ax_anasod.exceptions import OptionError
from ax_anasod.networks.network_config import NASNET
from ax_anasod.plots.cell_pictures import CellPanel, draw_cells
from ax_anasod.plots.figure import save
from ax_anasod.reproduce.paper import FIGURE_7
from ax_anasod.retraining import BestTrial
from ax_anasod.training.pairing import image_network
from ax_anasod.typing import Codes, FloatArray, Indices

if TYPE_CHECKING:
    from matplotlib.figure import Figure


CELLS_SHOWN: Final = 3
# Smaller shares are not named.
_VISIBLE: Final = 0.005


@dataclass(frozen=True)
class SampledCells:
    """Figure 7, made again of a run of our own.

    Args:
        run: Its folder.
        cell: The cell that was searched.
        found_by: How the encoding was found, in words.
        shares: ``k`` shares of the operations, which sum to 1.
        counts: ``k`` counts, None where a distribution was searched.
        panels: For each sample, the cells that are drawn beside each other.
        name: Its name on the command line.
    """

    run: Path
    cell: Cell
    found_by: str
    shares: FloatArray
    counts: Indices | None
    panels: Sequence[Sequence[CellPanel]]
    name: str = "figure7"

    finished = True
    # Nothing is kept but the picture.
    resumable = False
    failures: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The title for people."""
        return f"Figure 7: the best encoding of {self.run}, cell {self.cell.name}"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The encoding, with the paper's where the cell is the paper's."""
        paper = ["paper"] if self._is_papers else []
        rows = []
        for record in self.records():
            known = [str(record["paper"])] if self._is_papers else []
            count = [] if self.counts is None else [str(record["count"])]
            rows.append([record["operation"], *count, f"{record['share']:.2f}", *known])
        counted = [] if self.counts is None else ["count"]
        return ["operation", *counted, "share", *paper], rows

    def records(self) -> list[dict[str, Any]]:
        """The encoding as numbers."""
        records = []
        for i, operation in enumerate(self.cell.operations):
            record: dict[str, Any] = {"operation": operation}
            record["count"] = None if self.counts is None else int(self.counts[i])
            record["share"] = float(self.shares[i])
            if self._is_papers:
                record["paper"] = FIGURE_7.get(operation, 0)
            records.append(record)
        return records

    def notes(self) -> list[str]:
        """The notes that explain the figure, a sentence each."""
        sentences = [f"Ours: {self.found_by}."]
        if self._is_papers:
            sentences.append(
                "Paper: Figure 7, counts of the best encoding that ANASOD-BO has found in the open "
                "domain; which of the max poolings is meant is not stated."
            )
        sentences += [
            f"Sample {number}, {panel.title}: {self.cell.to_strings(panel.code[None])[0]}"
            for number, row in enumerate(self.panels, start=1)
            for panel in row
            if panel.part == 0
        ]
        return sentences

    def as_dict(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "target": self.name,
            "run": str(self.run),
            "cell": self.cell.name,
            "found_by": self.found_by,
            "encoding": self.records(),
            "samples": [
                [
                    {
                        "title": panel.title,
                        "architecture": self.cell.to_strings(panel.code[None])[0],
                    }
                    for panel in row
                ]
                for row in self.panels
            ],
            "notes": self.notes(),
        }

    def write_more(self, directory: Path) -> list[Path]:
        """Draw the cells.

        Raises:
            RunError: The picture cannot be written.
        """
        path = directory / f"{self.name}.png"
        save(self.draw(), path)
        return [path]

    def draw(self) -> Figure:
        """A row for each sample, or one row, with the shares or counts of the operations."""
        operations = {
            i: f"{self.shares[i]:.2f}" if self.counts is None else str(self.counts[i])
            for i in range(self.cell.num_operations)
            if self.shares[i] >= _VISIBLE
        }
        return draw_cells(self.cell, self.panels, operations, f"encoding of {self.run.name}")

    @cached_property
    def _is_papers(self) -> bool:
        return isinstance(self.cell, NASNetCell) and self.cell == NASNetCell()


def reproduce_cells(run: str | Path, samples: int = CELLS_SHOWN) -> SampledCells:
    """Draw the best encoding of a run, and cells sampled from it.

    As in the paper, the normal and the reduction cell come from the same encoding.

    Args:
        run: The folder of a run of ``ax-anasod train`` or ``ax-anasod dnas``.
        samples: How many cells, or pairs of cells, are sampled; always the same ones.

    Raises:
        OptionError: There is no sample.
        RunError: The folder holds no such run, or one without a result.
    """
    if samples < 1:
        raise OptionError(f"there must be at least 1 sample, got {samples}")
    folder, rng = Path(run), np.random.default_rng(0)
    counts: Indices | None = None
    if (folder / CONFIG).exists():
        result = OneShotResult.read(folder)
        cell, shares = result.cell, result.fractions
        skeleton = image_network(OneShotConfig.read(folder).task.network).skeleton
        found_by = f"shares of {result.method}, seed {result.seed}"
        if len(result.probabilities) > 1:
            found_by += ", mean over the blocks; each is sampled from its own"
    else:
        found = BestTrial.in_run(folder)
        cell, counts = found.task.cell, found.counts
        skeleton = image_network(found.task.network).skeleton
        shares = counts / counts.sum()
        found_by = f"trial {found.trial}, validation error {found.valid_error:.2f} %"
    parts = cell.block_graph.part_names
    # In this skeleton a cell of one part is a normal and a reduction cell, each drawn.
    titles = ("normal", "reduction") if len(parts) == 1 and skeleton == NASNET else ("cell",)
    number = samples * len(titles)
    if counts is not None:
        codes = cell.decode(np.repeat(counts[None], number, axis=0), rng)
    else:
        edges = CellEdges(cell)
        codes = edges.draw(edges.spread(result.probabilities), number, rng)
    return SampledCells(
        folder, cell, found_by, shares, counts, _panels(cell, codes, titles, samples)
    )


def _panels(
    cell: Cell, codes: Codes, titles: Sequence[str], samples: int
) -> Sequence[Sequence[CellPanel]]:
    parts = cell.block_graph.part_names
    if len(parts) > 1:
        return [[CellPanel(part, code, i) for i, part in enumerate(parts)] for code in codes]
    pairs = codes.reshape(samples, len(titles), -1)
    return [
        [CellPanel(title, code, 0) for title, code in zip(titles, pair, strict=True)]
        for pair in pairs
    ]
