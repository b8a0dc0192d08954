"""A differentiable search from its images to its files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ax_anasod.dnas import OneShotConfig, OneShotResult, OneShotRun, method
from ax_anasod.dnas import run as run_module
from ax_anasod.exceptions import RunError, TrainingError
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.networks import NetworkConfig
from ax_anasod.training import ImageData, TrainingTask
from tests.dnas.conftest import ROW

TIMES = ("weights_seconds", "distribution_seconds", "data_seconds", "memory")
Make = Callable[..., OneShotRun]


@pytest.fixture
def make(task: TrainingTask, digits: ImageData) -> Make:
    """Makes a run by a method, in a folder or in none."""

    def new(
        name: str = "gaea", folder: Path | None = None, oracle: Any = None, **options: Any
    ) -> OneShotRun:
        own = task
        if oracle is not None:
            own = replace(task, cell=ROW, network=NetworkConfig(channels=4, cells=3))
        config = OneShotConfig(
            {"torch": "2"}, "2026-01-01", name, method(name, **options), own, 3, oracle
        )
        if folder is not None:
            folder.mkdir(exist_ok=True)
            config.write(folder / "dnas.json")
        return OneShotRun(config, digits, folder)

    return new


def timeless(file: Path) -> list[dict[str, str]]:
    rows = csv.DictReader(file.read_text().splitlines())
    return [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


def test_its_files(make: Make, task: TrainingTask, tmp_path: Path) -> None:
    folder = tmp_path / "dnas"
    run = make(folder=folder)
    seen: list[int] = []
    result = run.run(lambda epoch: seen.append(epoch.epoch))
    assert result is not None
    assert seen == [1, 2]
    assert OneShotResult.read(folder) == result
    assert (result.method, result.seed, result.cell) == ("gaea", 3, task.cell)
    assert result.architectures == (run.search.history[-1].likeliest,)
    assert result.probabilities == tuple(map(tuple, run.search.best.probabilities))
    assert json.loads((folder / "search.json").read_text()) == json.loads(
        json.dumps(run.summary(result))
    )
    rows = list(csv.DictReader((folder / "epochs.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    for row, epoch in zip(rows, run.search.history, strict=True):
        means = np.mean(epoch.probabilities, axis=0)
        for operation, mean in zip(task.cell.operations, means, strict=True):
            assert float(row[f"p_{operation}"]) == pytest.approx(mean)
        assert float(row["mixture_loss"]) == epoch.mixture_loss
        assert row["drawn"] == epoch.drawn
    assert list(folder.glob("events.out.tfevents*"))
    assert not (folder / "dnas.lock").exists()
    assert OneShotConfig.read(folder) == run.config


def test_without_a_folder_nothing_is_written(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = make()
    result = run.run()
    assert result is not None
    assert run.summary(result)["out"] is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_printed(make: Make) -> None:
    run = make("anasod-dnas", candidates=7)
    result = run.run()
    assert result is not None
    content = json.loads(json.dumps(run.summary(result)))
    assert set(content) >= {
        *("method", "dataset", "cell", "seed", "epochs", "best_epoch", "p", "entropy", "curve"),
        *("candidates", "ranked_by", "agreement", "best", "oracle", "warnings"),
        *("seconds_per_step", "memory_mib", "out"),
    }
    assert list(content["p"]) == list(run.config.task.cell.operations)
    assert sum(content["p"].values()) == pytest.approx(1.0)
    assert len(content["candidates"]) == 7
    first = {"architecture": result.architectures[0], "score": None, "oracle": None}
    assert content["best"] == content["candidates"][0] == first
    assert set(content["seconds_per_step"]) == {"weights", "distribution", "data"}
    assert min(content["seconds_per_step"].values()) > 0
    # One distribution for each block, where each has its own.
    own = make("gaea")
    found = own.run()
    assert found is not None
    p = own.summary(found)["p"]
    assert len(p) == 6
    assert all(sum(row.values()) == pytest.approx(1.0) for row in p)


@pytest.mark.parametrize("stop", ["search", "ranking", "kill"])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    make: Make, tmp_path: Path, stop: str
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    make("rsps", whole, candidates=3).run()
    first = make("rsps", stopped, candidates=3)
    if stop == "ranking":
        assert first.run(should_stop=(stopped / "trained.json").exists) is None
        assert len(json.loads((stopped / "trained.json").read_text())) == 1
    elif stop == "search":
        assert first.run(should_stop=lambda: len(first.search.history) == 1) is None
        assert not (stopped / "found.json").exists()
        assert len(timeless(stopped / "epochs.csv")) == 1
    else:

        class Killed(Exception):
            pass

        def kill(trained: int) -> None:
            if trained == 2:
                raise Killed

        with pytest.raises(Killed):
            first.run(after_cell=kill)
        assert len(json.loads((stopped / "trained.json").read_text())) == 2
    again = make("rsps", stopped, candidates=3)
    again.run()
    assert (stopped / "found.json").read_bytes() == (whole / "found.json").read_bytes()
    assert timeless(stopped / "epochs.csv") == timeless(whole / "epochs.csv")


def test_what_is_finished_is_not_computed_again(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dnas"
    first = make("rsps", folder, candidates=3).run()

    def refuse(*arguments: Any) -> float:
        raise AssertionError

    monkeypatch.setattr(run_module, "train_alone", refuse)
    again = make("rsps", folder, candidates=3)
    monkeypatch.setattr(again.search, "search_epoch", refuse)
    assert again.run() == first


def test_a_second_process_does_not_search_beside_the_first(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "dnas"
    refusals = []

    def try_too(_: Any) -> None:
        with pytest.raises(RunError, match="another process is searching in .*dnas") as refused:
            make(folder=folder).run()
        refusals.append(refused.value)

    make(folder=folder).run(try_too)
    assert len(refusals) == 2


def test_an_oracle_judges_each_epoch_and_what_was_found(make: Make, tmp_path: Path) -> None:
    codes = ROW.enumerate()
    frame = pd.DataFrame({"arch": ROW.to_strings(codes), "acc": 60.0 + codes @ [1, 5]})
    frame.to_csv(tmp_path / "row.csv", index=False)
    benchmark = TableBenchmark(tmp_path / "row.csv", ROW, accuracy="acc")
    described = {"benchmark": benchmark.to_dict(), "objective": "acc_error"}
    run = make("anasod-dnas", tmp_path / "dnas", described, candidates=3)
    result = run.run()
    assert result is not None
    content = run.summary(result)
    errors = dict(zip(frame["arch"], 100 - frame["acc"], strict=True))
    for row, epoch in zip(content["curve"], run.search.history, strict=True):
        assert row["drawn_error"] == pytest.approx(errors[epoch.drawn])
        assert row["likeliest_error"] == pytest.approx(errors[epoch.likeliest])
        p = np.array(epoch.probabilities[0])
        assert row["mean_error"] == pytest.approx(40.0 - (p @ [0, 1, 2]) * (1 + 5))
    assert [c["oracle"] for c in content["candidates"]] == pytest.approx(
        [errors[text] for text in result.architectures]
    )
    assert content["oracle"]["best_error"] == content["best"]["oracle"]
    assert content["oracle"]["mean_error"] == pytest.approx(content["curve"][-1]["mean_error"])
    assert content["oracle"]["optimum"] == pytest.approx(28.0)
    assert set(timeless(tmp_path / "dnas" / "epochs.csv")[0]) >= {"mean_error", "drawn_error"}
    again = make("anasod-dnas", tmp_path / "dnas", described, candidates=3)
    assert again.curve == run.curve


def test_what_the_user_has_to_know(make: Make) -> None:
    run = make("gdas")
    run.run()
    few, *_ = run.warnings()
    assert few.startswith("6 steps are few for a method that computes one operation a block")
    mixture = make("gaea")
    mixture.run()
    last = mixture.search.history[-1]
    mixture.search.history[-1] = replace(last, draw_error=50.0)
    assert mixture.warnings() == []
    mixture.search.history[-1] = replace(last, draw_error=88.0)
    (guessing,) = mixture.warnings()
    assert guessing.startswith("draws from p did not do clearly better than guessing (error 88.00 ")
    last = replace(last, draw_error=50.0)
    mixture.search.history[-1] = replace(last, probabilities=[[0.1, 0.5, 0.1, 0.0, 0.3]] * 6)
    (collapsed,) = mixture.warnings(0.4)
    assert collapsed == (
        "p has collapsed: 0.90 of it lies on operations without weights "
        "(none, skip_connect, avg_pool_3x3)"
    )
    assert "rank correlation with short trainings is -0.25" in mixture.warnings(-0.25)[1]


def test_a_search_that_diverges_keeps_its_epochs(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "dnas"
    run = make(folder=folder)

    def ruin(_: Any) -> None:
        run.search.supernet.network.classifier.weight.data.fill_(np.nan)  # type: ignore[union-attr,operator]

    with pytest.raises(TrainingError):
        run.run(ruin)
    assert len(timeless(folder / "epochs.csv")) == 1
    assert not (folder / "found.json").exists()
    assert make(folder=folder).run() is not None
