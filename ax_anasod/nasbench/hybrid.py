"""The table that comes with the package: every hybrid language model of one cell, trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from ax_anasod import cells
from ax_anasod.exceptions import BenchmarkError, OptionError
from ax_anasod.nasbench.benchmark import KIND, check_seeds, register_benchmark
from ax_anasod.nasbench.lookup_benchmark import ArchitectureIndex, LookupBenchmark
from ax_anasod.nasbench.source_files import read_saved
from ax_anasod.nasbench.table_file import read_table
from ax_anasod.objectives import COST, PERCENT, Objective, check_chosen, name_list
from ax_anasod.typing import FloatArray, IntArray

_NAME = "hybrid-lm"
_FILE: Final = Path(__file__).with_name("hybrid_lm.csv.gz")
_TRAINED: Final = {
    "loss": Objective("loss", "nats"),
    "recall_error": Objective("recall_error", PERCENT),
    "facts_error": Objective("facts_error", PERCENT),
}
_KNOWN: Final = {
    "cache_bytes": Objective("cache_bytes", "bytes"),
    "parameters": Objective("parameters", "parameters"),
    "flops_48": Objective("flops_48", "FLOPs"),
    "flops_4096": Objective("flops_4096", "FLOPs"),
}
_QUANTITIES: Final = _TRAINED | _KNOWN
_SECONDS: Final = "cpu_seconds"
_SEEDS: Final = (0, 1, 2)


@register_benchmark(_NAME)
class HybridLMBenchmark(LookupBenchmark):
    """Tiny language models of attention, linear attention and MLPs, each trained three times.

    All 729 architectures of the cell ``hybrid-lm`` have learned two tasks at once, recall and facts
    (:class:`ax_anasod.training.sequences.RecallAndFacts`), in 400 steps. Errors are in percent, the
    loss is in nats; the cost is the processor time of one training, a mean over the seeds. The
    bytes of the cache (after 48 tokens), the parameters and the FLOPs of a token (at positions 48
    and 4,096) are exact, and known before a trial.

    What these networks of 40,000 weights say and what they do not: ``docs/hybrid.md``.

    Args:
        minimize: What is searched: ``"loss"``, ``"recall_error"``, ``"facts_error"``,
            ``"cache_bytes"``, ``"parameters"``, ``"flops_48"`` or ``"flops_4096"``.
        report: Quantities that are not searched but given for the incumbent, as means over the
            seeds; if None, what was trained for and is not searched.
        seeds: ``"mean"``: values are means over three training seeds. ``"single"``: each query
            names the seed of a training; the mean is reported, too, as ``loss_mean`` and the like.

    Raises:
        UnknownNameError: There is no such quantity.
        OptionError: Nothing is searched, something is named twice, or ``seeds`` is neither.

    Example:
        >>> benchmark = HybridLMBenchmark(minimize=["recall_error", "cache_bytes"])
        >>> codes = benchmark.cell.from_strings(["MMAMLM"])
        >>> benchmark.query(codes)["cache_bytes"].tolist()
        [14720.0]
    """

    def __init__(
        self,
        *,
        minimize: str | Iterable[str] = ("loss",),
        report: str | Iterable[str] | None = None,
        seeds: str = "mean",
    ) -> None:
        if seeds not in ("mean", "single"):
            raise OptionError(f"seeds is {seeds!r}, allowed are 'mean' and 'single'")
        searched, others = _choose(minimize, report)
        self.seeds = seeds
        runs = [name for name in searched if name in _TRAINED] if seeds == "single" else []
        table = read_table(
            _FILE, [*_QUANTITIES, _SECONDS, *(_run(n, s) for n in runs for s in _SEEDS)]
        )
        # n x 3 values of the single trainings.
        self._runs = {
            name: np.stack([table.columns[_run(name, s)] for s in _SEEDS], axis=1) for name in runs
        }
        cell = cells.get(_NAME)
        super().__init__(
            name=_NAME,
            dataset=None,
            index=ArchitectureIndex(cell, cell.from_strings(table.architectures)),
            values={
                **{name: table.columns[name] for name in (*searched, *others)},
                **{_mean(name): table.columns[name] for name in runs},
                COST: table.columns[_SECONDS],
            },
            objectives=tuple(_QUANTITIES[name] for name in searched),
            reported=(
                *(_QUANTITIES[name] for name in others),
                *(Objective(_mean(name), _QUANTITIES[name].unit) for name in runs),
            ),
            present_only=False,
            source="the package's table of hybrid language models",
        )

    def seeds_of(self, codes: IntArray) -> list[tuple[int, ...]]:
        """The training seeds of each of ``n x d`` codes: all have the same three."""
        return [_SEEDS] * len(codes)

    def draw_seeds(self, codes: IntArray, rng: np.random.Generator) -> IntArray | None:
        """One of three seeds for each architecture, uniformly; None with ``seeds="mean"``.

        Args:
            codes: ``n x d`` codes of the cell.
            rng: The generator that decides, so that equal states give equal seeds.
        """
        return None if self.seeds == "mean" else rng.integers(len(_SEEDS), size=len(codes))

    def _of_runs(self, codes: IntArray, rows: IntArray, seeds: IntArray) -> dict[str, FloatArray]:
        seeds = check_seeds(seeds, len(codes))
        for seed in seeds[~np.isin(seeds, _SEEDS)][:1]:
            raise BenchmarkError(f"no network was trained with seed {seed}", "its seeds: 0, 1, 2")
        return {name: values[rows, seeds] for name, values in self._runs.items()}

    def optimum(self, objective: str) -> float | None:
        """The best value of all architectures; of single trainings, the best of any of them.

        Args:
            objective: Name of an objective or of a reported quantity.

        Raises:
            UnknownNameError: There is no such quantity.
        """
        runs = self._runs.get(objective)
        return super().optimum(objective) if runs is None else float(runs.min())

    def _digest_parts(self) -> dict[str, FloatArray]:
        return super()._digest_parts() | {
            _run(name, seed): self._runs[name][:, seed] for name in self._runs for seed in _SEEDS
        }

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description: the quantities, the seeds, a digest of the table."""
        means = {_mean(name) for name in self._runs}
        return {
            KIND: _NAME,
            "minimize": [quantity.name for quantity in self.objectives],
            "report": [q.name for q in self.reported if q.name not in means],
            "seeds": self.seeds,
            "fingerprint": self.fingerprint(),
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """Reads the package's table of a description from `to_dict` again.

        Raises:
            BenchmarkError: If this version of the package holds other values.
        """
        saved = read_saved(_Saved, description)
        benchmark = cls(minimize=saved.minimize, report=saved.report, seeds=saved.seeds)
        benchmark._check_fingerprint(saved.fingerprint, "this version of the package")
        return benchmark


@dataclass(frozen=True)
class _Saved:
    """The content of `HybridLMBenchmark.to_dict`, without the kind."""

    minimize: list[str]
    report: list[str]
    seeds: str
    fingerprint: str


def _choose(
    minimize: str | Iterable[str], report: str | Iterable[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The objectives and the reported quantities, checked."""
    searched = name_list("minimize", minimize)
    if not searched:
        raise OptionError("nothing is searched", "name a quantity with minimize")
    others = (
        tuple(name for name in _TRAINED if name not in searched)
        if report is None
        else name_list("report", report)
    )
    check_chosen((*searched, *others), _QUANTITIES)
    return searched, others


def _run(name: str, seed: int) -> str:
    return f"{name}_{seed}"


def _mean(name: str) -> str:
    return f"{name}_mean"
