"""The form of the surrogate that a folder holds."""

from __future__ import annotations

from pathlib import Path

from ax_anasod.exceptions import BenchmarkError, OptionError, UnknownNameError
from ax_anasod.nasbench.nasbench301.ensemble_surrogate import (
    EnsembleFolder,
    EnsembleSurrogate,
    find_ensembles,
)
from ax_anasod.nasbench.nasbench301.installation import find_interpreter
from ax_anasod.nasbench.nasbench301.onnx_surrogate import (
    ENCODING,
    FULL_TRAINING,
    MODEL,
    OnnxSurrogate,
)
from ax_anasod.nasbench.nasbench301.surrogate import Surrogate
from ax_anasod.nasbench.nasbench301.worker import ANSWERING
from ax_anasod.nasbench.source_files import check_source


def open_surrogate(
    directory: Path,
    *,
    name: str | None = None,
    epochs: int | None = None,
    python: str | None = None,
    timeout: float | None = None,
) -> Surrogate:
    """Load the surrogate in a folder.

    Args:
        directory: The folder.
        name: Which one, where it holds several.
        epochs: Epochs that it predicts for, where there is a choice.
        python: The interpreter for ensembles, see `find_interpreter`.
        timeout: Seconds that an ensemble may take for 256 architectures.

    Raises:
        BenchmarkError: If the folder holds no surrogate, or a damaged one.
        UnknownNameError: If the folder holds no surrogate of that name.
        OptionError: If there are several surrogates, or one has no such choice, or the time is 0.
        OptionalImportError: If onnxruntime is needed and not installed.
    """
    check_source(directory, "the folder of a NAS-Bench-301 surrogate", directory=True)
    if not directory.is_dir():
        raise BenchmarkError(f"{directory} is a file", "name the folder of the surrogate")
    chosen, ensembles = _choose(directory, name)
    if chosen == OnnxSurrogate.name:
        _refuse({"python": python, "timeout": timeout}, chosen)
        return OnnxSurrogate(directory, FULL_TRAINING if epochs is None else epochs)
    _refuse({"epochs": epochs}, chosen)
    if timeout is not None and not timeout > 0:
        raise OptionError(f"timeout must be more than 0 seconds, got {timeout}")
    return EnsembleSurrogate(
        find_interpreter(directory, python),
        ensembles[chosen],
        _runtime(directory, ensembles),
        timeout=ANSWERING if timeout is None else timeout,
    )


def _choose(directory: Path, name: str | None) -> tuple[str, dict[str, EnsembleFolder]]:
    ensembles = find_ensembles(directory)
    names = [model for model, folder in ensembles.items() if not folder.predicts_runtime]
    if any((directory / file).exists() for file in (MODEL, ENCODING)):
        names.append(OnnxSurrogate.name)
    if not names:
        found = f", only of the training time ({', '.join(ensembles)})" if ensembles else ""
        raise BenchmarkError(
            f"{directory} holds no surrogate of NAS-Bench-301{found}",
            f"it takes {MODEL} and {ENCODING}, or folders with a surrogate_model.model",
        )
    if name is None and len(names) > 1:
        raise OptionError(
            f"{directory} holds several surrogates: {', '.join(names)}", "choose with surrogate="
        )
    if name is not None and name not in names:
        raise UnknownNameError("surrogate", name, names)
    return name or names[0], ensembles


def _runtime(directory: Path, ensembles: dict[str, EnsembleFolder]) -> EnsembleFolder | None:
    found = [folder for folder in ensembles.values() if folder.predicts_runtime]
    if len(found) > 1:
        raise BenchmarkError(
            f"{directory} holds several ensembles of the training time: "
            f"{', '.join(folder.model for folder in found)}",
            "keep one of them there",
        )
    return found[0] if found else None


def _refuse(options: dict[str, object], surrogate: str) -> None:
    for option, value in options.items():
        if value is not None:
            raise OptionError(
                f"the surrogate {surrogate!r} has no {option}, got {value!r}", f"leave {option} out"
            )
