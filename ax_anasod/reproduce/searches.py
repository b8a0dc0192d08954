"""The tables and figures of the paper that come from searches."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ax_anasod.compare import Comparison, Contender, Observer, compare_strategies
from ax_anasod.compare.comparison import RESULTS
from ax_anasod.compare.comparison_pictures import fill_queries, fill_seconds
from ax_anasod.compare.run_results import to_csv
from ax_anasod.compare.texts import table_value
from ax_anasod.exceptions import AnasodError, OptionError, UnknownNameError
from ax_anasod.files import write_whole
from ax_anasod.nasbench import Benchmark
from ax_anasod.objectives import COST
from ax_anasod.plots.figure import new_figure, save
from ax_anasod.reproduce.paper import source_of, task_of
from ax_anasod.reproduce.protocol import SEEDS, Method, SearchTarget
from ax_anasod.reproduce.reproduction import plus_minus
from ax_anasod.settings import Count, check_value


@dataclass(frozen=True)
class SearchReproduction:
    """A table or figure of searches, made again.

    Args:
        target: Which one.
        comparison: The searches.
        missing: Method -> why it could not be run.
        task: The column of the paper that the benchmark has the values of, None where the
            paper has no number.
        most_trials: What every budget was cut to; None for the paper's own.
        source: A note on values that do not come from trainings, if so.
    """

    target: SearchTarget
    comparison: Comparison
    missing: Mapping[str, str]
    task: str | None
    most_trials: int | None = None
    source: str | None = None

    @property
    def resumable(self) -> bool:
        """True: searches are kept."""
        return True

    @property
    def name(self) -> str:
        """The name on the command line."""
        return self.target.name

    @property
    def title(self) -> str:
        """The title for people."""
        return f"{self.target.title} on {self.comparison.plan.subject}"

    @property
    def finished(self) -> bool:
        """True if the searches were not stopped."""
        return self.comparison.finished

    @property
    def failures(self) -> list[str]:
        """The runs that have failed."""
        return [f"{n}, {r}" for n, reasons in self.comparison.failures.items() for r in reasons]

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The methods with the paper's value and ours."""
        plan = self.comparison.plan
        unit = plan.objective.unit
        rows = []
        for entry in self._entries():
            found = entry["ours"] is not None
            row = [entry["method"], entry["strategy"], str(entry["queries"])]
            if self.task is not None and self.target.values:
                paper = entry["paper"]
                row.append("-" if paper is None else f"{paper['mean']:.2f} ± {paper['error']:.2f}")
            row.append(_in_words(entry["ours"], unit) if found else "-")
            if self._has_regret:
                row.append(table_value(entry["noise_free_regret"], unit) if found else "-")
            row += [
                _in_words(entry["reported"][quantity.name], quantity.unit) if found else "-"
                for quantity in plan.reported
            ]
            rows.append([*row, entry["runs"]])
        paper = ["paper"] if self.task is not None and self.target.values else []
        noise_free = ["noise-free regret"] if self._has_regret else []
        reported = [quantity.name for quantity in plan.reported]
        return ["method", "strategy", "queries", *paper, "ours", *noise_free, *reported, "runs"], (
            rows
        )

    def records(self) -> list[dict[str, Any]]:
        """The methods with the paper's value and ours, as numbers; None where there is none."""
        records = []
        for entry in self._entries():
            record: dict[str, Any] = {
                name: entry[name] for name in ("method", "strategy", "queries")
            }
            if self.task is not None and self.target.values:
                record |= _in_columns("paper_mean", "paper_standard_error", entry["paper"])
            record |= _in_columns("mean", "standard_error", entry["ours"])
            if self._has_regret:
                record["noise_free_regret"] = entry.get("noise_free_regret")
            for quantity in self.comparison.plan.reported:
                value = entry.get("reported", {}).get(quantity.name)
                record |= _in_columns(
                    f"mean({quantity.name})", f"standard_error({quantity.name})", value
                )
            records.append({**record, "runs": entry["runs"]})
        return records

    def notes(self) -> list[str]:
        """The notes that explain the table, a sentence each."""
        plan = self.comparison.plan
        sentences = [
            f"Ours: the lowest {plan.objective.name} seen in a run"
            + (f" ({plan.objective.unit})" if plan.objective.unit else "")
            + f", mean ± one standard error over {_runs(plan.seeds)}."
        ]
        if self.task is not None and self.target.values:
            sentences.append(
                f"Paper: {self.target.title}, column {self.task}: best validation error seen of "
                "single training runs, mean ± one standard error over 10 runs."
            )
            if plan.noise_free is None and self.source is None:
                sentences.append(
                    "Ours has one value for each architecture, so that none can lie below the "
                    "optimum of the means over training seeds, as some of the paper's do."
                )
        if self.source is not None:
            sentences.append(self.source)
        if self.task is None and self.target.values:
            sentences.append("The paper has no number for this data set and objective.")
        if plan.objective.optimum is not None:
            optimum = table_value(plan.objective.optimum, plan.objective.unit)
            sentences.append(f"Optimum of {plan.objective.name}: {optimum}.")
        if self._has_regret:
            sentences.append(
                "Noise-free regret: how far the mean error of the incumbent, over its training "
                "seeds, is above the lowest mean of all architectures."
            )
        if self.most_trials is not None or plan.seeds != SEEDS:
            sentences.append(
                f"This is not the paper's protocol: {_runs(plan.seeds)} instead of {SEEDS}"
                + (f", at most {self.most_trials} queries." if self.most_trials else ".")
            )
        sentences += [f"Not run: {name}, {reason}." for name, reason in self.missing.items()]
        return sentences + [f"Not finished: {failure}" for failure in self.failures]

    @property
    def _has_regret(self) -> bool:
        noise_free = self.comparison.plan.noise_free
        return noise_free is not None and noise_free.optimum is not None

    def as_dict(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        plan = self.comparison.plan
        return {
            "target": self.name,
            "benchmark": plan.benchmark_name,
            "dataset": plan.dataset,
            "objective": {"name": plan.objective.name, "unit": plan.objective.unit},
            "optimum": plan.objective.optimum,
            "seeds": plan.seeds,
            "paper_column": self.task,
            "source": self.source,
            "methods": self._entries(),
            "missing": dict(self.missing),
            "failures": self.failures,
            "notes": self.notes(),
        }

    def write_more(self, directory: Path) -> list[Path]:
        """Draw the incumbents, a panel for each group of methods, and write all trials.

        Raises:
            RunError: A file cannot be written.
        """
        plan, results = self.comparison.plan, self.comparison.results
        has_cost = bool(results[COST].notna().any())
        figure, _ = new_figure(rows=len(self.target.panels))
        for axes, panel in zip(figure.axes, self.target.panels, strict=True):
            names = {method.strategy for method in panel.methods}
            shown = replace(plan, contenders=tuple(c for c in plan.contenders if c.label in names))
            (fill_seconds if has_cost else fill_queries)(axes, shown, results)
            if panel.title:
                axes.set_title(
                    f"{plan.subject}: {panel.title}", loc="left", fontsize=12, fontweight="bold"
                )
        picture, trials = directory / f"{self.name}.png", directory / RESULTS
        save(figure, picture)
        write_whole(trials, to_csv(results))
        return [picture, trials]

    def _entries(self) -> list[dict[str, Any]]:
        plan = self.comparison.plan
        records = self.comparison.summary.frame.to_dict(orient="records")
        rows = {record["strategy"]: record for record in records}
        entries = []
        for method in self.target.methods:
            paper = self.target.values.get(method.name, {}).get(self.task or "")
            entry: dict[str, Any] = {
                "method": method.name,
                "strategy": method.strategy,
                "queries": _budget(method, self.most_trials),
                "paper": None if paper is None else {"mean": paper.mean, "error": paper.error},
                "ours": None,
                "runs": "not run" if method.name in self.missing else f"0 of {plan.seeds}",
            }
            row = rows.get(method.strategy)
            if row is not None and row["seeds"] > 0:
                entry |= self._found(row)
            entries.append(entry)
        return entries

    def _found(self, row: Mapping[Hashable, Any]) -> dict[str, Any]:
        plan = self.comparison.plan
        found: dict[str, Any] = {
            "ours": _value(row["mean"], row["standard_error"]),
            "runs": f"{row['seeds']} of {plan.seeds}",
            "reported": {
                q.name: _value(row[f"mean({q.name})"], row[f"standard_error({q.name})"])
                for q in plan.reported
            },
        }
        if "noise_free_regret" in row:
            found["noise_free_regret"] = float(row["noise_free_regret"])
        return found


def reproduce_searches(
    target: SearchTarget,
    benchmark: Benchmark,
    *,
    seeds: int = SEEDS,
    most_trials: int | None = None,
    jobs: int = 1,
    out: str | Path | None = None,
    observer: Observer | None = None,
) -> SearchReproduction:
    """Make a table or figure of searches again.

    Methods that cannot run here are left out and named, with the reason: a strategy that this
    version does not have, an extra that is not installed, a cell that a strategy cannot
    search.

    Args:
        target: The table or figure.
        benchmark: The benchmark.
        seeds: How many runs each method has.
        most_trials: Cut every budget to this; None keeps the paper's.
        jobs: How many processes work at a time.
        out: Folder of the searches, as for
            :func:`ax_anasod.compare.compare_strategies`; targets can share one.
        observer: Who watches.

    Raises:
        AnasodError: No method can run, or the folder holds something else.
    """
    check_value("trials", most_trials, Count | None)
    contenders: list[Contender] = []
    missing: dict[str, str] = {}
    for method in target.methods:
        contender = Contender(method.strategy, {}, _budget(method, most_trials))
        try:
            contender.check(benchmark)
        except UnknownNameError as error:
            # Without the hint, which lists the known strategies.
            missing[method.name] = error.message
        except AnasodError as error:
            missing[method.name] = str(error)
        else:
            contenders.append(contender)
    if not contenders:
        name, reason = next(iter(missing.items()))
        raise OptionError(f"no method of {target.title} can run here; {name}: {reason}")
    comparison = compare_strategies(
        benchmark, contenders, seeds=seeds, jobs=jobs, out=out, observer=observer
    )
    return SearchReproduction(
        target, comparison, missing, task_of(benchmark), most_trials, source_of(benchmark)
    )


def _runs(n: int) -> str:
    return "1 run" if n == 1 else f"{n} runs"


def _budget(method: Method, most_trials: int | None) -> int:
    return method.trials if most_trials is None else min(method.trials, most_trials)


def _value(mean: float, error: float) -> dict[str, float | None]:
    return {"mean": float(mean), "error": None if np.isnan(error) else float(error)}


def _in_columns(
    mean: str, error: str, value: Mapping[str, float | None] | None
) -> dict[str, float | None]:
    known = value or {"mean": None, "error": None}
    return {mean: known["mean"], error: known["error"]}


def _in_words(value: Mapping[str, float | None], unit: str) -> str:
    return plus_minus(value["mean"], value["error"], unit)
