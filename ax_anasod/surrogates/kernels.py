"""The covariance on operation distributions, as a GPyTorch kernel of architectures' codes."""

from __future__ import annotations

from typing import Any

import torch
from gpytorch.kernels import MaternKernel
from torch import Tensor


class OperationDistributionKernel(MaternKernel):  # type: ignore[misc]
    r"""A Matern-5/2 kernel of the operation distributions of two architectures.

    .. math::
        k(a, b) = \left(1 + r + \tfrac{r^2}{3}\right) e^{-r}, \quad
        r = \sqrt{5} \, \lVert p(a) - p(b) \rVert / \ell

    where :math:`p` are the fractions of the blocks that have each operation (the paper's
    encoding). Inputs are codes, so that the kernel can be added to one that sees the blocks,
    such as BoTorch's ``CategoricalKernel`` (second example). This sum is the covariance in
    the ``blocks`` turns of ``two-level-bo``. That strategy does not use this class: its model
    (:class:`ax_anasod.surrogates.TwoLevelGP`) reads the same numbers from look-up tables.

    Source: paper, App. A.1 (Matern-5/2 on encodings).

    Args:
        num_operations: Number of operations k.
        num_blocks: Number of blocks N: the first N columns are operations, the others
            (wiring choices) are not looked at.
        kwargs: As for GPyTorch's ``MaternKernel``; with ``ard_num_dims`` = k, one
            lengthscale for each operation.

    Example:
        >>> from ax_anasod import cells
        >>> cell = cells.Cell("mine", operations=["conv", "skip"], num_blocks=2)
        >>> kernel = OperationDistributionKernel(cell.num_operations, cell.num_blocks)
        >>> codes = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> kernel(codes).to_dense().tolist()
        [[1.0, 1.0], [1.0, 1.0]]
        >>> from botorch.models.kernels import CategoricalKernel
        >>> from gpytorch.kernels import ScaleKernel
        >>> both = ScaleKernel(kernel) + ScaleKernel(CategoricalKernel())
        >>> both(codes).to_dense().detach()
        tensor([[1.3863, 0.8569],
                [0.8569, 1.3863]])
    """

    def __init__(self, num_operations: int, num_blocks: int, **kwargs: Any) -> None:
        super().__init__(nu=2.5, **kwargs)
        self.num_operations, self.num_blocks = num_operations, num_blocks

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """The kernel matrix.

        Args:
            x1: ``batch_shape x n x d`` codes.
            x2: ``batch_shape x m x d`` codes.
            diag: Whether to return the diagonal only (``n = m``).
            params: Passed on to GPyTorch's ``MaternKernel``.

        Returns:
            ``batch_shape x n x m``, or ``batch_shape x n`` where ``diag``.
        """
        matrix: Tensor = super().forward(
            self.fractions(x1), self.fractions(x2), diag=diag, **params
        )
        return matrix

    def fractions(self, x: Tensor) -> Tensor:
        """The operation distributions of codes: ``... x d`` to ``... x k``."""
        operations = torch.arange(self.num_operations, dtype=x.dtype, device=x.device)
        blocks = x[..., : self.num_blocks, None] == operations
        return blocks.to(x.dtype).mean(dim=-2)
