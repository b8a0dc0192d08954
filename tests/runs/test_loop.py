from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.exceptions import (
    AnasodError,
    ArchitectureError,
    OptionalImportError,
    OptionError,
    RunError,
)
from ax_anasod.generation_strategy import STRATEGIES as ALL_STRATEGIES
from ax_anasod.journal import Completed, Failed, Journal, Record, write_records
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runners import BenchmarkQuery
from ax_anasod.runs import Search, plan_run

STRATEGIES = ["random", "anasod-random", "anasod-biased-random", "anasod-bo"]


def search(benchmark: Any, strategy: str, trials: int, **options: Any) -> Search:
    parallel = options.pop("parallel", 1)
    return Search(
        plan_run(benchmark, strategy, options, trials=trials, parallel=parallel), benchmark
    )


def timeless(records: list[Record]) -> list[object]:
    """Everything about trials but how long they took."""
    return [
        (record.start, record.end and {**vars(record.end), "seconds": None}) for record in records
    ]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_trials_are_those_of_a_plain_ax_loop(benchmark: TableBenchmark, strategy: str) -> None:
    run = search(benchmark, strategy, 13)
    run.run(13)
    plain = search(benchmark, strategy, 13)
    query = BenchmarkQuery(benchmark, seed=0)
    for record in run.records:
        ((index, parameters),) = plain.client.get_next_trials(1).items()
        result = query.of(experiment_of(plain.client).trials[index])
        assert isinstance(record.end, Completed)
        assert (record.trial, record.start.parameters) == (index, parameters)
        assert record.end.values == result["values"]
        assert record.end.architecture == result["architecture"]
        assert record.end.cost_seconds == result["cost_seconds"]
        code = benchmark.cell.from_strings([record.end.architecture])
        counts = benchmark.cell.encode(code)[0].tolist()
        assert record.end.encoding == dict(zip(benchmark.cell.operations, counts, strict=True))
        values = result["values"]
        raw = {"valid_error": values["valid_error"], "metric_test": values["test"]}
        plain.client.complete_trial(index, raw_data=raw)


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_journal_replayed_anywhere_gives_the_same_search(
    benchmark: TableBenchmark, tmp_path: Path, strategy: str, parallel: int
) -> None:
    config = plan_run(
        benchmark,
        strategy,
        {"num_initial": 5} if strategy == "anasod-bo" else {},
        trials=12,
        parallel=parallel,
    )
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        whole = Search(config, benchmark, journal)
        whole.run(12)
    content = path.read_bytes()
    # After every event in turn: before a proposal, inside a batch, before an evaluation.
    for line in range(1, content.count(b"\n"), 5):
        path.write_bytes(b"\n".join(content.split(b"\n")[:line]) + b"\n")
        with Journal(path) as journal:
            resumed = Search(config, benchmark, journal)
            resumed.run(12)
        assert timeless(resumed.records) == timeless(whole.records)
        data, expected = (s.experiment.data.full_df for s in (resumed, whole))
        assert data.equals(expected)
        statuses = {index: trial.status for index, trial in whole.experiment.trials.items()}
        assert {i: trial.status for i, trial in resumed.experiment.trials.items()} == statuses


@pytest.mark.parametrize("strategy", sorted(set(ALL_STRATEGIES) - set(STRATEGIES)))
def test_every_strategy_goes_on_from_a_journal(
    benchmark: TableBenchmark, tmp_path: Path, strategy: str
) -> None:
    # The strategies above are cut everywhere; all others must keep no state either.
    try:
        whole = search(benchmark, strategy, 14)
    except OptionalImportError as error:
        pytest.skip(str(error))
    whole.run(14)
    with Journal(tmp_path / "journal.jsonl") as journal:
        for stop in (6, 12, 14):
            Search(whole.config, benchmark, journal).run(stop)
        assert timeless(journal.records) == timeless(whole.records)


def test_restoring_attaches_what_completing_attaches(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    config = plan_run(benchmark, "anasod-random", trials=3)
    with Journal(tmp_path / "journal.jsonl") as journal:
        first = Search(config, benchmark, journal)
        first.run(3)
        second = Search(config, benchmark, journal)
    for one, other in zip(
        first.experiment.trials.values(), second.experiment.trials.values(), strict=True
    ):
        assert one.run_metadata == other.run_metadata
        assert one.arms == other.arms
        (run,), (restored,) = one.generator_runs, other.generator_runs
        assert run._generation_node_name == restored._generation_node_name
        assert run._generator_key == restored._generator_key


@pytest.mark.parametrize("parallel", [2, 5])
def test_batches_are_proposed_together(benchmark: TableBenchmark, parallel: int) -> None:
    run = search(benchmark, "anasod-bo", 8, parallel=parallel, num_initial=2)
    run.run(8)
    assert [record.start.last for record in run.records] == [
        min(7, trial + parallel - 1 - trial % parallel) for trial in range(8)
    ]
    assert sum(record.end is not None for record in run.records) == 8


def test_the_trust_region_is_recorded(benchmark: TableBenchmark) -> None:
    run = search(benchmark, "anasod-bo", 9, num_initial=4, failure_tolerance=1)
    run.run(9)
    betas = [record.start.metadata.get("beta") for record in run.records]
    assert betas[:4] == [None] * 4
    assert all(isinstance(beta, float) for beta in betas[4:])
    assert any(betas[5:])


class Failing:
    """A benchmark that cannot evaluate some architectures, and finds no number for others."""

    def __init__(self, benchmark: TableBenchmark) -> None:
        self._benchmark = benchmark

    def __getattr__(self, name: str) -> Any:
        return getattr(self._benchmark, name)

    def query(self, codes: Any, seeds: Any = None) -> dict[str, Any]:
        values = self._benchmark.query(codes, seeds)
        if codes[0, 0] == 0:
            raise ArchitectureError(f"cannot train {codes[0].tolist()}")
        if codes[0, 0] == 1:
            values["valid_error"] = np.full(1, np.nan)
        return values


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_failed_trials_are_recorded_and_the_search_goes_on(
    benchmark: TableBenchmark, tmp_path: Path, strategy: str
) -> None:
    failing = Failing(benchmark)
    config = plan_run(failing, strategy, trials=20)  # type: ignore[arg-type]
    seen: list[Record] = []
    with Journal(tmp_path / "journal.jsonl") as journal:
        run = Search(config, failing, journal)  # type: ignore[arg-type]
        run.run(20, after_trial=seen.append)
        resumed = Search(config, failing, journal)  # type: ignore[arg-type]
    assert seen == run.records
    reasons = [r.end.reason for r in run.records if isinstance(r.end, Failed)]
    assert any("cannot train [0" in reason for reason in reasons)
    assert any("valid_error of pool|" in reason and "is nan" in reason for reason in reasons)
    assert len(reasons) < 20
    for experiment in (run.experiment, resumed.experiment):
        failed = [t.index for t in experiment.trials.values() if t.status.is_failed]
        assert failed == [r.trial for r in run.records if isinstance(r.end, Failed)]
    assert resumed.client.get_next_trials(1) == run.client.get_next_trials(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"parameters": {"n_conv": 1, "n_pool": 1, "n_skip": 1}},
            "trial 1 is none of this run: .*",
        ),
        ({"parameters": {"n_conv": 4}}, "trial 1 is none of this run: .*n_pool"),
        ({"node": "mine"}, "trial 1 is none of this run: it was proposed by 'mine'"),
        ({"encoding": {"conv": 9, "pool": 0, "skip": 0}}, "it has the encoding .*9"),
    ],
)
def test_a_trial_that_the_run_cannot_have_had_is_refused(
    benchmark: TableBenchmark, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    config = plan_run(benchmark, "anasod-random", trials=3)
    with Journal(tmp_path / "journal.jsonl") as journal:
        Search(config, benchmark, journal).run(3)
        records = journal.records
    record = records[1]
    if "encoding" in change:
        records[1] = Record(record.start, replace(record.end, **change))
    else:
        records[1] = Record(replace(record.start, **change), record.end)
    write_records(tmp_path / "edited.jsonl", records)
    before = (tmp_path / "edited.jsonl").read_bytes()
    with (
        Journal(tmp_path / "edited.jsonl") as journal,
        pytest.raises(RunError, match=message),
    ):
        Search(config, benchmark, journal)
    assert (tmp_path / "edited.jsonl").read_bytes() == before


def test_the_search_stops_where_it_is_told_to(benchmark: TableBenchmark) -> None:
    run = search(benchmark, "anasod-random", 10, parallel=4)
    run.run(10, should_stop=lambda: sum(r.end is not None for r in run.records) == 6)
    assert [record.end is None for record in run.records] == [False] * 6 + [True] * 2
    run.run(10)
    assert [record.end is None for record in run.records] == [False] * 10
    run.run(10)
    assert len(run.records) == 10


def test_nothing_is_evaluated_that_is_not_in_the_journal(
    benchmark: TableBenchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    query = benchmark.query

    def check(codes: Any, seeds: Any = None) -> Any:
        assert path.read_bytes().endswith(b"\n")
        assert path.read_bytes().splitlines()[-1].startswith(b'{"event":"start"')
        return query(codes, seeds)

    monkeypatch.setattr(benchmark, "query", check)
    with Journal(path) as journal:
        Search(plan_run(benchmark, "random", trials=3), benchmark, journal).run(3)


def test_a_new_run_moves_into_its_journal_once(benchmark: TableBenchmark, tmp_path: Path) -> None:
    run = search(benchmark, "random", 3)
    with Journal(tmp_path / "journal.jsonl") as journal:
        run.keep_in(journal)
        run.run(2)
        assert run.records == journal.records
        assert len(journal.records) == 2
        with pytest.raises(RunError, match="cannot become the journal of a search under way"):
            run.keep_in(journal)


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("anasod-bo", {"optimizer": "pol"}),
        ("anasod-bo", {"num_initial": 0}),
        ("anasod-bo", {"beta_max": -1.0}),
        ("anasod-bo", {"pool_size": 0}),
        ("anasod-biased-random", {"beta_max": -1.0}),
        ("random", {"beta_max": 1.0}),
    ],
    ids=str,
)
def test_wrong_options_are_refused_before_the_first_trial(
    benchmark: TableBenchmark, strategy: str, options: dict[str, object]
) -> None:
    with pytest.raises(AnasodError):
        search(benchmark, strategy, 3, **options)


def test_a_strategy_for_one_objective_refuses_several(table: Path, cell: Cell) -> None:
    benchmark = TableBenchmark(table, cell, accuracy="valid", minimize="latency")
    with pytest.raises(OptionError):
        search(benchmark, "anasod-biased-random", 3)


# Ax 1.3.1 copies a tensor in a way that torch warns about, where it infers thresholds.
@pytest.mark.filterwarnings("ignore:To copy construct from a tensor:UserWarning:ax")
# It also builds its own thresholds from a class that it deprecates.
@pytest.mark.filterwarnings("ignore:ObjectiveThreshold is deprecated:DeprecationWarning")
# Samples at repeated encodings are perfectly correlated.
@pytest.mark.filterwarnings("ignore:A not p.d., added jitter")
@pytest.mark.parametrize("strategy", ["random", "anasod-random", "anasod-bo"])
def test_several_objectives(table: Path, cell: Cell, tmp_path: Path, strategy: str) -> None:
    benchmark = TableBenchmark(table, cell, accuracy="valid", minimize="latency")
    options = {"num_initial": 4} if strategy == "anasod-bo" else {}
    whole = search(benchmark, strategy, 7, **options)
    whole.run(7)
    assert all(set(r.end.values) == {"valid_error", "latency"} for r in whole.records)  # type: ignore[union-attr]
    for stop in (2, 5):
        with Journal(tmp_path / f"{stop}.jsonl") as journal:
            Search(whole.config, benchmark, journal).run(stop)
            Search(whole.config, benchmark, journal).run(7)
            assert timeless(journal.records) == timeless(whole.records)


# The name of an accuracy, minimised.
@pytest.mark.filterwarnings("ignore::ax_anasod.exceptions.ObjectiveWarning")
@pytest.mark.parametrize("column", ["val acc", "I", "beta", "3x3", "lambda", "ε"])
def test_columns_of_any_name_can_be_searched(
    make_table: Callable[..., Path], cell: Cell, column: str
) -> None:
    path = make_table(**{column: "1 + conv + n / 100", "a report": "n"})
    benchmark = TableBenchmark(path, cell, minimize=column, report="a report")
    run = search(benchmark, "anasod-bo", 7, num_initial=5)
    run.run(7)
    assert all(set(r.end.values) == {column, "a report"} for r in run.records)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("formula", "trials"), [("0 * n", 14), ("0 * n + 7", 14), ("np.maximum(n - 30, 0)", 16)]
)
def test_zeros_and_constants_are_legal(
    make_table: Callable[..., Path], cell: Cell, formula: str, trials: int
) -> None:
    benchmark = TableBenchmark(make_table(loss=formula), cell, minimize="loss")
    run = search(benchmark, "anasod-bo", trials, num_initial=5)
    run.run(trials)
    assert all(isinstance(record.end, Completed) for record in run.records)
