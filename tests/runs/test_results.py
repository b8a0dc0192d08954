from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.escaping import for_csv
from ax_anasod.exceptions import OptionError
from ax_anasod.journal import Completed, Failed, Record, Started
from ax_anasod.objectives import Limit, Objective
from ax_anasod.runs import Results, RunConfig

KEYS = [
    *(
        "benchmark",
        "dataset",
        "strategy",
        "seed",
        "trials",
        "planned_trials",
        "objectives",
        "values",
    ),
    *("architectures", "incumbent", "reported", "best", "optimum", "cost_seconds"),
    *(
        "screen",
        "cost",
        "seconds",
        "seconds_per_trial",
        "pareto_front",
        "picked",
        "hypervolume",
        "limits",
        "feasible",
        "features",
        "stopped_early",
        "out",
    ),
]


def config(*objectives: str, reported: tuple[str, ...] = ()) -> RunConfig:
    return RunConfig(
        environment={},
        created="",
        benchmark={},
        benchmark_name="table",
        dataset=None,
        strategy="anasod-bo",
        options={},
        seed=3,
        trials=10,
        parallel=1,
        objectives=tuple(Objective(name, "percent", True, name, 1.5) for name in objectives),
        reported=tuple(Objective(name, "", True, name, None) for name in reported),
    )


def record(trial: int, cost: float | None = None, **values: float | None) -> Record:
    """A trial with these values; failed where one is None, running where there are none."""
    start = Started(trial, trial, {}, "node", "key", {"beta": 0.25} if trial else {})
    encoding = {"conv": trial, "p,ool": 1}
    if not values:
        return Record(start)
    if None in values.values():
        return Record(start, Failed(trial, "broken", encoding, 0.5))
    known = {name: value for name, value in values.items() if value is not None}
    return Record(start, Completed(trial, known, f"a{trial}|b", encoding, cost, 0.25 + trial))


RECORDS = [
    record(0, error=None, test=0.0),
    record(1, error=5.0, test=7.0),
    record(2, error=6.0, test=1.0),
    record(3, error=0.1 + 0.2, test=9.0),
    record(4, error=None, test=2.0),
    record(5, error=0.1 + 0.2, test=3.0),
    record(6),
]


def test_further_objectives_decide_between_equals() -> None:
    records = [record(i, error=1.0, size=size) for i, size in enumerate([5.0, 3.0, 3.0, 4.0])]
    results = Results(config("error", "size"), records)
    assert [best and best.trial for best in results.incumbents] == [0, 1, 1, 1]
    assert [end.trial for end in results.pareto_front] == [1]


def test_the_object_of_a_run() -> None:
    results = Results(config("error", reported=("test",)), RECORDS, Path("runs/x"))
    content = results.to_dict()
    assert list(content) == KEYS
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    best = 0.1 + 0.2
    assert content["values"] == {"error": [None, 5.0, 6.0, best, None, best]}
    assert content["incumbent"] == [None, 5.0, 5.0, best, best, best]
    assert content["reported"] == {"test": [None, 7.0, 7.0, 9.0, 9.0, 9.0]}
    assert content["architectures"] == [None, "a1|b", "a2|b", "a3|b", None, "a5|b"]
    assert content["best"] == {
        "value": best,
        "trial": 3,
        "encoding": {"conv": 3, "p,ool": 1},
        "architecture": "a3|b",
    }
    assert content["trials"] == 6
    assert content["objectives"] == [{"name": "error", "unit": "percent", "minimize": True}]
    assert (content["optimum"], content["seed"], content["dataset"]) == (1.5, 3, None)
    assert content["seconds"] == pytest.approx(0.5 + 1.25 + 2.25 + 3.25 + 0.5 + 5.25)
    assert content["seconds_per_trial"] == pytest.approx((1.25 + 2.25) / 2)
    assert (content["cost_seconds"], content["pareto_front"]) == (None, None)
    assert content["out"] == "runs/x"


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), max_size=12))
def test_what_is_maximised_is_what_is_minimised_with_the_sign_turned(
    values: list[tuple[int, int]],
) -> None:
    minimised, maximised = config("auc", "size"), config("auc", "size")
    first, second = maximised.objectives
    maximised = replace(maximised, objectives=(replace(first, minimize=False), second))
    lower, higher = (
        Results(
            searched,
            [record(i, auc=sign * float(a), size=float(b)) for i, (a, b) in enumerate(values)],
        )
        for searched, sign in ((minimised, -1), (maximised, 1))
    )
    assert [best and best.trial for best in higher.incumbents] == [
        best and best.trial for best in lower.incumbents
    ]
    assert [end.trial for end in higher.pareto_front] == [end.trial for end in lower.pareto_front]
    if values:
        assert higher.to_dict()["incumbent"][-1] == max(a for a, _ in values)


OWN = ("trial", "status", "architecture", "n_conv", "incumbent", "cost_seconds", "seconds")


@pytest.mark.parametrize("name", [*OWN, "proposed_by", "beta"])
def test_a_quantity_called_like_another_column_has_one_of_its_own(name: str) -> None:
    values = {name: 2.5, f"value({name})": 3.5}
    end = Completed(0, values, "a|b", {"conv": 7}, 1.25, 0.5)
    results = Results(config(*values), [Record(Started(0, 0, {}, "node", "key"), end)])
    header, row = csv.reader(io.StringIO(results.to_csv()))
    assert len(set(header)) == len(header)
    found = dict(zip(header, row, strict=True))
    expected = ["0", "completed", "a|b", "7", "2.5", "1.25", "0.5"]
    assert [found[column] for column in OWN] == expected
    assert found[f"value({name})"] == "3.5"
    assert found[f"value(value({name}))"] == "2.5"


@pytest.mark.parametrize("name", ["value", "精度", "E", "=SUM(A1)", "a/b", "a,b", "Trial"])
def test_any_other_quantity_has_its_own_name(name: str) -> None:
    results = Results(config(name), [record(0, **{name: 2.5})])
    header, row = csv.reader(io.StringIO(results.to_csv()))
    assert dict(zip(header, row, strict=True))[for_csv(name)] == "2.5"


def test_costs_are_given_where_the_data_has_them() -> None:
    records = [record(0, cost=3.0, error=1.0), record(1, error=None), record(2, 5.0, error=2.0)]
    assert Results(config("error"), records).to_dict()["cost_seconds"] == [3.0, None, 5.0]


@pytest.mark.parametrize("records", [[], [record(0)], [record(0, error=None)]])
def test_a_run_without_results(records: list[Record]) -> None:
    content = Results(config("error"), records).to_dict()
    assert list(content) == KEYS
    assert content["best"] is None
    assert content["incumbent"] == [None] * content["trials"]
    assert content["out"] is None
    assert len(Results(config("error"), records).to_csv().splitlines()) == 1 + content["trials"]


points = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), max_size=25)


@given(points)
def test_the_pareto_front_is_that_of_brute_force(values: list[tuple[int, int, int]]) -> None:
    names = ("a", "b", "c")
    records = [
        record(trial, **{n: float(v) for n, v in zip(names, point, strict=True)})
        for trial, point in enumerate(values)
    ]
    results = Results(config(*names), records)
    array = np.array(values, dtype=float).reshape(-1, 3)
    expected = []
    for i, point in enumerate(array):
        covers = (array <= point).all(axis=1)
        better = covers & (array < point).any(axis=1)
        equal_before = covers[:i] & (array[:i] == point).all(axis=1)
        if not better.any() and not equal_before.any():
            expected.append(i)
    assert sorted(end.trial for end in results.pareto_front) == expected
    front = results.to_dict()["pareto_front"]
    assert [p["values"]["a"] for p in front] == sorted(p["values"]["a"] for p in front)
    assert all(p["architecture"] == f"a{p['trial']}|b" for p in front)


def test_the_table_has_every_digit() -> None:
    text = Results(config("error", reported=("test",)), RECORDS).to_csv()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 6
    assert rows[3] == {
        "trial": "3",
        "status": "completed",
        "architecture": "a3|b",
        "n_conv": "3",
        "n_p_ool": "1",
        "error": "0.30000000000000004",
        "test": "9.0",
        "incumbent": "0.30000000000000004",
        "cost_seconds": "",
        "seconds": "3.25",
        "proposed_by": "node",
        "beta": "0.25",
    }
    assert rows[0]["status"] == "failed"
    assert (rows[0]["error"], rows[0]["incumbent"], rows[0]["n_conv"]) == ("", "", "0")
    assert rows[4]["incumbent"] == rows[3]["incumbent"]
    assert math.isclose(sum(float(row["seconds"]) for row in rows), 13.0)


def test_what_breaks_a_limit_is_neither_an_incumbent_nor_on_the_front() -> None:
    records = [record(i, error=e, size=s) for i, (e, s) in enumerate([(3, 9), (4, 1), (2, 8)])]
    records.append(record(3, error=None))
    limited = replace(config("error", reported=("size",)), limits=(Limit.parse("size <= 8.5"),))
    content = Results(limited, records).to_dict()
    assert content["limits"] == ["size <= 8.5"]
    assert content["feasible"] == [False, True, True, False]
    assert content["incumbent"] == [None, 4, 2, 2]
    both = replace(config("error", "size"), limits=(Limit.parse("size >= 2"),))
    assert [end.trial for end in Results(both, records).pareto_front] == [2]


def test_the_hypervolume_is_measured_before_the_point_that_is_given() -> None:
    values = [(3, 9), (4, 2), (2, 8), (9, 9), (1, 3)]
    records = [record(i, error=e, size=s) for i, (e, s) in enumerate(values)]
    records.insert(2, record(5, error=None))
    limited = replace(config("error", "size"), limits=(Limit.parse("error <= 8"),))
    content = Results(limited, records).to_dict()["hypervolume"]
    # The front is (1, 3) and (4, 2); the limit is the threshold.
    assert content["reference_point"] == {"error": 8, "size": pytest.approx(3 + 0.1)}
    nothing, second = 0.0, (8 - 4) * 1.1
    third = second + (4 - 1) * 0.1
    assert content["values"] == pytest.approx([nothing, second, second, second, second, third])


@pytest.mark.parametrize("objectives", [("error",), ("error", "size")])
def test_without_a_front_there_is_no_hypervolume(objectives: tuple[str, ...]) -> None:
    reported = ("size",) if len(objectives) == 1 else ()
    limited = replace(config(*objectives, reported=reported), limits=(Limit.parse("size <= 1"),))
    assert Results(limited, [record(0, error=1, size=2)]).to_dict()["hypervolume"] is None


def test_the_hypervolume_of_what_is_maximised() -> None:
    records = [record(0, accuracy=90, size=2), record(1, accuracy=80, size=1)]
    both = config("accuracy", "size")
    turned = replace(
        both, objectives=(replace(both.objectives[0], minimize=False), *both.objectives[1:])
    )
    content = Results(turned, records).to_dict()["hypervolume"]
    assert content["reference_point"] == pytest.approx({"accuracy": 79, "size": 2.1})
    assert content["values"] == pytest.approx([11 * 0.1, 11 * 0.1 + 1])


def test_the_front_as_a_table() -> None:
    values = [(3, 1), (1, 3), (3, 3), (2, 2)]
    results = Results(
        config("error", "size"), [record(i, error=e, size=s) for i, (e, s) in enumerate(values)]
    )
    rows = {row["trial"]: row for row in csv.DictReader(io.StringIO(results.to_csv()))}
    front = list(csv.DictReader(io.StringIO(results.to_csv(front_only=True))))
    assert front == [rows["1"], rows["3"], rows["0"]]


def test_the_point_that_is_picked_of_the_front() -> None:
    values = [(3, 1), (1, 9), (3, 3), (2, 2)]
    records = [record(i, error=e, size=s) for i, (e, s) in enumerate(values)]
    both = config("error", "size")
    content = Results(both, records).to_dict()["picked"]
    assert (content["rule"], content["trial"]) == ("the lowest error", 1)
    assert content["values"] == {"error": 1, "size": 9}
    assert (content["architecture"], content["encoding"]) == ("a1|b", {"conv": 1, "p,ool": 1})
    # What the run was told, and what is asked for now.
    told = replace(both, pick="size<=1")
    assert Results(told, records).to_dict()["picked"]["trial"] == 0
    assert Results(told, records, rule="knee").to_dict()["picked"]["trial"] == 3
    nobody = Results(both, records, rule="size<=0.5").to_dict()["picked"]
    assert (nobody["rule"], nobody["trial"]) == ("the lowest error with size <= 0.5", None)


def test_without_a_front_the_best_trial_is_picked() -> None:
    results = Results(config("error"), RECORDS)
    assert results.picked is results.best
    assert (results.pick, results.to_dict()["picked"]) == (None, None)
    with pytest.raises(OptionError):
        Results(config("error"), RECORDS, rule="knee")
