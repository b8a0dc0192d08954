"""The search of a run folder, as it was when it stopped."""

from __future__ import annotations

from ax_anasod.cli.session import waiting
from ax_anasod.exceptions import OptionError
from ax_anasod.nasbench import Benchmark, from_dict
from ax_anasod.runs import RunConfig, RunFolder, Search, TrainingSearch
from ax_anasod.trust import own_description


def restore(
    folder: RunFolder, python: str | None = None, address: str | None = None
) -> Search | TrainingSearch:
    """Restore the search of a run: of a benchmark, or one that trains.

    Args:
        folder: Its folder.
        python: The program that the user allows its benchmark to start.
        address: The address that the user allows it to connect to.

    Raises:
        AnasodError: Its benchmark or its images are no longer what they were; or it asks for
            what its reader does not trust (see `ax_anasod.trust`).
    """
    config = folder.config
    if python is not None and "python" not in config.benchmark:
        raise OptionError(
            f"--python is for runs on nas-bench-301, this one is on {config.benchmark_name}"
        )
    if address is not None and config.execution.get("runner") != "ray":
        raise OptionError("--address is for runs of ax-anasod train with Ray")
    if not config.execution:
        with waiting("reading the benchmark"):
            benchmark = _benchmark(config, python)
        with waiting("restoring the trials"):
            return Search(config, benchmark, folder.journal)
    from ax_anasod.cli.train_view import read_images

    with waiting("restoring the trials"):
        search = TrainingSearch.of(config, folder.path, folder.journal, address=address)
    search.task.hardware.check()
    search.runner.use_data(read_images(search.task.data, download=False))
    return search


def _benchmark(config: RunConfig, python: str | None) -> Benchmark:
    if python is None:
        return from_dict(config.benchmark)
    with own_description():
        return from_dict({**config.benchmark, "python": python})
