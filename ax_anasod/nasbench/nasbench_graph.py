"""NAS-Bench-Graph: graph neural networks on nine data sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np

from ax_anasod.cells import NASBenchGraphCell
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.nasbench.benchmark import KIND, register_benchmark
from ax_anasod.nasbench.lookup_benchmark import ArchitectureIndex, LookupBenchmark
from ax_anasod.nasbench.source_files import read_saved
from ax_anasod.objectives import PERCENT, Objective, check_chosen, name_list
from ax_anasod.typing import FloatArray, IntArray

_NAME = "nas-bench-graph"
_SPLITS: Final = {"valid": "valid_perf", "test": "perf"}
_QUANTITIES: Final = {
    "valid_error": Objective("valid_error", PERCENT),
    "test_error": Objective("test_error", PERCENT),
    "latency_seconds": Objective("latency_seconds", "seconds"),
    "parameters_millions": Objective("parameters_millions", "million parameters"),
}


@register_benchmark(_NAME)
class NASBenchGraphBenchmark(LookupBenchmark):
    """Trained graph neural networks, from the tables in the package ``nas-bench-graph``.

    Values are means over the three training seeds of the benchmark. Errors are
    100 · (1 - performance) in percent, where the performance is the accuracy, on
    ``proteins`` the ROC-AUC. There is no training time in the data, so queries have no
    cost. The latency is that of one inference on the authors' machine.

    The tables are read by the package itself, which unpickles a file that it brought:
    installing the package is trusting it.

    Source: Qin et al., *NAS-Bench-Graph: Benchmarking Graph Neural Architecture Search*,
    NeurIPS 2022.

    Args:
        dataset: One of `datasets`. ``proteins`` has a cell of its own, with five
            operations.
        accuracy: Splits that are searched, ``"valid"`` or ``"test"``, as ``<split>_error``.
        minimize: Further quantities to search: ``"latency_seconds"``,
            ``"parameters_millions"``, or one of the errors by its name.
        report: Quantities that are not searched but given for the incumbent; if None, the
            errors that are not searched.

    Raises:
        UnknownNameError: If there is no such data set, split or quantity.
        OptionError: If nothing is searched, or something is named twice.

    Example:
        >>> benchmark = NASBenchGraphBenchmark("cora")
        >>> round(benchmark.optimum("valid_error"), 2)
        18.07
    """

    datasets: ClassVar[tuple[str, ...]] = (
        "cora",
        "citeseer",
        "pubmed",
        "cs",
        "physics",
        "photo",
        "computers",
        "arxiv",
        "proteins",
    )

    def __init__(
        self,
        dataset: str,
        *,
        accuracy: str | Iterable[str] = ("valid",),
        minimize: str | Iterable[str] = (),
        report: str | Iterable[str] | None = None,
    ) -> None:
        if dataset not in self.datasets:
            raise UnknownNameError("data set", dataset, self.datasets)
        objectives, reported = _choose(accuracy, minimize, report)
        cell = NASBenchGraphCell(proteins=dataset == "proteins")
        codes, values = _read(dataset, cell)
        super().__init__(
            name=_NAME,
            dataset=dataset,
            index=ArchitectureIndex(cell, codes),
            values={quantity.name: values[quantity.name] for quantity in (*objectives, *reported)},
            objectives=objectives,
            reported=reported,
            present_only=False,
            source=f"the package's table of {dataset!r}",
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able description: the data set, the quantities, a digest of the table."""
        return {
            KIND: _NAME,
            "dataset": self.dataset,
            "minimize": [quantity.name for quantity in self.objectives],
            "report": [quantity.name for quantity in self.reported],
            "fingerprint": self.fingerprint(),
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """Reads the package's table of a description from `to_dict` again.

        Raises:
            BenchmarkError: If the installed package holds other values than before.
        """
        saved = read_saved(_Saved, description)
        benchmark = cls(saved.dataset, accuracy=(), minimize=saved.minimize, report=saved.report)
        benchmark._check_fingerprint(saved.fingerprint, "the installed package nas-bench-graph")
        return benchmark


@dataclass(frozen=True)
class _Saved:
    """The content of `NASBenchGraphBenchmark.to_dict`, without the kind."""

    dataset: str
    minimize: list[str]
    report: list[str]
    fingerprint: str


def _choose(
    accuracy: str | Iterable[str], minimize: str | Iterable[str], report: str | Iterable[str] | None
) -> tuple[tuple[Objective, ...], tuple[Objective, ...]]:
    for split in (splits := name_list("accuracy", accuracy)):
        if split not in _SPLITS:
            raise UnknownNameError("split", split, _SPLITS)
    searched = (*(f"{split}_error" for split in splits), *name_list("minimize", minimize))
    if not searched:
        raise OptionError("nothing is searched", "name a quantity with accuracy or with minimize")
    if report is None:
        others = tuple(name for name in ("valid_error", "test_error") if name not in searched)
    else:
        others = name_list("report", report)
    check_chosen((*searched, *others), _QUANTITIES)
    quantities = [_QUANTITIES[name] for name in (*searched, *others)]
    return tuple(quantities[: len(searched)]), tuple(quantities[len(searched) :])


def _read(dataset: str, cell: NASBenchGraphCell) -> tuple[IntArray, dict[str, FloatArray]]:
    # Loaded here: importing the room must stay cheap for those who use another benchmark.
    from nas_bench_graph import light_read

    table: dict[int, dict[str, float]] = light_read(dataset)
    hashes = np.fromiter(table, dtype=np.int64, count=len(table))
    columns = {
        field: np.array([entry[field] for entry in table.values()], dtype=np.float64)
        for field in (*_SPLITS.values(), "latency", "para")
    }
    values = {
        **{f"{split}_error": 100.0 * (1.0 - columns[field]) for split, field in _SPLITS.items()},
        "latency_seconds": columns["latency"],
        "parameters_millions": columns["para"],
    }
    return cell.from_hashes(hashes), values
