"""Short trainings before the full ones: a search whose predictions the next one has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

from ax_anasod.cli.running import run_search
from ax_anasod.cli.terminal import note
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.generation_strategy import check_takes_features
from ax_anasod.generators.known_features import KnownFeatures
from ax_anasod.metrics.source import earlier_search
from ax_anasod.runs import RunFolder, TrainingSearch
from ax_anasod.runs.layout import CONFIG
from ax_anasod.trust import own_description

if TYPE_CHECKING:
    from ax_anasod.cells import Cell
    from ax_anasod.runs import RunConfig
    from ax_anasod.training import TrainingData, TrainingTask

SCREEN: Final = "screen"
"""The folder of the short trainings in that of the run."""

_SAME: Final = ("benchmark", "strategy", "options", "seed", "trials", "parallel")


def short_task(task: TrainingTask, epochs: int | None, strategy: str) -> TrainingTask | None:
    """The same training with fewer epochs; None where none are asked for.

    Args:
        task: The full training.
        epochs: The epochs of the short one.
        strategy: The strategy of the full search, which must use the predictions.

    Raises:
        OptionError: They are not fewer, or the strategy makes nothing of it.
    """
    if epochs is None:
        return None
    if epochs >= task.training.epochs:
        raise OptionError(
            f"--screen-epochs {epochs} is not less than the {task.training.epochs} epochs of the "
            "full training"
        )
    check_takes_features(strategy, "short trainings")
    return replace(task, training=replace(task.training, epochs=epochs))


def screen(
    config: RunConfig, data: TrainingData, scratch: Path, out: Path | None
) -> tuple[int, list[object]]:
    """Search with short trainings; those that were made before are not made again.

    Args:
        config: The configuration of the search.
        data: The images.
        scratch: Folder for its networks if nothing is kept.
        out: The folder of the whole run, in which it has one of its own; None keeps nothing.

    Returns:
        The exit code, 0 where it has come to its end, and the sources for the full trainings: one,
        or none where the short ones tell no architectures apart.

    Raises:
        RunError: There are short trainings of another kind.
    """
    if out is None:
        search = _search(config, scratch / SCREEN, data)
        code = run_search(search, None, config.trials, as_json=False, is_part=True)
        return code, sources_of(search.client, search.task.cell, config.objectives[0].name)
    folder = out / SCREEN
    if (folder / CONFIG).exists():
        opened = RunFolder.open(folder)
        changed = [n for n in _SAME if getattr(opened.config, n) != getattr(config, n)]
        if changed:
            opened.journal.close()
            raise RunError(
                f"the short trainings in {folder} differ from these in {', '.join(changed)}",
                f"delete {quote(str(folder))}, or give what was given then",
            )
        note(f"going on with the short trainings in {folder}")
        config = opened.config
    else:
        opened = RunFolder.create(folder, config)
    with opened as run:
        search = _search(config, folder, data, run)
        code = run_search(search, run, config.trials, as_json=False, is_part=True)
    return code, sources_of(folder, search.task.cell, config.objectives[0].name)


def sources_of(found: object, cell: Cell, objective: str) -> list[object]:
    """The sources that short trainings are: one, or none where they tell no architectures apart.

    If the short trainings are useless, this prints a note, and the full search goes on without.

    Args:
        found: Their folder or client.
        cell: Their cell.
        objective: Name of the objective that they searched.
    """
    try:
        source = earlier_search("source", cell, found, objective)
        KnownFeatures(cell, [source])
    except OptionError as error:
        note(f"the short trainings say nothing, and the full ones start without: {error}")
        return []
    return [found]


def _search(
    config: RunConfig, folder: Path, data: TrainingData, run: RunFolder | None = None
) -> TrainingSearch:
    with own_description():
        search = TrainingSearch.of(config, folder, None if run is None else run.journal)
    search.runner.use_data(data)
    search.runner.prepare()
    return search
