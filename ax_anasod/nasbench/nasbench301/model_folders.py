"""What a folder holds: ensembles of the package nasbench301, by their models."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ax_anasod.exceptions import BenchmarkError
from ax_anasod.nasbench.source_files import read_settings

MODEL: Final = "surrogate_model.model"
CONFIGS: Final = ("model_config.json", "data_config.json")

_LEVELS: Final = 5
_RUNTIME: Final = "_time"


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
        """Whether it predicts the training time, in the place of the accuracy."""
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
