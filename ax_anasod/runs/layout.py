"""The files of a run folder, and checks of folders."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Final

from ax_anasod.dnas import result_files as dnas
from ax_anasod.exceptions import RunError, nearest_hint
from ax_anasod.journal import CONFIG as CONFIG
from ax_anasod.journal import JOURNAL as JOURNAL
from ax_anasod.journal import TRACKED

TOLD: Final = Path(JOURNAL).with_suffix(TRACKED).name
DATABASE: Final = "experiment.db"
TRIALS: Final = "trials.csv"
PARETO: Final = "pareto.csv"
REPORT: Final = "report.html"
TRIALS_FOLDER: Final = "trials"
"""Folder in which each trial of a run that trains has a folder of its own."""

COMPARISON: Final = "comparison.json"
"""In a folder of the other kind, that of a comparison."""

_KINDS: Final = {
    CONFIG: "the run of a search",
    dnas.CONFIG: "a differentiable search",
    COMPARISON: "a comparison",
}


def check_free(
    path: Path, files: Collection[str] = (JOURNAL, TOLD, DATABASE, TRIALS, PARETO, REPORT)
) -> None:
    """Raise an error if a new run would overwrite something in a folder.

    Args:
        path: The folder.
        files: The names of the files that the run would write.

    Raises:
        RunError: It is a file, holds a run, a differentiable search, a comparison, or files
            with the names of the run's.
    """
    with refusing(path, "made"):
        check_is_no_file(path)
        for name in (CONFIG, dnas.CONFIG):
            if (path / name).exists():
                raise RunError(
                    f"the folder {path} holds {_KINDS[name]} already",
                    f"continue it with: ax-anasod resume {quote(str(path))}; or choose another "
                    "folder",
                )
        check_holds_no_other(path)
        for name in files:
            if (path / name).exists() and not is_leftover(path / name):
                raise RunError(
                    f"the folder {path} has a file {name} already", "choose another folder"
                )


def check_is_no_file(path: Path) -> None:
    """Raise an error if a path that must be a folder is a file.

    Raises:
        RunError: It is one, or a folder above it would have to be one.
    """
    nearest = next((place for place in (path, *path.parents) if place.exists()), path)
    if nearest.exists() and not nearest.is_dir():
        raise RunError(f"{nearest} is a file, not a folder", "choose another folder")


def check_holds_no_other(path: Path, own: str | None = None) -> None:
    """Raise an error if a folder for other results holds a search or a comparison.

    Args:
        path: The folder; it need not be there.
        own: The name of a configuration that it may hold.

    Raises:
        RunError: The folder holds a search or a comparison.
    """
    for name, words in _KINDS.items():
        if name != own and (path / name).exists():
            raise RunError(f"the folder {path} holds {words}", "choose another folder")


def is_leftover(file: Path) -> bool:
    """True for an empty journal: a process was killed while it made the folder."""
    return file.name == JOURNAL and file.is_file() and file.stat().st_size == 0


@contextmanager
def refusing(path: Path, done: str) -> Iterator[None]:
    """Turn what the system says about a folder into an error of ours.

    Args:
        path: The folder.
        done: The action that may fail, as a participle.

    Raises:
        RunError: The operating system raised an OSError.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            f"the folder {path} cannot be {done}: {error.strerror}", "choose another folder"
        ) from error


def holds_comparison(path: Path) -> bool:
    """True for the folder of a comparison."""
    return (path / COMPARISON).exists()


def check_holds_run(path: Path) -> None:
    """Raise an error for a folder without a run; it names runs in it, or a similar name beside it.

    Raises:
        RunError: It holds none, or is none.
    """
    if path.is_file():
        raise RunError(f"{path} is a file, not the folder of a run")
    if (path / CONFIG).exists():
        return
    for name, words in _KINDS.items():
        if (path / name).exists():
            raise RunError(f"the folder {path} holds {words}, no run of a search by trials")
    what = "holds no run" if path.is_dir() else "does not exist"
    inside = sorted(str(p.parent) for p in path.glob(f"*/{CONFIG}"))
    if inside:
        more = ", ..." if len(inside) > 3 else ""
        raise RunError(
            f"the folder {path} {what}", f"name one in it: {', '.join(inside[:3])}{more}"
        )
    beside = path.parent
    runs = sorted(p.parent.name for p in beside.glob(f"*/{CONFIG}")) if beside.is_dir() else []
    raise RunError(f"the folder {path} {what}", nearest_hint(path.name, runs) if runs else None)
