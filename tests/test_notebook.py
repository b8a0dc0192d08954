from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ax.api.client import Client
from ax.core.analysis_card import AnalysisCard

from ax_anasod import AnasodSearchSpace, CellSearchSpace, ProgressBar, analyses, make_client
from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError


def test_the_cards_of_a_search_in_one_call(
    toy_cell: Cell, capsys: pytest.CaptureFixture[str]
) -> None:
    client = make_client(toy_cell, "random", seed=0)
    for index in client.get_next_trials(4):
        client.complete_trial(index, {"error": 1.0 + index})
    summary, group = analyses(client, unit="percent")
    assert {"IncumbentPlot", "OperationDistributionPlot", "TrialTable"} <= {
        card.name for card in group.flatten()
    }
    assert isinstance(summary, AnalysisCard)
    assert summary.df["error"].tolist() == [1.0]


def test_no_cards_without_a_search() -> None:
    with pytest.raises(OptionError, match="no experiment yet"):
        analyses(Client())
    with pytest.raises(OptionError):
        analyses(None)  # type: ignore[arg-type]


def test_a_bar_goes_on_from_the_trials_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar(ascii=True, mininterval=0)
    bar.begins(done=2, trials=6, runs=2)
    bar.progressed(2, 0)
    bar.failed("random", 1, "no value")
    bar.progressed(5, 1)
    bar.progressed(6, 2)
    said = capsys.readouterr()
    assert [part in said.err for part in ("2/6", "5/6", "6/6", "7/6")] == [True, True, True, False]
    assert "random, seed 1 failed: no value" in said.out
    assert said.err.endswith("\n")  # closed


@pytest.mark.parametrize("kind", [AnasodSearchSpace, CellSearchSpace])
def test_a_space_is_shown_with_its_cell(kind: type[AnasodSearchSpace], toy_cell: Cell) -> None:
    space = kind.from_cell(toy_cell)
    assert repr(space) == f"{kind.__name__}({toy_cell!r})"
    html = space._repr_html_()
    assert all(name in html for name in space.parameters)
    assert "<svg" in html
    # Ax's copies may have none.
    bare = kind(list(space.parameters.values()))
    assert bare._repr_html_() is None
    assert repr(bare) == f"{kind.__name__}(None)"


@pytest.mark.slow
def test_whoever_has_loaded_ax_keeps_its_log(tmp_path: Path) -> None:
    script = (
        "import ax, logging\n"
        "from ax_anasod import make_client\n"
        "from ax.utils.common.logger import ROOT_STREAM_HANDLER\n"
        "print(ROOT_STREAM_HANDLER.level == logging.INFO, logging.root.manager.disable)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "True 0", done.stderr
