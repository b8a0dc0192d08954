"""The Gaussian process of ANASOD-BO with hyperparameters beside the encoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botorch.models.kernels import CategoricalKernel
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from botorch.utils.datasets import SupervisedDataset
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import Kernel, MaternKernel, ScaleKernel
from torch import Tensor

from ax_anasod.surrogates.gp import EncodingGP, bounds, free_at_once
from ax_anasod.surrogates.joint import JointForm
from ax_anasod.threads import undisturbed


class JointEncodingGP(EncodingGP):
    """An :class:`EncodingGP` of encodings and hyperparameters together.

    The kernel of the encodings is the paper's. That of the hyperparameters is a Matern-5/2 with
    a lengthscale for each range, under BoTorch's dimension-scaled prior, times BoTorch's
    ``CategoricalKernel`` of unordered choices. ``form`` says how the two make one, as in
    :class:`ax_anasod.surrogates.joint.JointGP`; each term has a variance, and a copy of the two
    kernels, of its own (BoTorch's ``MixedSingleTaskGP``).

    Args:
        train_X: ``n x (k + h)`` inputs: fractions, then hyperparameters between 0 and 1, or the
            values of unordered choices.
        train_Y: ``n x 1`` targets.
        train_Yvar: As for :class:`EncodingGP`.
        num_operations: The number of fractions k.
        unordered: Which of the ``h`` other columns are unordered choices.
        form: How the two kernels make one.
        options: As for :class:`EncodingGP`.
    """

    def __init__(
        self,
        train_X: Tensor,
        train_Y: Tensor,
        train_Yvar: Tensor | None = None,
        *,
        num_operations: int,
        unordered: Sequence[int] = (),
        form: JointForm = "both",
        **options: Any,
    ) -> None:
        super().__init__(train_X, train_Y, train_Yvar, **options)
        with undisturbed():
            self.covar_module = _joint_kernel(
                num_operations,
                train_X.shape[-1] - num_operations,
                unordered,
                form,
                options.get("lengthscale_bounds", (0.01, 0.5)),
                num_operations if options.get("ard") else None,
            ).to(train_X)
        free_at_once(self)

    @classmethod
    def construct_inputs(
        cls,
        training_data: SupervisedDataset,
        categorical_features: Sequence[int] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Keyword arguments of the constructor from a BoTorch data set and options.

        Args:
            training_data: The data.
            categorical_features: What Ax says of unordered choices; ``unordered`` says it here.
            options: Further arguments of the constructor.
        """
        return super().construct_inputs(training_data, **options)


def _joint_kernel(
    num_operations: int,
    others: int,
    unordered: Sequence[int],
    form: JointForm,
    lengthscale_bounds: tuple[float, float],
    ard: int | None,
) -> Kernel:
    def cell() -> Kernel:
        return MaternKernel(
            nu=2.5,
            ard_num_dims=ard,
            active_dims=list(range(num_operations)),
            lengthscale_constraint=bounds(*lengthscale_bounds),
        )

    numeric = [num_operations + i for i in range(others) if i not in unordered]
    choices = [num_operations + i for i in unordered]

    def beside() -> Kernel:
        kernels: list[Kernel] = []
        if numeric:
            kernels.append(
                get_covar_module_with_dim_scaled_prior(
                    ard_num_dims=len(numeric), use_rbf_kernel=False, active_dims=numeric
                )
            )
        if choices:
            kernels.append(
                CategoricalKernel(
                    ard_num_dims=len(choices),
                    active_dims=choices,
                    lengthscale_constraint=GreaterThan(1e-2),
                )
            )
        return kernels[0] if len(kernels) == 1 else kernels[0] * kernels[1]

    def scaled(kernel: Kernel) -> Kernel:
        return ScaleKernel(kernel, outputscale_constraint=bounds(0.05, 5.0))

    if form == "product":
        return scaled(cell() * beside())
    total = scaled(cell()) + scaled(beside())
    return total if form == "sum" else total + scaled(cell() * beside())
