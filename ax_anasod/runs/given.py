"""The input of a run before its first trial: architectures to start with, and proxies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ax_anasod.cells import Cell
from ax_anasod.exceptions import ArchitectureError, OptionError, RunError, UnknownNameError
from ax_anasod.journal import JOURNAL, Completed, read_records
from ax_anasod.metrics import KnownProxy
from ax_anasod.nasbench.table_file import ARCH, read_table
from ax_anasod.nasbench.table_rows import ROWS, RowNames
from ax_anasod.proxies import ProxyConfig
from ax_anasod.runs.layout import check_holds_run
from ax_anasod.runs.run_config import GivenArchitecture, ProxyFeature, proxy_metric_name

_COMPARED = 3


def read_given(
    paths: Sequence[Path], cell: Cell, quantities: Sequence[str], beside: Sequence[str] = ()
) -> list[GivenArchitecture]:
    """The architectures of tables, and the trials of run folders, each once.

    Args:
        paths: Tables as for :class:`ax_anasod.nasbench.TableBenchmark`, with a column ``arch``
            and, where values are known, one for each quantity; or run folders.
        cell: The cell that is searched.
        quantities: Quantities that the new run searches and reports.
        beside: Names of the parameters that it searches beside the cell; tables lack their values.

    Raises:
        AnasodError: One cannot be read, has an architecture of another cell, values of some
            quantities only, one that is not finite, or two of one architecture.
    """
    given: dict[str, GivenArchitecture] = {}
    for path in paths:
        for each in _read(path, cell, quantities):
            if beside and each.values:
                raise OptionError(
                    f"the values in {path} are those of architectures alone, and {beside[0]} is "
                    "searched, too",
                    f"leave the column {ARCH!r} alone: its architectures are then tried first",
                )
            known = given.get(each.architecture)
            if known is not None and known.values and each.values not in ({}, known.values):
                raise OptionError(
                    f"{path} has other values of {each.architecture!r} than were given before",
                    "give one row for each architecture, or their mean",
                )
            if known is None or each.values:
                given[each.architecture] = each
    return list(given.values())


def _read(path: Path, cell: Cell, quantities: Sequence[str]) -> list[GivenArchitecture]:
    if path.is_dir():
        return _of_run(path, cell, quantities)
    table = read_table(path, [])
    strings = table.architectures
    columns = {}
    for name in quantities:
        try:
            columns[name] = read_table(path, [name]).columns[name]
        except UnknownNameError:
            continue
    lacking = [name for name in quantities if name not in columns]
    if columns and lacking:
        raise OptionError(
            f"{path} has values of {', '.join(columns)}, but not of {', '.join(lacking)}, which "
            "this run has, too",
            f"add the columns; or leave the column {ARCH!r} alone: its architectures are then "
            "tried first",
        )
    values = np.array(list(columns.values())).reshape(len(columns), len(strings))
    wrong = ~np.isfinite(values).all(axis=0)
    if wrong.any():
        raise OptionError(
            f"{table.places.name(int(wrong.argmax()))} of {path} has a value that is not finite"
        )
    rows = [dict(zip(columns, row, strict=True)) for row in values.T.tolist()]
    return _checked(path, cell, strings, rows, table.places)


def _of_run(path: Path, cell: Cell, quantities: Sequence[str]) -> list[GivenArchitecture]:
    check_holds_run(path)
    ends = [record.end for record in read_records(path / JOURNAL)]
    done = [end for end in ends if isinstance(end, Completed)]
    if not done:
        raise OptionError(f"the run {path} has no trial with a value", "search it first")
    for name in quantities:
        if name not in done[0].values:
            raise OptionError(
                f"the trials of {path} have no value of {name!r}, which this run has",
                "a run of the same objectives is needed; one of others is a source (--source)",
            )
    rows = [{name: end.values[name] for name in quantities} for end in done]
    return _checked(path, cell, [end.architecture for end in done], rows)


def _checked(
    path: Path,
    cell: Cell,
    strings: Sequence[str],
    rows: Sequence[dict[str, float]],
    places: RowNames = ROWS,
) -> list[GivenArchitecture]:
    given = []
    for row, (string, values) in enumerate(zip(strings, rows, strict=True)):
        try:
            given.append(GivenArchitecture(str(cell.architecture(string)), values))
        except ArchitectureError as error:
            place = places.name(row)
            raise OptionError(f"{place} of {path}: {error.message}", error.hint) from error
    return given


def proxy_metric(name: str, cell: Cell, seed: int) -> KnownProxy:
    """The metric of a proxy.

    Raises:
        CellError: The cell describes no networks of images, or an operation has no module.
    """
    return KnownProxy(proxy_metric_name(name), cell, ProxyConfig(seed=seed), proxy=name)


def proxy_values(metric: KnownProxy) -> tuple[float, ...]:
    """The values of a few architectures, always the same ones."""
    codes = metric.searched.sample(_COMPARED, np.random.default_rng(0))
    return tuple(metric.values(codes).tolist())


def proxy_metrics(features: Iterable[ProxyFeature], cell: Cell, seed: int) -> list[KnownProxy]:
    """The metrics of the proxies of a run.

    Raises:
        RunError: One has other values than when the run began.
    """
    metrics = []
    for feature in features:
        metric = proxy_metric(feature.name, cell, seed)
        now = proxy_values(metric)
        if not np.allclose(now, feature.values, rtol=1e-6, atol=1e-6):
            raise RunError(
                f"the feature {feature.name!r} has other values than when the run began: {now}, "
                f"not {feature.values}",
                "go on with the version of torch that config.json names",
            )
        metrics.append(metric)
    return metrics
