"""A search of a cheap column before that of the one that matters."""

from __future__ import annotations

import pytest

from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import Results, Search, plan_run
from ax_anasod.runs.run_config import Screening
from ax_anasod.runs.screening import check_screening, options_after, screened

SCREENING = Screening("test", 0.25, trials=8)
OPTIONS = {"num_initial": 4}


def test_the_best_of_the_cheap_search_come_first(benchmark: TableBenchmark) -> None:
    source = screened(SCREENING, benchmark, "two-level-bo", OPTIONS, seed=1)
    cheap = benchmark.for_column("test")
    codes = cheap.cell.from_strings(source.architectures)
    assert source.targets == cheap.query(codes)[cheap.objectives[0].name].tolist()
    assert len(source.architectures) == 8
    again = screened(SCREENING, benchmark, "two-level-bo", OPTIONS, seed=1)
    assert again.architectures == source.architectures
    options = options_after({})
    config = plan_run(
        benchmark, "two-level-bo", options, trials=7, seed=1, sources=[source], screen=SCREENING
    )
    run = Search(config, benchmark)
    run.run(7)
    content = Results(config, run.records).to_dict()
    best = benchmark.cell.to_strings(source.best(5))
    assert content["architectures"][:5] == best
    assert content["cost"] == [2.0 + n for n in range(1, 8)]
    assert content["screen"] == {"column": "test", "cost": 0.25, "trials": 8, "spent": 2.0}


def test_a_search_that_does_not_screen_has_no_such_cost(benchmark: TableBenchmark) -> None:
    config = plan_run(benchmark, "random", trials=1)
    assert Results(config, []).to_dict()["cost"] is None


@pytest.mark.parametrize(
    ("column", "strategy", "message"),
    [
        ("test", "random", "'random' makes nothing of a search of a cheap column"),
        ("valid", "two-level-bo", "'valid' is the objective itself"),
    ],
)
def test_what_cannot_be_screened(
    benchmark: TableBenchmark, column: str, strategy: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        check_screening(Screening(column, 0.1), benchmark, strategy)


def test_a_column_that_there_is_not(benchmark: TableBenchmark) -> None:
    with pytest.raises(UnknownNameError):
        check_screening(Screening("tset", 0.1), benchmark, "two-level-bo")


@pytest.mark.parametrize(("cost", "trials"), [(0.0, 5), (float("inf"), 5), (-1.0, 5), (0.1, 0)])
def test_numbers_out_of_range(cost: float, trials: int) -> None:
    with pytest.raises(OptionError):
        Screening("test", cost, trials)
