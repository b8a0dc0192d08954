"""The search of a run folder, as it was when it stopped."""

from __future__ import annotations

from ax_anasod.cli.session import waiting
from ax_anasod.nasbench import from_dict
from ax_anasod.runs import RunFolder, Search, TrainingSearch


def restore(folder: RunFolder) -> Search | TrainingSearch:
    """Restore the search of a run: of a benchmark, or one that trains.

    Raises:
        AnasodError: Its benchmark or its images are no longer what they were.
    """
    config = folder.config
    if not config.execution:
        with waiting("reading the benchmark"):
            benchmark = from_dict(config.benchmark)
        with waiting("restoring the trials"):
            return Search(config, benchmark, folder.journal)
    from ax_anasod.cli.train_view import read_images

    with waiting("restoring the trials"):
        search = TrainingSearch.of(config, folder.path, folder.journal)
    search.task.hardware.check()
    search.runner.use_data(read_images(search.task.data))
    return search
