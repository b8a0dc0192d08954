"""Earlier searches, read from wherever they are, and what they predict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import architecture_of
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.experiment import make_client
from ax_anasod.metrics import EarlierSearch
from ax_anasod.metrics.source import earlier_search
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import RunFolder, Search, plan_run
from ax_anasod.typing import Codes, Values

CELL = cells.get("nas-bench-201")


def error(codes: Codes) -> Values:
    return np.asarray(20.0 - 3.0 * (codes == 3).sum(axis=1) + (codes[:, 5] == 0))


def of(codes: Codes) -> EarlierSearch:
    return EarlierSearch("source", CELL, CELL.to_strings(codes), error(codes).tolist())


def test_predicts_all_architectures_from_a_few() -> None:
    rng = np.random.default_rng(0)
    predicted = of(CELL.sample(60, rng)).values(new := CELL.sample(5000, rng))
    assert predicted.shape == (5000,)
    assert spearmanr(predicted, error(new)).statistic > 0.9


def test_the_best_are_different_cells() -> None:
    codes = CELL.sample(20, np.random.default_rng(1))
    best = of(np.concatenate([codes, codes[::-1]])).best(4)
    assert error(best).tolist() == sorted(error(np.unique(codes, axis=0)))[:4]
    assert len(np.unique(best, axis=0)) == 4


@pytest.mark.parametrize("strategy", ["random", "anasod-random"])
def test_of_an_experiment_with_several_objectives(strategy: str) -> None:
    client = make_client(CELL, strategy, objectives=["time"], maximize=["score"])
    for index in client.get_next_trials(4):
        value = float(error(architecture_of(client, index).code[None])[0])
        client.complete_trial(index, {"time": 1.0 + index, "score": 50.0 - value})
    with pytest.raises(UnknownNameError):
        earlier_search("source", CELL, client, "error")
    score = earlier_search("source", CELL, (client, "score"), "error")
    expected = error(CELL.from_strings(score.architectures)) - 50.0
    np.testing.assert_allclose(score.targets, expected)
    assert earlier_search("source", CELL, client, "time").targets == [1.0, 2.0, 3.0, 4.0]


def test_of_a_run_folder(tmp_path: Path) -> None:
    cell = Cell("plain", ["conv", "pool", "skip"], num_blocks=3)
    lines = [f"{text},{i}" for i, text in enumerate(cell.to_strings(cell.enumerate()))]
    (tmp_path / "table.csv").write_text("\n".join(["arch,score", *lines]))
    table = TableBenchmark(tmp_path / "table.csv", cell, maximize="score")
    config = plan_run(table, "anasod-random", trials=5)
    search = Search(config, table)
    with RunFolder.create(tmp_path / "run", config) as folder:
        search.keep_in(folder.journal)
        search.run(5)
    (tmp_path / "table.csv").unlink()
    source = earlier_search("source", cell, tmp_path / "run", "error")
    assert source.targets == [
        -float(cell.to_strings(cell.enumerate()).index(text)) for text in source.architectures
    ]
    other = Cell("other", ["conv", "skip", "pool"], num_blocks=3)
    with pytest.raises(OptionError):
        earlier_search("source", other, tmp_path / "run", "error")


def test_no_source() -> None:
    with pytest.raises(OptionError, match="is no source for cell 'plain'"):
        earlier_search("x", Cell("plain", ["conv", "pool"], 3), of(CELL.enumerate()[:3]), "error")
    with pytest.raises(OptionError, match="1 values of 2 architectures"):
        EarlierSearch("x", CELL, CELL.to_strings(CELL.enumerate()[:2]), [1.0])
