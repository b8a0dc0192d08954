"""Table 1 and Figure 2 of the paper, made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ax_anasod.compare import Observer
from ax_anasod.compare.texts import table_value
from ax_anasod.exceptions import OptionError
from ax_anasod.nasbench import Benchmark, Objective
from ax_anasod.plots import style
from ax_anasod.plots.figure import save
from ax_anasod.plots.mean_curve import draw_best_encodings
from ax_anasod.reproduce.explained_variance import (
    ARCHITECTURES,
    ENCODINGS,
    Spread,
    draw_spread,
    explained_share,
)
from ax_anasod.reproduce.paper import TABLE_1, source_of, task_of
from ax_anasod.reproduce.protocol import SEEDS
from ax_anasod.settings import Count, check_value

TITLES: Final = {"table1": "Table 1", "figure2": "Figure 2"}
_MEASURES: Final = {
    "overall": "SD of all architectures drawn",
    "within": "median SD within an encoding",
    "within_top": "median SD within, better half of the encodings",
    "seeds": "median SD over training seeds",
}


@dataclass(frozen=True)
class SpreadReproduction:
    """Table 1 and Figure 2: the spread of values within and over encodings.

    Args:
        name: ``"table1"`` or ``"figure2"``.
        subject: The benchmark and its data set.
        objective: What the values are.
        spreads: A sample for each seed.
        explained: Share of the variance over all architectures that the encoding explains,
            None where they are too many.
        task: The column of the paper that the benchmark has the values of, None where the
            paper has no number.
        source: A note on values that do not come from trainings, if so.
        finished: Whether there are as many samples as were asked for.
        failures: None.
    """

    name: str
    subject: str
    objective: Objective
    spreads: Sequence[Spread]
    explained: float | None
    task: str | None
    source: str | None = None

    finished: bool = True
    # Nothing in it can fail.
    failures: tuple[str, ...] = ()

    @property
    def resumable(self) -> bool:
        """False: samples are not kept."""
        return False

    @property
    def title(self) -> str:
        """The title for people."""
        return f"{TITLES[self.name]} on {self.subject}"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The deviations with the paper's value and ours."""
        paper = [] if self.task is None else ["paper"]
        rows = []
        for entry in self._entries():
            ours, error = entry["ours"], entry["standard_error"]
            unit = self.objective.unit
            text = "-" if ours is None else table_value(ours, unit)
            if error is not None:
                text += f" ± {table_value(error, unit)}"
            known = [] if self.task is None else [f"{entry['paper']:g}"]
            rows.append([_MEASURES[entry["measure"]], *known, text])
        return ["measure", *paper, "ours"], rows

    def records(self) -> list[dict[str, Any]]:
        """The deviations as numbers; None where one is not known."""
        records = []
        for entry in self._entries():
            paper = {} if self.task is None else {"paper": entry["paper"]}
            ours = {"mean": entry["ours"], "standard_error": entry["standard_error"]}
            records.append({"measure": _MEASURES[entry["measure"]], **paper, **ours})
        return records

    def notes(self) -> list[str]:
        """The notes that explain the table, a sentence each."""
        unit = f", in {self.objective.unit}" if self.objective.unit else ""
        sentences = [
            f"Standard deviations of {self.objective.name}{unit}: mean ± one standard error "
            f"over {len(self.spreads)} samples of {ENCODINGS} encodings with {ARCHITECTURES} "
            "different architectures each. Encodings are drawn as by anasod-random; one with "
            "fewer architectures is drawn again."
        ]
        if self.task is not None:
            sentences.append(f"Paper: Table 1, column {self.task}, one sample.")
        else:
            sentences.append("The paper has no number for this data set and objective.")
        if self.source is not None:
            sentences.append(self.source)
        if self._mean("seeds")[0] is None:
            sentences.append(
                "The deviation over training seeds needs single training runs: the official "
                "NAS-Bench-201 and hybrid-lm have them, ensembles of NAS-Bench-301 predict it."
            )
        if self.explained is not None:
            sentences.append(
                f"R² = {self.explained:.2f}: the share of the variance over all architectures "
                "that the encoding explains (ours; the paper does not give it)."
            )
        return sentences

    def as_dict(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "target": self.name,
            "benchmark": self.subject,
            "objective": {"name": self.objective.name, "unit": self.objective.unit},
            "samples": len(self.spreads),
            "paper_column": self.task,
            "source": self.source,
            "measures": self._entries(),
            "explained_share": self.explained,
            "notes": self.notes(),
        }

    def write_more(self, directory: Path) -> list[Path]:
        """Draw Figure 2 of the first sample.

        Raises:
            RunError: The picture cannot be written.
        """
        path = directory / f"{self.name}.png"
        label = style.axis_label(self.objective.name, self.objective.unit)
        save(draw_best_encodings(self.spreads[0].values, self.subject, label), path)
        return [path]

    def _entries(self) -> list[dict[str, Any]]:
        paper = None if self.task is None else TABLE_1[self.task]
        entries = []
        for measure in _MEASURES:
            mean, error = self._mean(measure)
            entries.append(
                {
                    "measure": measure,
                    "paper": None if paper is None else getattr(paper, measure),
                    "ours": mean,
                    "standard_error": error,
                }
            )
        return entries

    def _mean(self, measure: str) -> tuple[float | None, float | None]:
        values = [getattr(spread, measure) for spread in self.spreads]
        known = np.array([value for value in values if value is not None])
        if not len(known):
            return None, None
        error = known.std(ddof=1) / np.sqrt(len(known)) if len(known) > 1 else None
        return float(known.mean()), None if error is None else float(error)


def reproduce_spread(
    name: str,
    benchmark: Benchmark,
    *,
    seeds: int = SEEDS,
    encodings: int = ENCODINGS,
    observer: Observer | None = None,
) -> SpreadReproduction:
    """Make Table 1 or Figure 2 again.

    Args:
        name: ``"table1"`` or ``"figure2"``.
        benchmark: The benchmark, with one objective.
        seeds: How many samples, drawn with the seeds 0, 1, ...
        encodings: Encodings in a sample.
        observer: Who watches; each sample is a run of one trial.

    Returns:
        The table, of fewer samples where it was stopped.

    Raises:
        OptionError: A number is out of range, the benchmark has several objectives, or the
            cell has too few encodings.
    """
    check_value("seeds", seeds, Count)
    objectives = [objective.name for objective in benchmark.objectives]
    if len(objectives) > 1:
        raise OptionError(
            f"{name} is of one objective, got {len(objectives)}: {objectives}",
            "make it for each of them",
        )
    spreads = _draw(benchmark, seeds, encodings, observer or Observer())
    dataset = benchmark.dataset
    return SpreadReproduction(
        name=name,
        subject=benchmark.name if dataset is None else f"{benchmark.name} {dataset}",
        objective=benchmark.objectives[0],
        spreads=spreads,
        explained=explained_share(benchmark),
        task=task_of(benchmark),
        source=source_of(benchmark),
        finished=len(spreads) == seeds,
    )


def _draw(benchmark: Benchmark, seeds: int, encodings: int, observer: Observer) -> list[Spread]:
    """A sample for each seed; at least one, however early the observer stops it."""
    observer.begins(0, seeds, seeds)
    spreads: list[Spread] = []
    for seed in range(seeds):
        spreads.append(draw_spread(benchmark, np.random.default_rng(seed), encodings))
        observer.progressed(len(spreads), len(spreads))
        if observer.should_stop():
            break
    return spreads
