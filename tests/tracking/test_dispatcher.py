from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

from ax_anasod import cells
from ax_anasod.compare import Contender, Observer, Plan, compare_strategies
from ax_anasod.compare.comparison_folder import ComparisonFolder
from ax_anasod.compare.progress import ComparisonReporter
from ax_anasod.compare.run_worker import TaskEnd
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.journal import Completed, Failed, Journal, Record
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.networks import NetworkConfig
from ax_anasod.objectives import Limit, Objective
from ax_anasod.runs import Execution, Results, Search, TrainingSearch, plan_run
from ax_anasod.tracking import TrackedRun, Tracker, TrackerDispatcher, TrackerWarning
from ax_anasod.training import DataConfig, Hardware, TrainingTask, protocol
from tests.tracking.conftest import Recorder, search, track_search


def trials(*numbers: int) -> list[tuple[str, int]]:
    return [("trial", number) for number in numbers]


def test_a_run_that_goes_on_tells_nothing_twice(benchmark: TableBenchmark, tmp_path: Path) -> None:
    first, second = Recorder(), Recorder()
    track_search(benchmark, 3, tmp_path, first)
    track_search(benchmark, 5, tmp_path, second)

    assert first.told == [*trials(0, 1, 2), ("end", True)]
    assert second.told == [*trials(3, 4), ("end", True)]
    track_search(benchmark, 5, tmp_path, second)
    assert second.told == [*trials(3, 4), ("end", True)]


def test_a_tracker_that_comes_later_is_told_of_all_trials(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    track_search(benchmark, 3, tmp_path)
    late = Recorder()
    track_search(benchmark, 4, tmp_path, late)

    assert late.told == [*trials(0, 1, 2, 3), ("end", True)]


def test_a_trial_that_was_being_told_at_a_kill_is_not_told_again(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    class Killed(Recorder):
        def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
            super().on_trial_end(run, record, best)
            if record.trial == 1:
                raise KeyboardInterrupt  # not an error of a tracker

    with pytest.raises(KeyboardInterrupt):
        track_search(benchmark, 4, tmp_path, Killed())
    after = Recorder()
    run = track_search(benchmark, 4, tmp_path, after)

    assert after.told == [*trials(2, 3), ("end", True)]
    assert [record.trial for record in run.records] == [0, 1, 2, 3]


def test_a_tracker_that_raises_ends_no_run_and_is_told_the_rest_when_it_goes_on(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    class Other(Recorder):
        name = "other"

    broken, whole = Recorder(("trial", 1)), Other()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = track_search(benchmark, 4, tmp_path, broken, whole)
    (warned,) = [str(w.message) for w in caught if issubclass(w.category, TrackerWarning)]
    assert warned.startswith("the tracker recorder has failed")
    assert warned.endswith("ConnectionError: no network")
    assert len(run.records) == 4
    assert broken.told == trials(0)
    assert whole.told == [*trials(0, 1, 2, 3), ("end", True)]

    mended, other = Recorder(), Other()
    track_search(benchmark, 5, tmp_path, mended, other)
    assert mended.told == [*trials(1, 2, 3, 4), ("end", True)]
    assert other.told == [*trials(4), ("end", True)]


def test_a_run_has_the_same_identity_when_it_goes_on(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    class Identity(Tracker):
        def __init__(self) -> None:
            self.seen: list[TrackedRun] = []

        def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
            self.seen.append(run)

    identity = Identity()
    track_search(benchmark, 2, tmp_path, identity)
    track_search(benchmark, 4, tmp_path, identity)

    assert len({run.id for run in identity.seen}) == 1
    assert identity.seen[0].settings["strategy"] == "random"
    assert [objective.name for objective in identity.seen[0].objectives] == ["error"]


def test_the_best_trial_is_that_of_the_results(benchmark: TableBenchmark) -> None:
    class Best(Tracker):
        def __init__(self) -> None:
            self.seen: list[Completed | None] = []

        def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
            self.seen.append(best)

    best = Best()
    run = search(benchmark, 8)
    run.track([best])
    run.run(8)

    assert best.seen == Results(run.config, run.records).incumbents
    assert len({end.trial for end in best.seen if end is not None}) > 1


def test_what_breaks_a_limit_is_not_the_best(benchmark: TableBenchmark) -> None:
    run = search(benchmark, 4)
    run.run(4)
    lowest, bound = sorted(
        record.end.values["error"] for record in run.records if isinstance(record.end, Completed)
    )[:2]
    tracked = TrackedRun("mine", (Objective("error", "", minimize=True),))
    best = tracked.best(run.records)
    assert best is not None
    assert best.values["error"] == lowest
    limited = TrackedRun("mine", tracked.objectives, (Limit("error", -1.0, -bound),))
    best = limited.best(run.records)
    assert best is not None
    assert best.values["error"] == bound
    failed = Record(run.records[0].start, Failed(0, "no", {}, 1.0))
    assert tracked.best([failed]) is None


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"run": "x' or '1' = '1", "told": {}}, "is no run"),
        ({"run": "0" * 32, "told": {"recorder": {"trials": ["a"], "epochs": {}}}}, "a whole"),
    ],
)
def test_a_damaged_memory_is_refused(tmp_path: Path, content: object, error: str) -> None:
    (tmp_path / "journal.tracked.json").write_text(json.dumps(content))
    run = TrackedRun("mine", (Objective("error", ""),))
    with pytest.raises(RunError, match=error):
        TrackerDispatcher(run, [Recorder()], tmp_path / "journal.jsonl")


def test_two_trackers_of_one_name_are_refused() -> None:
    with pytest.raises(OptionError, match="same name"):
        TrackerDispatcher(TrackedRun("mine", ()), [Recorder(), Recorder()])


def test_epochs_of_a_training_are_told_in_order_and_once(tmp_path: Path) -> None:
    task = TrainingTask(
        cells.get("nas-bench-201"),
        DataConfig("digits", images=100),
        NetworkConfig(channels=2, cells=3, in_channels=1),
        protocol("search", epochs=2, batch_size=16),
        Hardware("cpu"),
    )
    execution = Execution(tensorboard=False).to_dict()
    config = plan_run(task, "anasod-random", {}, trials=2, execution=execution)
    recorder = Recorder()
    whole = [("epoch", 0, 1), ("epoch", 0, 2), ("trial", 0), ("epoch", 1, 1), ("epoch", 1, 2)]
    for stops_after in (1, None):
        with Journal(tmp_path / "journal.jsonl") as journal:
            run = TrainingSearch.of(config, tmp_path, journal)
            run.track([recorder])
            told = recorder.told
            run.run(
                2, should_stop=lambda n=stops_after, told=told: n is not None and len(told) >= n
            )
            if stops_after:
                assert recorder.told == whole[:1]
    assert recorder.told == [*whole, ("trial", 1)]


def test_each_run_of_a_comparison_is_one_of_its_own(
    benchmark: TableBenchmark, tmp_path: Path
) -> None:
    class ByRun(Tracker):
        def __init__(self) -> None:
            self.told: dict[str, list[object]] = {}
            self.identities: set[str] = set()

        def on_trial_end(self, run: TrackedRun, record: Record, best: Completed | None) -> None:
            self.told.setdefault(run.folder, []).append(record.trial)
            self.identities.add(run.id)

        def on_run_end(
            self,
            run: TrackedRun,
            records: Sequence[Record],
            best: Completed | None,
            finished: bool,
        ) -> None:
            self.told.setdefault(run.folder, []).append((len(records), finished))

    plan = Plan.of(benchmark, [Contender("random", {}, 3)], seeds=2)

    class Late(ByRun):
        name = "late"

    live, late = ByRun(), Late()
    with ComparisonFolder.open(tmp_path, plan) as folder:
        reporter = ComparisonReporter(folder, ["random"], Observer(), [live])
        reporter.begin()
        for task in folder.tasks:
            # As a worker does.
            task.journal.parent.mkdir(parents=True, exist_ok=True)
            with Journal(task.journal) as journal:
                run = Search(task.contender.config(benchmark, task.seed), benchmark, journal)
                run.run(3, lambda record, task=task: reporter.on_trial(task, record))  # type: ignore[misc]
            reporter.on_end(task, TaskEnd())
    expected = {f"random/{seed}": [0, 1, 2, (3, True)] for seed in range(2)}
    assert live.told == expected
    assert len(live.identities) == 2

    compare_strategies(benchmark, plan.contenders, seeds=2, out=tmp_path, trackers=[live, late])
    assert live.told == late.told == expected
