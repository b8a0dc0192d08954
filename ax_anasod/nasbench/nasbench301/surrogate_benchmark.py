"""NAS-Bench-301: the DARTS cell, answered for by a fitted surrogate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ax_anasod import cells, trust
from ax_anasod.cells.keys import pack
from ax_anasod.exceptions import BenchmarkError, OptionError
from ax_anasod.nasbench.benchmark import (
    KIND,
    Benchmark,
    check_seeds,
    refuse_seeds,
    register_benchmark,
)
from ax_anasod.nasbench.nasbench301.forms import open_surrogate
from ax_anasod.nasbench.nasbench301.onnx_surrogate import FULL_TRAINING, OnnxSurrogate
from ax_anasod.nasbench.source_files import Saved, read_saved
from ax_anasod.objectives import COST, PERCENT, Objective
from ax_anasod.typing import FloatArray, IntArray

_NAME: Final = "nas-bench-301"
_ERROR: Final = "valid_error"
_MEAN: Final = "valid_error_mean"
_SEEDS: Final = 2**32
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_BITS: Final = 53


@register_benchmark(_NAME)
class NASBench301Benchmark(Benchmark):
    """NAS-Bench-301 on CIFAR-10: a surrogate predicts what was never trained.

    The 10^18 architectures of the DARTS cell cannot all be trained: a surrogate, fitted to some
    60,000 that were, answers for every one. ``valid_error`` is 100 - the predicted validation
    accuracy, in percent; the cost is the predicted training time, where that is known.

    With noise, each query names a seed, which decides the deviation from the mean: the same
    seed gives an architecture the same error. The noise-free error is reported as
    ``valid_error_mean``.

    Source: Siems et al., *NAS-Bench-301 and the case for surrogate benchmarks for neural
    architecture search* (2020); paper, Section 4.1 and Appendix A.

    Args:
        path: Folder with a surrogate: ``model.onnx`` and ``encoding.json`` (YAHPO Gym's, by
            onnxruntime), or ensembles of the package nasbench301. Those are pickles, which
            execute what they hold when they are loaded: trust their source.
        surrogate: Which one, where there are several: ``"yahpo-nb301"``, or a kind of model
            as in ``"xgb"``, ``"lgb"``, ``"gnn_gin"``.
        noise: Whether errors are noisy as single training runs are; for ensembles.
        epochs: Epochs after which YAHPO's predicts, 1 to 98; 98 if None.
        python: Interpreter that has the package nasbench301, for ensembles; if None, the one
            that `find_interpreter` finds.
        timeout: Seconds that an ensemble may take for 256 architectures; 300 if None.

    Raises:
        BenchmarkError: If the folder holds no surrogate, or a damaged one; if an ensemble's
            interpreter is missing or cannot load it.
        UnknownNameError: If the folder holds no surrogate of that name.
        OptionError: If an option is out of its range, or the surrogate has no such choice.
        OptionalImportError: If onnxruntime is needed and not installed.
    """

    name = _NAME
    dataset: str | None = "cifar10"

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        surrogate: str | None = None,
        noise: bool = False,
        epochs: int | None = None,
        python: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self.path = Path(path)
        # Resolved now: the working folder may be another one when the run is saved.
        self._resolved_path = self.path.resolve()
        self.cell = cells.get("darts")
        self.surrogate = open_surrogate(
            self.path, name=surrogate, epochs=epochs, python=python, timeout=timeout
        )
        # What is used, so that the default and the same number are one benchmark.
        self._options = {"epochs": self.surrogate.epochs, "python": python, "timeout": timeout}
        if noise and not self.surrogate.has_noise:
            raise OptionError(
                f"the surrogate {self.surrogate.name!r} has no model of the noise",
                "leave noise out, or use an ensemble of nasbench301",
            )
        self.noise = noise
        self.objectives = (Objective(_ERROR, PERCENT),)
        self.reported = (Objective(_MEAN, PERCENT),) if noise else ()

    @property
    def description(self) -> str:
        """The surrogate in words, for tables."""
        noise = "with noise" if self.noise else "without noise"
        epochs = self.surrogate.epochs
        return f"surrogate {self.surrogate.name} {noise}" + (f", {epochs} epochs" if epochs else "")

    @property
    def is_fully_trained(self) -> bool:
        """True if errors are those after the whole training."""
        return self.surrogate.epochs in (None, FULL_TRAINING)

    def deviations(self, codes: IntArray) -> FloatArray | None:
        """Standard deviations over training seeds that the surrogate predicts.

        Args:
            codes: ``n x d`` codes of the DARTS cell.

        Returns:
            ``n`` deviations of the error in percent, with or without noise in the queries;
            None where the surrogate has no model of it.

        Raises:
            ArchitectureError: If a row is no architecture of the cell.
            BenchmarkError: If the surrogate fails.
        """
        return self.surrogate.predict(self.cell.validate_codes(codes)).deviation

    def draw_seeds(self, codes: IntArray, rng: np.random.Generator) -> IntArray | None:
        """A seed of the noise for each architecture, None without noise.

        Args:
            codes: ``n x d`` codes of the cell.
            rng: The generator that decides, so that equal states give equal seeds.
        """
        return rng.integers(_SEEDS, size=len(codes)) if self.noise else None

    def query(self, codes: IntArray, seeds: IntArray | None = None) -> dict[str, FloatArray]:
        """The predictions of the surrogate, in the order of ``codes``.

        Args:
            codes: ``n x d`` codes of the DARTS cell.
            seeds: ``n`` seeds, with noise only.

        Returns:
            ``valid_error``, ``n`` values in percent; with noise also ``valid_error_mean``;
            ``cost_seconds`` where the surrogate knows the training time.

        Raises:
            ArchitectureError: If a row is no architecture of the cell.
            BenchmarkError: If the surrogate fails, or answers with no error or no time.
            OptionError: If seeds are absent with noise, or given without.
        """
        codes = self.cell.validate_codes(codes)
        seeds = self._checked_seeds(codes, seeds)
        prediction = self.surrogate.predict(codes)
        result = {_ERROR: 100.0 - prediction.accuracy}
        if seeds is not None and prediction.deviation is not None:
            result[_MEAN] = result[_ERROR]
            noise = standard_normal(seeds, pack(codes, self.cell.code_sizes))
            result[_ERROR] = result[_MEAN] + prediction.deviation * noise
        for values in result.values():
            self._check("an error in percent", codes, values, 100.0)
        if prediction.seconds is not None:
            self._check("a training time in seconds", codes, prediction.seconds, np.inf)
            result[COST] = prediction.seconds
        return result

    def _checked_seeds(self, codes: IntArray, seeds: IntArray | None) -> IntArray | None:
        if not self.noise:
            refuse_seeds(self.name, seeds)
            return None
        if seeds is None:
            raise OptionError(
                "a noisy benchmark needs a seed for each architecture",
                "pass seeds=benchmark.draw_seeds(codes, rng), or leave noise out",
            )
        return check_seeds(seeds, len(codes))

    def _check(self, meaning: str, codes: IntArray, values: FloatArray, highest: float) -> None:
        wrong = ~np.isfinite(values) | (values < 0.0) | (values > highest)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise BenchmarkError(
                f"the surrogate {self.surrogate.name!r} answers {values[row]:g} for "
                f"{self.cell.to_strings(codes[row : row + 1])[0]!r}, which is not {meaning}"
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description: the path as given and resolved, the options, a digest.

        That of an ensemble has a seal (see `ax_anasod.trust`), since it starts a program.
        """
        description = {
            KIND: _NAME,
            "path": str(self.path),
            "resolved_path": str(self._resolved_path),
            "surrogate": self.surrogate.name,
            "noise": self.noise,
            **self._options,
            "fingerprint": self.surrogate.fingerprint(),
        }
        if self.surrogate.name == OnnxSurrogate.name:
            return description
        return {**description, trust.SEAL: trust.seal(_acting(description))}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """Loads the surrogate of a description from `to_dict` again.

        Raises:
            BenchmarkError: If the folder is gone, or holds another surrogate than before; or if
                it is an ensemble, and the description was not written by this user.
        """
        saved = read_saved(_Saved, description)
        path = saved.find()
        _check_trusted(description, path)
        benchmark = cls(path, **saved.options())
        benchmark.path = Path(saved.path)
        if benchmark.surrogate.fingerprint() != saved.fingerprint:
            raise BenchmarkError(
                f"the folder {path} holds another surrogate than when the run was saved",
                "restore it, or start a new run",
            )
        return benchmark

    def __reduce__(self) -> tuple[Any, ...]:
        # A loaded model or a process cannot be copied: it is opened again.
        return _open_again, (type(self), self.to_dict())


def _open_again(
    kind: type[NASBench301Benchmark], description: Mapping[str, Any]
) -> NASBench301Benchmark:
    with trust.own_description():
        return kind.from_dict(description)


def _acting(description: Mapping[str, Any]) -> dict[str, Any]:
    return {name: description.get(name) for name in (KIND, "python", "path", "resolved_path")}


def _check_trusted(description: Mapping[str, Any], path: Path) -> None:
    """Check that the user, and not only a file, has asked to start a program."""
    if description.get("surrogate") == OnnxSurrogate.name:
        return
    if not trust.is_trusted(_acting(description), description.get(trust.SEAL)):
        python = description.get("python")
        program = "a Python" if python is None else f"the program {python!r}"
        raise BenchmarkError(
            f"the run asks to start {program} and to load the ensemble in {path}, which can "
            "execute anything, and was not started by you on this machine",
            "if you trust both, name the program yourself with --python PATH",
        )


@dataclass(frozen=True)
class _Saved(Saved):
    """The content of `NASBench301Benchmark.to_dict`, without the kind."""

    surrogate: str
    noise: bool
    epochs: int | None
    python: str | None
    timeout: float | None


def standard_normal(seeds: IntArray, keys: IntArray) -> FloatArray:
    """One standard normal number for each pair of a seed and a key.

    Equal pairs give equal numbers, in any batch and any order; numbers of pairs that differ
    anywhere are independent for all practical purposes. The pair is mixed by two rounds of
    SplitMix64 into a uniform number, of which the quantile is taken.

    Source: Steele, Lea & Flood, *Fast splittable pseudorandom number generators* (2014).

    Args:
        seeds: ``n`` seeds.
        keys: ``n`` keys of architectures, see `Cell.keys`.

    Returns:
        ``n`` numbers.

    Example:
        >>> standard_normal(np.array([0, 0, 1]), np.array([5, 6, 5])).round(2).tolist()
        [-0.69, -0.0, 0.5]
    """
    with np.errstate(over="ignore"):
        mixed = _mix(_mix(seeds.astype(np.uint64)) ^ keys.astype(np.uint64))
    uniform = ((mixed >> np.uint64(64 - _BITS)).astype(np.float64) + 0.5) / 2.0**_BITS
    normal: FloatArray = ndtri(uniform)
    return normal


def _mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    numbers = numbers + _GOLDEN
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _FIRST
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _SECOND
    return numbers ^ (numbers >> np.uint64(31))
