"""The kernel on operation distributions: GPyTorch's own case, and what it must not see."""

from __future__ import annotations

import unittest
from typing import Any

import numpy as np
import pytest
import torch
from gpytorch.kernels import MaternKernel
from gpytorch.test.base_kernel_test_case import BaseKernelTestCase
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ax_anasod.cells import Cell
from ax_anasod.surrogates import OperationDistributionKernel

_K, _N = 4, 5


class TestKernelConformance(BaseKernelTestCase, unittest.TestCase):
    def create_kernel_no_ard(self, **kwargs: Any) -> OperationDistributionKernel:
        return OperationDistributionKernel(_K, _N, **kwargs)

    def create_kernel_ard(self, num_dims: int, **kwargs: Any) -> OperationDistributionKernel:
        # Lengthscales belong to operations, whatever the number of columns.
        return OperationDistributionKernel(num_dims, _N, ard_num_dims=num_dims, **kwargs)

    def create_data_no_batch(self) -> Tensor:
        return torch.randint(_K, (50, 10)).float()

    def create_data_single_batch(self) -> Tensor:
        return torch.randint(_K, (2, 50, 2)).float()

    def create_data_double_batch(self) -> Tensor:
        return torch.randint(_K, (3, 2, 50, 2)).float()


def codes(n: int, seed: int) -> Tensor:
    return torch.as_tensor(np.random.default_rng(seed).integers(0, _K, (n, _N + 2))).double()


def kernel(lengthscale: float = 0.3) -> OperationDistributionKernel:
    made = OperationDistributionKernel(_K, _N).double()
    made.lengthscale = lengthscale
    return made


def test_is_a_matern_kernel_of_fractions() -> None:
    cell = Cell("mine", [f"op {i}" for i in range(_K)], num_blocks=_N, wiring=[_K, _K])
    x = codes(12, 0)
    fractions = torch.as_tensor(cell.encode(x.numpy().astype(np.int64)) / _N)
    matern = MaternKernel(nu=2.5).double()
    matern.lengthscale = 0.3
    torch.testing.assert_close(kernel().fractions(x), fractions)
    torch.testing.assert_close(kernel()(x).to_dense(), matern(fractions).to_dense())


@given(seed=st.integers(0, 1000), lengthscale=st.floats(0.05, 5.0))
def test_positive_definite(seed: int, lengthscale: float) -> None:
    matrix = kernel(lengthscale)(codes(10, seed)).to_dense()
    assert torch.linalg.eigvalsh(matrix).min() > -1e-10
    torch.testing.assert_close(matrix, matrix.T)


@given(seed=st.integers(0, 1000))
def test_blind_to_where_operations_lie_and_to_the_wiring(seed: int) -> None:
    x, other = codes(6, seed), codes(3, seed + 1)
    order = torch.as_tensor(np.random.default_rng(seed).permutation(_N))
    moved = torch.cat([x[:, order], (x[:, _N:] + 1) % _K], dim=1)
    torch.testing.assert_close(kernel()(x, other).to_dense(), kernel()(moved, other).to_dense())


def test_gradients_reach_the_lengthscale() -> None:
    made = kernel()
    made(codes(6, 0)).to_dense().sum().backward()
    assert made.raw_lengthscale.grad is not None
    assert made.raw_lengthscale.grad.abs().item() > 0


def test_ard_tells_operations_apart() -> None:
    made = OperationDistributionKernel(2, 2, ard_num_dims=2).double()
    made.lengthscale = torch.tensor([0.1, 1e6])
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).double()
    assert made(x).to_dense()[0, 1].item() == pytest.approx(0.0, abs=1e-6)
