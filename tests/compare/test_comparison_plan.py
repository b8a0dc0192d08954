from __future__ import annotations

import json
from pathlib import Path

import pytest

from ax_anasod.cells import Cell
from ax_anasod.compare import Contender, Plan
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.nasbench import TableBenchmark

RANDOM = Contender("random", {}, 20)
ENCODINGS = Contender("anasod-random", {}, 20)


def two_lines(path: Path, column: str) -> TableBenchmark:
    cell = Cell("two", operations=["a", "b"], num_blocks=1)
    path.write_text(f"arch,valid,{column}\na,90,1\nb,91,2\n")
    return TableBenchmark(path, cell, accuracy="valid", report=column)


def test_plan_knows_what_is_judged(benchmark: TableBenchmark) -> None:
    plan = Plan.of(benchmark, [RANDOM, ENCODINGS], 3)
    assert plan.labels == ["random", "anasod-random"]
    assert (plan.objective.name, plan.objective.unit) == ("valid_error", "percent")
    assert plan.objective.optimum == benchmark.optimum("valid_error")
    assert [quantity.name for quantity in plan.reported] == ["test"]
    assert plan.subject == "table"
    assert plan.noise_free is None


def test_plan_finds_the_mean_over_training_seeds(tmp_path: Path) -> None:
    plan = Plan.of(two_lines(tmp_path / "t.csv", "valid_error_mean"), [RANDOM], 1)
    assert plan.noise_free is not None
    assert plan.noise_free.name == "valid_error_mean"


@pytest.mark.parametrize("seeds", [0, -1])
def test_seeds_out_of_range_are_refused(benchmark: TableBenchmark, seeds: int) -> None:
    with pytest.raises(OptionError):
        Plan.of(benchmark, [RANDOM], seeds)


def test_strategies_without_fronts_or_limits_are_refused(
    table: Path, benchmark: TableBenchmark
) -> None:
    several = TableBenchmark(table, benchmark.cell, accuracy=["valid", "test"])
    with pytest.raises(OptionError, match="'tpe' searches one objective, got 2"):
        Plan.of(several, [RANDOM, Contender("tpe", {}, 20)], 1)
    with pytest.raises(OptionError, match="'tpe' knows no limits"):
        Plan.of(benchmark, [RANDOM, Contender("tpe", {}, 20)], 1, limits=["test <= 90"])


@pytest.mark.parametrize("column", ["seed", "incumbent", "seconds", "strategy", "trial", "value"])
def test_columns_called_like_those_of_the_results_get_another_name(
    tmp_path: Path, column: str
) -> None:
    plan = Plan.of(two_lines(tmp_path / "t.csv", column), [RANDOM], 1)
    assert plan.columns == {column: f"value({column})"}


def test_reading_gives_the_plan_back(benchmark: TableBenchmark, tmp_path: Path) -> None:
    contenders = [RANDOM, Contender("anasod-bo", {"optimizer": "exhaustive"}, 30)]
    plan = Plan.of(benchmark, contenders, 3)
    plan.write(tmp_path / "plan.json")
    assert Plan.read(tmp_path / "plan.json") == plan


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"plan\.json is damaged"),
        ("{}", r"plan\.json is damaged: it lacks created"),
        (json.dumps({"created": 3}), "it has created = 3, not a text"),
    ],
)
def test_damaged_plans_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(RunError, match=message):
        Plan.read(tmp_path / "plan.json")
    with pytest.raises(RunError):
        Plan.read(tmp_path / "none.json")


def test_more_of_anything_extends_a_plan(benchmark: TableBenchmark) -> None:
    plan = Plan.of(benchmark, [RANDOM, ENCODINGS], 2)
    longer = Contender("random", {}, 50)
    other = Contender("anasod-bo", {}, 10)
    extended = plan.extended(Plan.of(benchmark, [other, longer], 3))
    assert extended.contenders == (longer, ENCODINGS, other)
    assert extended.seeds == 3
    assert extended.created == plan.created


def test_less_is_refused(benchmark: TableBenchmark) -> None:
    plan = Plan.of(benchmark, [RANDOM], 2)
    for contender, seeds, words in (
        (RANDOM, 1, "planned for 2 seeds, more than 1"),
        (Contender("random", {}, 10), 2, "planned for 20 trials of random, more than 10"),
    ):
        with pytest.raises(RunError, match=words):
            plan.extended(Plan.of(benchmark, [contender], seeds))


def test_another_benchmark_is_refused_by_what_differs(
    benchmark: TableBenchmark, table: Path
) -> None:
    plan = Plan.of(benchmark, [RANDOM], 1)
    other = TableBenchmark(table, benchmark.cell, accuracy="test", cost="seconds")
    with pytest.raises(RunError, match=r"another benchmark: accuracy \['valid'\], not \['test'\]"):
        plan.extended(Plan.of(other, [RANDOM], 1))


def test_other_values_are_refused(benchmark: TableBenchmark, table: Path, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(table.read_text().replace("100", "101", 1))
    changed = TableBenchmark(
        tmp_path / "table.csv", benchmark.cell, accuracy="valid", report="test", cost="seconds"
    )
    with pytest.raises(RunError, match="another benchmark: fingerprint"):
        Plan.of(benchmark, [RANDOM], 1).extended(Plan.of(changed, [RANDOM], 1))


def test_the_same_data_elsewhere_is_the_same(
    benchmark: TableBenchmark, table: Path, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text(table.read_text())
    moved = TableBenchmark(
        tmp_path / "table.csv", benchmark.cell, accuracy="valid", report="test", cost="seconds"
    )
    plan = Plan.of(benchmark, [RANDOM], 1)
    assert plan.extended(Plan.of(moved, [RANDOM], 1)) == plan
