"""The quality of the architectures of a search: in its supernet, and by a table from outside."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from ax_anasod.dnas.edges import CellEdges, Probabilities
from ax_anasod.dnas.supernet import SuperNetwork
from ax_anasod.exceptions import ArchitectureError, BenchmarkError
from ax_anasod.nasbench import Benchmark
from ax_anasod.training import Hardware, Images
from ax_anasod.training.augment import Augmentation
from ax_anasod.training.images import limited
from ax_anasod.training.predict import loss_and_error
from ax_anasod.typing import Codes, FloatArray, Values

# Always in the same batches: with batch statistics, the value of an image depends on the others
# of its batch.
_IMAGES: Final = 2048
_BATCH: Final = 512

# For larger cells, the mean error of a draw is estimated from a sample.
_MOST_LISTED: Final = 1_000_000
_DRAWS: Final = 1000
_WHOLE: Final = "an oracle must hold every architecture that can be drawn"


class Judge:
    """Measures what a supernet computes, on at most 2,048 images that never change.

    Args:
        supernet: The supernet, on its device.
        module: What computes it: the supernet itself, or Fabric's wrapper of it.
        augmentation: How images are normalised.
        images: Images that the weights do not learn from.
        hardware: The layout of the images, and how is computed.
    """

    def __init__(
        self,
        supernet: SuperNetwork,
        module: nn.Module,
        augmentation: Augmentation,
        images: Images,
        hardware: Hardware,
    ) -> None:
        self._supernet, self._module = supernet, module
        self._augmentation, self._hardware = augmentation, hardware
        rows = limited(images.labels, _IMAGES, seed=0)
        # Images may be sorted by class, and a batch of few classes has other statistics.
        rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))]
        self._images = images.subset(rows).to(next(supernet.parameters()).device)

    def __call__(self, codes: Codes) -> tuple[Values, Values]:
        """Losses (nats) and errors (percent) of architectures.

        Args:
            codes: ``n x d``.

        Returns:
            ``n`` losses and ``n`` errors.
        """
        measured = []
        for code in codes:
            self._supernet.choose(code)
            measured.append(self.chosen())
        losses, errors = np.array(measured, dtype=np.float64).reshape(-1, 2).T
        return losses, errors

    def chosen(self) -> tuple[float, float]:
        """Loss (nats) and error (percent) of what the supernet has chosen."""
        return loss_and_error(self._logits(), self._images)

    def _logits(self) -> Tensor:
        layout = self._hardware.memory_format
        with torch.no_grad(), self._hardware.settings():
            logits = [
                self._module(self._augmentation.normalise(pixels).contiguous(memory_format=layout))
                for pixels in torch.split(self._images.pixels, _BATCH)
            ]
        return torch.cat(logits).float()


class Oracle:
    """Errors of fully trained architectures, which the search itself does not see.

    Args:
        benchmark: A benchmark that holds every architecture that can be drawn.
        objective: The name of its error, in percent.
        edges: The edges of the cell that is searched.

    Raises:
        BenchmarkError: The benchmark is of another cell.
        UnknownNameError: The benchmark has no such objective.
    """

    def __init__(self, benchmark: Benchmark, objective: str, edges: CellEdges) -> None:
        if benchmark.cell.operations != edges.cell.operations or (
            benchmark.cell.code_sizes != edges.cell.code_sizes
        ):
            raise BenchmarkError(
                f"the oracle is of cell {benchmark.cell.name!r}, not of {edges.cell.name!r}",
                "name the table of the cell that is searched",
            )
        self.name = objective
        self._benchmark, self._edges = benchmark, edges
        self.optimum = benchmark.optimum(objective)

    def errors(self, codes: Codes) -> FloatArray:
        """Error of each of ``n x d`` codes, in percent.

        Raises:
            BenchmarkError: The table lacks one of them.
        """
        try:
            values = self._benchmark.query(codes)[self.name]
        except ArchitectureError as error:
            raise BenchmarkError(f"the oracle lacks values: {error.message}", _WHOLE) from error
        if not np.isfinite(values).all():
            lacking = codes[int(np.argmin(np.isfinite(values)))]
            raise BenchmarkError(
                f"the oracle has no value of {self._edges.cell.to_strings(lacking[None])[0]!r}",
                _WHOLE,
            )
        return np.asarray(values, dtype=np.float64)

    def mean_error(self, probabilities: Probabilities) -> float:
        """Expected error of an architecture whose blocks are drawn independently, in percent.

        Exact where the architectures can be listed; else the mean over 1,000 draws.

        Args:
            probabilities: ``E x k``.

        Raises:
            BenchmarkError: The table lacks an architecture that can be drawn.
        """
        if self._edges.cell.size > _MOST_LISTED:
            drawn = self._edges.draw(probabilities, _DRAWS, np.random.default_rng(0))
            return float(self.errors(drawn).mean())
        codes, errors = self._listed
        shares = np.exp(self._edges.log_probability(probabilities, codes))
        return float((shares * errors).sum() / shares.sum())

    @property
    def uniform(self) -> float:
        """Expected error of an architecture drawn uniformly, in percent."""
        k = self._edges.cell.num_operations
        return self.mean_error(np.full((self._edges.num_edges, k), 1 / k))

    @cached_property
    def of_one_operation(self) -> dict[str, float]:
        """The operation of a cell of one operation -> its error, in percent."""
        cell = self._edges.cell
        codes = np.zeros((cell.num_operations, len(cell.code_sizes)), dtype=np.int64)
        codes[:, : cell.num_blocks] = np.arange(cell.num_operations)[:, None]
        return dict(zip(cell.operations, self.errors(codes).tolist(), strict=True))

    @cached_property
    def _listed(self) -> tuple[Codes, FloatArray]:
        codes = self._edges.cell.enumerate()
        return codes, self.errors(codes)
