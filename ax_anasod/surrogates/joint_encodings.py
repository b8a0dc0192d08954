"""The Gaussian process of ANASOD-BO with hyperparameters beside the encoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from botorch.models.kernels import CategoricalKernel
from botorch.utils.datasets import SupervisedDataset
from gpytorch.kernels import Kernel, MaternKernel, ScaleKernel
from scipy.spatial.distance import cdist
from torch import Tensor

from ax_anasod.surrogates.gp import EncodingGP, EncodingLikelihood, free_at_once
from ax_anasod.surrogates.joint_fit import JointForm, JointPosterior, Points
from ax_anasod.surrogates.levels import Level
from ax_anasod.threads import undisturbed
from ax_anasod.typing import FloatArray


class JointEncodingGP(EncodingGP):
    """An :class:`EncodingGP` of encodings and hyperparameters together.

    The kernel of the encodings is the paper's Matern-5/2. That of the hyperparameters is a
    Matern-5/2 with a lengthscale for each range, times BoTorch's ``CategoricalKernel`` of
    unordered choices. ``form`` says how the two make one, and what is fitted, as in
    :class:`ax_anasod.surrogates.joint.JointGP`, whose priors and closed gradient serve here, too:
    ``fit_gpytorch_mll`` finds the same optimum by automatic differentiation in twenty times the
    time.

    Args:
        train_X: ``n x (k + h)`` inputs: fractions, then hyperparameters between 0 and 1, or the
            values of unordered choices.
        train_Y: ``n x 1`` targets.
        train_Yvar: As for :class:`EncodingGP`.
        num_operations: The number of fractions k.
        unordered: Which of the ``h`` other columns are unordered choices.
        form: How the two kernels make one.
        options: As for :class:`EncodingGP`; one lengthscale for each operation (``ard``) is not
            fitted here.
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
        super().__init__(train_X, train_Y, train_Yvar, **{**options, "noise_bounds": (1e-6, 10.0)})
        others = train_X.shape[-1] - num_operations
        self.num_operations, self.form = num_operations, form
        self.numeric = [num_operations + i for i in range(others) if i not in unordered]
        self.choices = [num_operations + i for i in unordered]
        with undisturbed():
            self.covar_module = self._kernel().to(train_X)
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

    def _kernel(self) -> Kernel:
        self.cell_kernel = MaternKernel(nu=2.5, active_dims=[*range(self.num_operations)])
        self.range_kernel: MaternKernel | None = None
        self.choice_kernel: CategoricalKernel | None = None
        if self.numeric:
            self.range_kernel = MaternKernel(
                nu=2.5, ard_num_dims=len(self.numeric), active_dims=self.numeric
            )
        if self.choices:
            self.choice_kernel = CategoricalKernel(
                ard_num_dims=len(self.choices), active_dims=self.choices
            )
        kernels = [k for k in (self.range_kernel, self.choice_kernel) if k is not None]
        beside = kernels[0] if len(kernels) == 1 else kernels[0] * kernels[1]
        cell = self.cell_kernel
        terms = {"product": [cell * beside], "sum": [cell, beside]}.get(
            self.form, [cell, beside, cell * beside]
        )
        self.terms = [ScaleKernel(term) for term in terms]
        total: Kernel = self.terms[0]
        for term in self.terms[1:]:
            total = total + term
        return total

    def custom_fit(self, mll: EncodingLikelihood, **options: Any) -> EncodingLikelihood:
        """Set the hyperparameters to the most probable ones: called by ``fit_gpytorch_mll``.

        Args:
            mll: The likelihood of this model.
            options: Of BoTorch's own optimisers; not used.
        """
        X = self.train_inputs[0].detach().cpu().numpy()
        Y = self.train_targets.detach().cpu().numpy()
        fractions = X[:, : self.num_operations]
        squares = cdist(fractions, fractions, "sqeuclidean").round(12)
        level = Level("distribution", unit=1.0, lengthscale=0.5)
        fit = JointPosterior(
            [level],
            {"distribution": squares},
            Points(X[:, self.numeric], X[:, self.choices]),
            Y,
            self.form,
            self._known_noise(),
        ).fitted()
        numeric = len(self.numeric)
        variance = float(fit.variances[0])
        scales = [variance, fit.main, variance * fit.interplay][: len(self.terms)]
        with torch.no_grad():
            self.mean_module.constant.fill_(0.0)
            self.cell_kernel.lengthscale = float(fit.lengthscales[0])
            for term, scale in zip(self.terms, scales, strict=True):
                term.outputscale = scale
            if self.range_kernel is not None:
                self.range_kernel.lengthscale = torch.tensor(fit.columns[:numeric]).to(
                    self.train_targets
                )
            if self.choice_kernel is not None:
                self.choice_kernel.lengthscale = torch.tensor(fit.columns[numeric:]).to(
                    self.train_targets
                )
            if hasattr(self.likelihood.noise_covar, "raw_noise"):
                self.likelihood.noise = max(fit.noise, 2e-6)
        return mll.eval()  # type: ignore[no-any-return]

    def _known_noise(self) -> FloatArray | None:
        """The noise variances ``n`` of the training points, NaN where inferred."""
        covar: Any = self.likelihood.noise_covar
        if hasattr(covar, "known"):
            return np.asarray(covar.known.cpu().numpy())
        if hasattr(covar, "raw_noise"):
            return None
        return np.asarray(covar.noise.detach().cpu().numpy()).reshape(-1)
