from __future__ import annotations

from pathlib import Path

import pytest

from ax_anasod.cells import Cell
from ax_anasod.compare import Contender
from ax_anasod.compare.contender import check_different
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError
from ax_anasod.nasbench import TableBenchmark


def test_label_names_the_options_that_were_given() -> None:
    assert Contender("random").label == "random"
    options = {"pool_size": None, "learning_rate": 0.1}
    assert Contender("anasod-bo", options).label == "anasod-bo:pool_size=none:learning_rate=0.1"


def test_folder_tells_the_planned_trials_where_a_schedule_depends_on_them() -> None:
    assert Contender("anasod-bo", {"ard": True}, 20).folder_name == "anasod-bo,ard=true"
    names = {Contender("anasod-biased-random", {}, trials).folder_name for trials in (20, 30)}
    assert names == {
        "anasod-biased-random,num_trials=20",
        "anasod-biased-random,num_trials=30",
    }
    # A schedule that was asked for does not follow the trials.
    fixed = Contender("anasod-biased-random", {"num_trials": 50}, 20)
    assert fixed.folder_name == "anasod-biased-random,num_trials=50"


def test_folder_name_holds_no_separator() -> None:
    name = Contender("anasod-bo", {"optimizer": "../pool:x"}).folder_name
    assert name == "anasod-bo,optimizer=..%2Fpool%3Ax"


@pytest.mark.parametrize("folder", ["..", "", "../random", "/tmp", "a/b"])
def test_folders_outside_of_the_comparison_are_refused(folder: str) -> None:
    stored = Contender("random").to_dict()
    assert Contender.from_dict(stored).folder_name == "random"
    with pytest.raises(ValueError, match="is not the folder of a contender"):
        Contender.from_dict(stored | {"folder": folder})


def test_none_and_repeats_are_refused() -> None:
    twice = [Contender("random"), Contender("random", {}, 10)]
    for contenders, words in (([], "at least one strategy"), (twice, "names 'random' twice")):
        with pytest.raises(OptionError, match=words):
            check_different(contenders)
    check_different([Contender("anasod-bo"), Contender("anasod-bo", {"ard": True})])


def test_what_cannot_run_is_refused(benchmark: TableBenchmark) -> None:
    with pytest.raises(UnknownNameError):
        Contender("randm").check(benchmark)
    with pytest.raises(UnknownNameError):
        Contender("anasod-bo", {"poolsize": 3}).check(benchmark)
    with pytest.raises(OptionError):
        Contender("anasod-bo", {"pool_size": 0}).check(benchmark)
    with pytest.raises(OptionError):
        Contender("random", {}, 0).check(benchmark)


def test_strategy_that_cannot_search_a_cell_says_why(tmp_path: Path) -> None:
    cell = Cell("large", operations=[f"o{i}" for i in range(12)], num_blocks=40)
    rows = ["|".join([operation] * 40) for operation in cell.operations[:2]]
    (tmp_path / "t.csv").write_text("\n".join(["arch,cost", *(f"{row},1" for row in rows)]))
    benchmark = TableBenchmark(tmp_path / "t.csv", cell, minimize="cost", present_only=True)
    Contender("anasod-bo").check(benchmark)
    with pytest.raises(OptionError):
        Contender("anasod-bo", {"optimizer": "exhaustive"}).check(benchmark)
    with pytest.raises(CellError):
        Contender("bananas").check(benchmark)
