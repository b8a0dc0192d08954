from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ax_anasod.exceptions import AnasodError, RunError
from ax_anasod.nasbench import TableBenchmark, from_dict
from ax_anasod.runs import RunConfig, plan_run


def test_the_file_gives_the_same_configuration(tmp_path: Path, benchmark: TableBenchmark) -> None:
    config = plan_run(
        benchmark, "anasod-bo", {"num_initial": 3, "beta_max": 0.1}, trials=7, seed=5, parallel=2
    )
    path = tmp_path / "config.json"
    config.write(path)
    assert RunConfig.read(path) == config
    assert list(tmp_path.iterdir()) == [path]
    rebuilt = from_dict(RunConfig.read(path).benchmark)
    assert rebuilt.objectives == benchmark.objectives
    assert rebuilt.cell == benchmark.cell


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_content_is_read_or_refused(
    tmp_path: Path, benchmark: TableBenchmark, data: st.DataObject
) -> None:
    path = tmp_path / "config.json"
    plan_run(benchmark, "random", trials=1).write(path)
    content = json.loads(path.read_text())
    part = data.draw(st.sampled_from([content, content["objectives"][0], content["benchmark"]]))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(plain)
    path.write_text(json.dumps(content))
    try:
        config = RunConfig.read(path)
        from_dict(config.benchmark)
    except AnasodError:
        return
    assert config.trials >= 1
    assert config.objectives[0].name


def test_damaged_files_are_named(tmp_path: Path, benchmark: TableBenchmark) -> None:
    path = tmp_path / "config.json"
    with pytest.raises(RunError):
        RunConfig.read(path)
    plan_run(benchmark, "random", trials=1).write(path)
    content = path.read_text()
    for damaged, message in [
        (content[:-20], "is damaged"),
        ("\udcff", "is damaged"),
        ("[]", r"is damaged: it is \[\], not an object"),
        ("{}", "is damaged: it lacks environment"),
        ("[" * 10**5, "is damaged: it is nested too deeply"),
        ('{"trials": ' + "9" * 5000 + "}", "is damaged: it is no JSON: Exceeds the limit"),
        *(
            (json.dumps({**json.loads(content), **change}), f"is damaged: it {message}")
            for change, message in [
                ({"objectives": [3]}, r"has objectives\[0\] = 3, not an object"),
                ({"objectives": []}, "is wrong: there is no objective"),
                ({"known": ["x"]}, "is wrong: known must be of quantities, got 'x'"),
                ({"first": "x"}, "is wrong: first must be a quantity, got 'x'"),
                ({"hyperparameters": {"bounds": []}}, "is wrong: lacks parameters"),
                ({"trials": "5"}, "has trials = '5', not a whole number"),
                ({"trials": 0}, "is wrong: trials must be at least 1, got 0"),
                ({"trials": 1e9}, r"has trials = 1000000000\.0, not a whole number"),
                ({"parallel": 10**30}, "is wrong: parallel must be at most 10,000,000"),
                ({"seed": True}, "has seed = True, not a whole number"),
                ({"options": []}, r"has options = \[\], not an object"),
                (
                    {"until_improvement_below": float("nan")},
                    "has until_improvement_below = nan, not a finite number",
                ),
            ]
        ),
    ]:
        path.write_bytes(damaged.encode("utf-8", "surrogateescape"))
        with pytest.raises(RunError, match=message):
            RunConfig.read(path)
