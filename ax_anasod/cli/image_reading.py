"""Progress of reading data, and notes on networks that learn nothing from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ax_anasod.cli.terminal import note, stderr_console, waiting
from ax_anasod.escaping import for_terminal
from ax_anasod.training import DataConfig, ImageData, TrainingData, load_data
from ax_anasod.training.data import Purpose
from ax_anasod.training.images import DAMAGED
from ax_anasod.training.pairing import AnyDataConfig

_NAMED: Final = 3


def read_data(
    config: AnyDataConfig, purpose: Purpose = "search", *, download: bool = True
) -> TrainingData:
    """Read images as `read_images` does, or read or draw sequences.

    Raises:
        DataError: They are missing, damaged, or do not fit together.
    """
    if isinstance(config, DataConfig):
        return read_images(config, purpose, download=download)
    with waiting("making the sequences"):
        return load_data(config, purpose)


def read_images(
    config: DataConfig, purpose: Purpose = "search", *, download: bool = True
) -> ImageData:
    """Read images with a progress bar, and say what was left out.

    Args:
        config: Description of the images.
        purpose: Purpose of the images.
        download: Download missing images. False if the folder of a run names them, not the user.

    Raises:
        DataError: They are missing, damaged, or do not fit together.
    """
    with _reading(config.dataset) as progress:
        data = load_data(config, purpose, progress=progress, download=download)
    for reason, number in Counter(data.left_out_reasons).items():
        named = [
            p for p, r in zip(data.left_out, data.left_out_reasons, strict=True) if r == reason
        ]
        names = ", ".join(named[:_NAMED]) + (", ..." if number > _NAMED else "")
        total = len(data.train) + len(data.valid) + number
        what = f"{number} {reason}"
        if reason == DAMAGED:
            what = f"{number} of {total} images are damaged or missing, and"
        note(f"{what} left out: {names}")
    return data


def note_chance(error: float, data: TrainingData, who: str = "no network did") -> None:
    """Print a note if an error on the validation images may be that of guessing.

    Args:
        error: The lowest error, in percent.
        data: The images; of sequences nothing is said.
        who: Beginning of the sentence.
    """
    if isinstance(data, ImageData) and data.is_chance(error):
        note(
            f"{who} clearly better than guessing (error {error:.2f} %, that of always naming the "
            f"most frequent class {data.chance_error:.2f} %): train longer, with more --epochs or "
            "on more images"
        )


@contextmanager
def _reading(dataset: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, where it is a terminal.

    Args:
        dataset: Name of the data set.
    """
    console = stderr_console()
    progress = Progress(
        TextColumn("reading the images of {task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with progress:
        task = progress.add_task(for_terminal(dataset), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
