"""The result of a differentiable search: the content of ``found.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Final, Self

import numpy as np

from ax_anasod.cells import Cell, from_dict
from ax_anasod.dnas.result_files import CONFIG, FOUND
from ax_anasod.exceptions import AnasodError, RunError
from ax_anasod.files import read_json, write_json
from ax_anasod.typing import Codes, FloatArray

_SUM_TOLERANCE: Final = 1e-6
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "method": (str,),
    "seed": (int,),
    "ranked_by": (str,),
    "agreement": (int, float, type(None)),
}


@dataclass(frozen=True)
class OneShotResult:
    """A distribution, and cells in order of promise.

    Args:
        cell: The cell that was searched.
        method: Name of the method.
        seed: The seed of the search.
        probabilities: ``rows x k``: one distribution for all blocks, or one for each edge.
        architectures: Strings of architectures, the most promising first; at least one.
        scores: What each was ranked by, lower is better: its validation loss in nats, in the
            supernet or, where trainings decided, trained alone for a few epochs (more for
            the first ones); empty where cells were drawn and not ranked.
        ranked_by: ``"supernet"``, ``"nothing"``, or ``"training"``: the first ones by short
            trainings, and the draws behind them by the supernet.
        agreement: Spearman correlation of the supernet with short trainings on a few cells;
            None where it was not measured.

    Raises:
        RunError: There is no architecture, the probabilities are none, or a value has another
            type.
        ArchitectureError: An architecture is none of the cell.
    """

    cell: Cell
    method: str
    seed: int
    probabilities: tuple[tuple[float, ...], ...]
    architectures: tuple[str, ...]
    scores: tuple[float, ...] = ()
    ranked_by: str = "nothing"
    agreement: float | None = None

    def __post_init__(self) -> None:
        rows = np.array(self.probabilities, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.cell.num_operations or not len(rows):
            raise RunError(
                f"the probabilities have shape {rows.shape}, not rows of one number for each of "
                f"the {self.cell.num_operations} operations"
            )
        # Written so that NaN fails.
        if not ((rows >= 0).all() and (np.abs(rows.sum(axis=1) - 1) <= _SUM_TOLERANCE).all()):
            raise RunError(f"the probabilities {rows.tolist()} are no distribution")
        if not self.architectures:
            raise RunError("there is no architecture")
        if self.scores and len(self.scores) != len(self.architectures):
            raise RunError(
                f"there are {len(self.scores)} scores of {len(self.architectures)} architectures"
            )
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise RunError(f"{name} {value!r} is of the wrong type")
        if not all(isinstance(score, int | float) for score in self.scores):
            raise RunError(f"the scores {list(self.scores)} are no numbers")
        self.cell.from_strings(list(self.architectures))

    @property
    def codes(self) -> Codes:
        """The architectures, ``n x d``, the most promising first."""
        return self.cell.from_strings(list(self.architectures))

    @property
    def fractions(self) -> FloatArray:
        """The distribution of the operations over the whole cell, ``k`` fractions."""
        mean = np.array(self.probabilities, dtype=np.float64).mean(axis=0)
        fractions: FloatArray = mean / mean.sum()
        return fractions

    def write(self, path: Path) -> None:
        """Write ``found.json``.

        Raises:
            RunError: The file cannot be written.
        """
        write_json(path, self.to_dict(), indent=1, make_folder=True)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read what `write` has written.

        Args:
            path: The file, or the folder of a differentiable search.

        Raises:
            RunError: The file is missing, damaged, or no result of a differentiable search.
        """
        path = Path(path)
        if path.is_dir():
            folder, path = path, path / FOUND
            if not path.exists() and not (folder / CONFIG).exists():
                raise RunError(
                    f"the folder {folder} holds no differentiable search (no {FOUND})",
                    "ax-anasod dnas makes one",
                )
            if not path.exists():
                raise RunError(
                    f"the differentiable search in {folder} has not come to its end",
                    f"wait for it, or go on with: ax-anasod resume {quote(str(folder))}",
                )
        return cls.from_dict(read_json(path, dict[str, Any]), str(path))

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON-able data."""
        return {
            **vars(self),
            "cell": self.cell.to_dict(),
            "probabilities": [list(row) for row in self.probabilities],
            "architectures": list(self.architectures),
            "scores": list(self.scores),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], where: str) -> Self:
        """Take what `to_dict` gave.

        Args:
            stored: The data.
            where: What a message calls the place that it comes from.

        Raises:
            RunError: The data are no result of a differentiable search.
        """
        try:
            content = dict(stored)
            content["cell"] = from_dict(content["cell"])
            content["probabilities"] = tuple(map(tuple, content["probabilities"]))
            for name in ("architectures", "scores"):
                content[name] = tuple(content[name])
            return cls(**content)
        except RunError as error:
            raise RunError(f"{where}: {error.message}", error.hint) from error
        except KeyError as error:
            raise RunError(
                f"{where} is no result of a differentiable search: it has no {error}"
            ) from error
        except (AnasodError, TypeError, ValueError) as error:
            raise RunError(
                f"{where} is no result of a differentiable search: {error}",
            ) from error
