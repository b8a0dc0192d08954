"""The interface of the surrogates of NAS-Bench-301, in each of their forms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.files import open_file
from ax_anasod.typing import FloatArray, IntArray


@dataclass(frozen=True)
class Prediction:
    """The predictions of a surrogate for ``n`` architectures.

    Args:
        accuracy: ``n`` validation accuracies in percent, without noise.
        deviation: ``n`` standard deviations of the noise in percent, None where the
            surrogate has no model of it.
        seconds: ``n`` training times in seconds, None where it knows none.
    """

    accuracy: FloatArray
    deviation: FloatArray | None
    seconds: FloatArray | None


class Surrogate(Protocol):
    """A fitted model of the accuracy, and perhaps of the training time.

    Attributes:
        name: What it is, for results, e.g. ``"xgb"``.
        has_noise: Whether predictions have a deviation.
        epochs: Length of the training that it answers for, None where it does not say.
    """

    name: str
    has_noise: bool
    epochs: int | None

    def predict(self, codes: IntArray) -> Prediction:
        """The values of ``n x d`` codes of the DARTS cell.

        Raises:
            BenchmarkError: If the surrogate fails on an architecture, naming it.
        """
        ...

    def fingerprint(self) -> str:
        """Digest of everything that answers depend on."""
        ...


def digest(files: Iterable[Path], *more: str) -> str:
    """Digest of the contents of files, in their order, and of further texts.

    Raises:
        BenchmarkError: If a file cannot be read.
    """
    whole = hashlib.sha256("\n".join(more).encode())
    for file in files:
        try:
            with open_file(file) as content:
                whole.update(hashlib.file_digest(content, "sha256").digest())
        except OSError as error:
            raise BenchmarkError(f"{file} cannot be read: {error.strerror}") from error
    return whole.hexdigest()
