"""``--strategies all`` on a cell that some strategies cannot search."""

from __future__ import annotations

from pathlib import Path

import pytest

from ax_anasod.cells import Cell
from ax_anasod.cli.compare import leave_out_unfit, parse_contenders
from ax_anasod.generation_strategy import STRATEGIES
from ax_anasod.nasbench import TableBenchmark

UNFIT = {"path-bo", "path-nep-bo", "bananas"}

pytest.importorskip("optuna", reason="the extra baselines is not installed")
pytest.importorskip("smac", reason="the extra baselines is not installed")


def chain_of(num_blocks: int, folder: Path) -> TableBenchmark:
    cell = Cell("chain", operations=["conv", "pool", "skip"], num_blocks=num_blocks)
    rows = ["|".join([operation] * num_blocks) + ",1" for operation in cell.operations]
    (folder / "t.csv").write_text("\n".join(["arch,cost", *rows]))
    return TableBenchmark(folder / "t.csv", cell, minimize="cost", present_only=True)


@pytest.fixture
def chain(tmp_path: Path) -> TableBenchmark:
    """Its only path has seven blocks: 3,279 features, more than the strategies take."""
    return chain_of(7, tmp_path)


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("all", UNFIT),
        ("anasod-biased-random:num_trials=9, all", UNFIT),
        ("all,bananas:max_features=4000", UNFIT),
        ("random,bananas", set()),
    ],
)
def test_all_leaves_out_what_cannot_search_the_cell(
    chain: TableBenchmark, text: str, left_out: set[str]
) -> None:
    contenders = parse_contenders(text, 5)
    fit, unfit = leave_out_unfit(text, contenders, chain)
    assert {label for labels in unfit.values() for label in labels} == left_out
    assert all("shortest path through cell 'chain' has 7 operations" in r for r in unfit)
    assert len(unfit) == bool(left_out)
    assert [c for c in contenders if c.label not in left_out] == fit


def test_all_stays_whole_where_every_strategy_can(tmp_path: Path) -> None:
    fit, unfit = leave_out_unfit("all", parse_contenders("all", 5), chain_of(3, tmp_path))
    assert [contender.strategy for contender in fit] == list(STRATEGIES)
    assert unfit == {}
