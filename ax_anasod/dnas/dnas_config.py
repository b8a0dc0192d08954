"""The configuration of a differentiable search: the content of ``dnas.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ax_anasod.dnas.methods import MethodConfig
from ax_anasod.dnas.result_files import CONFIG
from ax_anasod.exceptions import AnasodError, RunError
from ax_anasod.files import read_json, write_json
from ax_anasod.training import TrainingTask


@dataclass(frozen=True)
class OneShotConfig:
    """The content of ``dnas.json``.

    Args:
        environment: Versions and the processor, see
            :func:`ax_anasod.environment.environment`, of what started the search.
        created: When it was started, in ISO form with the time zone.
        method_name: Name of the method.
        method: Its settings.
        task: Cell, images, skeleton, training of the weights, and hardware.
        seed: The seed of the search.
        oracle: Description of a benchmark and the name of its error, by which the search is
            judged from outside; None where there is none.
    """

    environment: dict[str, str]
    created: str
    method_name: str
    method: MethodConfig
    task: TrainingTask
    seed: int
    oracle: Mapping[str, Any] | None = None

    def write(self, path: Path) -> None:
        """Write ``dnas.json``.

        Raises:
            RunError: The file cannot be written.
        """
        content = {
            **vars(self),
            "method": self.method.to_dict(),
            "task": self.task.to_dict(),
        }
        write_json(path, content, make_folder=True)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the configuration of a folder.

        Raises:
            RunError: The folder holds no differentiable search, or a damaged one.
        """
        if not (folder / CONFIG).exists():
            what = "holds no differentiable search" if folder.is_dir() else "does not exist"
            raise RunError(f"the folder {folder} {what}")
        content = read_json(folder / CONFIG, dict[str, Any])
        try:
            content["method"] = MethodConfig.from_dict(content["method"])
            content["task"] = TrainingTask.from_dict(content["task"])
            return cls(**content)
        except (AnasodError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{folder / CONFIG} is not the configuration of a differentiable search: {error}"
            ) from error
