"""The ensembles of the package nasbench301: their folders, and the Python that serves them."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ax_anasod import cells
from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.nasbench301.surrogate import Prediction, digest
from ax_anasod.nasbench.nasbench301.worker import ANSWERING, GenotypeRefusedError, Worker
from ax_anasod.nasbench.source_files import read_settings
from ax_anasod.typing import IntArray

SCRIPT = Path(__file__).with_name("worker_script.py")
"""The script that the interpreter runs; it needs nothing of this package."""

MODEL: Final = "surrogate_model.model"
CONFIGS: Final = ("model_config.json", "data_config.json")

_LEVELS: Final = 5
_RUNTIME: Final = "_time"


def worker_command(
    python: str, accuracy: EnsembleFolder, runtime: EnsembleFolder | None
) -> list[str]:
    """The command of a process that serves ensembles.

    Args:
        python: The interpreter that has the package.
        accuracy: The ensemble that predicts accuracies.
        runtime: The one that predicts training times, if any.
    """
    # Isolated: neither its own folder nor PYTHONPATH may bring anything of ours.
    command = [python, "-I", str(SCRIPT), str(accuracy.directory.resolve())]
    return command if runtime is None else [*command, "--runtime", str(runtime.directory.resolve())]


class EnsembleSurrogate:
    """An ensemble, and perhaps one of the training time, in a process of its own.

    The accuracy is the mean of the members, the deviation their standard deviation: the
    package's noise is normal with just that. Training times are means.

    The files are pickles, which execute what they hold when they are loaded: use only those
    of a source that you trust.

    Source: Siems et al., *NAS-Bench-301 and the case for surrogate benchmarks for neural
    architecture search* (2020).

    Args:
        python: The interpreter that has the package nasbench301.
        accuracy: The ensemble that predicts accuracies.
        runtime: The one that predicts training times, if any.
        timeout: Seconds that predicting 256 architectures may take.

    Raises:
        BenchmarkError: If the interpreter cannot load the ensembles.
    """

    has_noise = True
    epochs: int | None = None

    def __init__(
        self,
        python: str,
        accuracy: EnsembleFolder,
        runtime: EnsembleFolder | None = None,
        *,
        timeout: float = ANSWERING,
    ) -> None:
        self.name = accuracy.model
        self._folders = (accuracy,) if runtime is None else (accuracy, runtime)
        self._cell = cells.get("darts")
        # Before they are loaded: what is saved with a run is what it was made with.
        files = [file for folder in self._folders for file in folder.files]
        self._digest = digest(files, *(folder.model for folder in self._folders))
        self.worker = Worker(worker_command(python, accuracy, runtime), answering=timeout)

    def predict(self, codes: IntArray) -> Prediction:
        """Accuracy, deviation and training time of ``n x d`` codes of the DARTS cell.

        Raises:
            BenchmarkError: If an architecture cannot be predicted, naming it, or none can.
        """
        try:
            answer = self.worker.predict(genotypes_of(codes))
        except GenotypeRefusedError as refusal:
            (genotype,) = self._cell.to_strings(codes[refusal.index : refusal.index + 1])
            raise BenchmarkError(
                f"the surrogate {self.name!r} does not predict {genotype!r}: {refusal.reason}"
            ) from refusal
        return Prediction(
            accuracy=np.array(answer["accuracy"], dtype=np.float64),
            deviation=np.array(answer["deviation"], dtype=np.float64),
            seconds=(
                np.array(answer["seconds"], dtype=np.float64) if len(self._folders) > 1 else None
            ),
        )

    def fingerprint(self) -> str:
        """Digest of the files of all members."""
        return self._digest


def genotypes_of(codes: IntArray) -> Sequence[dict[str, list[list[str | int]]]]:
    """Architectures as JSON: each part a list of pairs of an operation and its input.

    Args:
        codes: ``n x d`` codes of the DARTS cell.

    Example:
        >>> genotypes_of(np.zeros((1, 22), dtype=int))[0]["normal"][:2]
        [['max_pool_3x3', 0], ['max_pool_3x3', 1]]
    """
    cell = cells.get("darts")
    names = np.array(cell.operations, dtype=object)[codes[:, : cell.num_blocks]].tolist()
    sources = cell.sources(codes).tolist()
    size = cell.total
    return [
        {
            part: [[*edge] for edge in edges[place * size : (place + 1) * size]]
            for place, part in enumerate(("normal", "reduce"))
        }
        for edges in ([*zip(*row, strict=True)] for row in zip(names, sources, strict=True))
    ]


@dataclass(frozen=True)
class EnsembleFolder:
    """An ensemble as the package saves it.

    Args:
        model: The kind of its members, e.g. ``"xgb"``.
        directory: The folder that `nasbench301.load_ensemble` takes.
        members: The folders of its members.
    """

    model: str
    directory: Path
    members: tuple[Path, ...]

    @property
    def predicts_runtime(self) -> bool:
        """True if the surrogate predicts the training time instead of the accuracy."""
        return self.model.endswith(_RUNTIME)

    @property
    def files(self) -> list[Path]:
        """All files that its predictions depend on, in a fixed order."""
        return [member / name for member in self.members for name in (MODEL, *CONFIGS)]


def find_ensembles(directory: Path) -> dict[str, EnsembleFolder]:
    """The ensembles in a folder and up to four levels below it.

    Args:
        directory: The folder.

    Returns:
        Kind of model -> its ensemble.

    Raises:
        BenchmarkError: If a member is damaged, or there are several ensembles of a kind.
    """
    members: dict[str, list[Path]] = defaultdict(list)
    for level in range(_LEVELS):
        for file in directory.glob("*/" * level + MODEL):
            members[_kind(file.parent)].append(file.parent)
    return {model: _ensemble(model, sorted(found)) for model, found in sorted(members.items())}


def _ensemble(model: str, members: list[Path]) -> EnsembleFolder:
    directory = Path(os.path.commonpath(members))
    branches = Counter(member.relative_to(directory).parts[:1] for member in members)
    # Members may lie deeper, but then each in a branch of its own.
    if len(branches) > 1 and max(branches.values()) > 1:
        first, second = (directory.joinpath(*branch) for branch in sorted(branches)[:2])
        raise BenchmarkError(
            f"there are several ensembles of the model {model!r}, in {first} and in {second}",
            "name the folder of one of them",
        )
    # The package takes whatever lies below the folder for a member.
    strangers = set(_all_members(directory)) - set(members)
    if strangers:
        raise BenchmarkError(
            f"{min(strangers)} lies among the members of the ensemble {directory} and is none",
            "give each ensemble a folder of its own",
        )
    return EnsembleFolder(model, directory, tuple(members))


def _all_members(directory: Path) -> list[Path]:
    return [
        Path(folder) for folder, _, files in os.walk(directory) if any(MODEL in f for f in files)
    ]


def _kind(member: Path) -> str:
    for name in CONFIGS:
        if not (member / name).is_file():
            raise BenchmarkError(f"the ensemble member {member} lacks its {name}")
    file = member / CONFIGS[0]
    content = read_settings(file, dict[str, Any])
    if not isinstance(content.get("model"), str):
        raise BenchmarkError(f"{file} names no model")
    return str(content["model"])
