"""NAS-Bench-301: the DARTS cell, answered for by a fitted surrogate."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np

from ax_anasod import cells
from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.benchmark import (
    COST,
    PERCENT,
    Benchmark,
    FloatArray,
    IntArray,
    Objective,
    refuse_seeds,
)
from ax_anasod.nasbench.nasbench301.onnx_surrogate import FULL_TRAINING, OnnxSurrogate
from ax_anasod.nasbench.paths import check_source, find_path
from ax_anasod.nasbench.registry import KIND, register_benchmark

_NAME = "nas-bench-301"
_ERROR = "valid_error"


@register_benchmark(_NAME)
class NASBench301Benchmark(Benchmark):
    """NAS-Bench-301 on CIFAR-10: a surrogate predicts what was not trained.

    The 10^18 architectures of the DARTS cell were never all trained: a surrogate, fitted
    to some 60,000 of them, answers for every one. ``valid_error`` is 100 - the predicted
    validation accuracy, in percent; the cost is the predicted training time.

    Source: Siems et al., *NAS-Bench-301 and the case for surrogate benchmarks for neural
    architecture search* (2020); paper, Section 4.1 and Appendix A.

    Args:
        path: Folder with the surrogate: ``model.onnx`` and ``encoding.json`` (YAHPO Gym's,
            by onnxruntime).
        epochs: Epochs after which the error is predicted, 1 to 98; 98 if None.

    Raises:
        BenchmarkError: If the folder holds no surrogate, or a damaged one.
        OptionError: If an option is out of its range.
        OptionalImportError: If onnxruntime is needed and not installed.
    """

    name = _NAME
    dataset: str | None = "cifar10"
    objectives = (Objective(_ERROR, PERCENT),)
    reported: tuple[Objective, ...] = ()

    def __init__(self, path: str | PathLike[str], *, epochs: int | None = None) -> None:
        self.path = Path(path)
        # Resolved now: the working folder may be another one when the run is saved.
        self._resolved_path = self.path.resolve()
        self.cell = cells.get("darts")
        check_source(self.path, "the folder of a NAS-Bench-301 surrogate", directory=True)
        self.surrogate = OnnxSurrogate(self.path, FULL_TRAINING if epochs is None else epochs)

    def query(self, codes: IntArray, seeds: IntArray | None = None) -> dict[str, FloatArray]:
        """What the surrogate predicts, in the order of ``codes``.

        Args:
            codes: ``n x d`` codes of the DARTS cell.
            seeds: Must be None: the surrogate has no noise.

        Returns:
            ``valid_error``, ``n`` values in percent, and ``cost_seconds``.

        Raises:
            ArchitectureError: If a row is no architecture of the cell.
            BenchmarkError: If the surrogate answers with no accuracy or no time.
            OptionError: If seeds are given.
        """
        refuse_seeds(self.name, seeds)
        codes = self.cell.validate_codes(codes)
        prediction = self.surrogate.predict(codes)
        error = 100.0 - prediction.accuracy
        self._check("an error in percent", codes, error, 100.0)
        result = {_ERROR: error}
        if prediction.seconds is not None:
            self._check("a training time in seconds", codes, prediction.seconds, np.inf)
            result[COST] = prediction.seconds
        return result

    def _check(self, meaning: str, codes: IntArray, values: FloatArray, highest: float) -> None:
        wrong = ~np.isfinite(values) | (values < 0.0) | (values > highest)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise BenchmarkError(
                f"the surrogate {self.surrogate.name!r} answers {values[row]:g} for "
                f"{self.cell.to_strings(codes[row : row + 1])[0]!r}, which is not {meaning}"
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description: the path as given and resolved, the options, a digest."""
        return {
            KIND: _NAME,
            "path": str(self.path),
            "resolved_path": str(self._resolved_path),
            "epochs": self.surrogate.epochs,
            "fingerprint": self.surrogate.fingerprint(),
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """Loads the surrogate of a description from `to_dict` again.

        Raises:
            BenchmarkError: If the folder is gone, or holds another surrogate than before.
        """
        path = find_path(description)
        benchmark = cls(path, epochs=description["epochs"])
        benchmark.path = Path(description["path"])
        if benchmark.surrogate.fingerprint() != description["fingerprint"]:
            raise BenchmarkError(
                f"the folder {path} holds another surrogate than when the run was saved",
                "restore it, or start a new run",
            )
        return benchmark
