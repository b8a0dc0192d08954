from __future__ import annotations

import json
from pathlib import Path

import pytest

from ax_anasod.exceptions import RunError
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


def test_damaged_files_are_named(tmp_path: Path, benchmark: TableBenchmark) -> None:
    path = tmp_path / "config.json"
    with pytest.raises(RunError, match=f"{path} cannot be read: No such file"):
        RunConfig.read(path)
    plan_run(benchmark, "random", trials=1).write(path)
    content = path.read_text()
    for damaged, message in [
        (content[:-20], "is damaged"),
        ("\udcff", "is damaged"),
        ("[]", "is not the configuration of a run"),
        ("{}", "is not the configuration of a run"),
        (json.dumps({**json.loads(content), "objectives": [3]}), "is not the configuration"),
    ]:
        path.write_bytes(damaged.encode("utf-8", "surrogateescape"))
        with pytest.raises(RunError, match=f"{path} {message}"):
            RunConfig.read(path)
