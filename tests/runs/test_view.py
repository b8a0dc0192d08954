from __future__ import annotations

import json
from pathlib import Path

from ax_anasod.cells import Cell
from ax_anasod.journal import Completed, Record, Started, write_records
from ax_anasod.runs import RunView
from ax_anasod.runs.layout import CONFIG, JOURNAL
from tests.runs.test_results import config


def test_a_run_is_shown_with_its_best_architecture(tmp_path: Path, toy_cell: Cell) -> None:
    of_run = config("error")
    path = tmp_path / "a&b"
    path.mkdir()
    of_run.write(path / CONFIG)
    written = json.loads((path / CONFIG).read_text())
    written["benchmark"]["cell"] = toy_cell.to_dict()
    (path / CONFIG).write_text(json.dumps(written))
    assert "best" not in repr(RunView(path, of_run, [], running=False))
    best = "conv|pool|skip|conv|conv|conv"
    ends = [
        Completed(
            0, {"error": 3.0}, "skip|" * 5 + "skip", {"conv": 0, "pool": 0, "skip": 6}, None, 0.5
        ),
        Completed(1, {"error": 1.25}, best, {"conv": 4, "pool": 1, "skip": 1}, None, 0.5),
    ]
    starts = [Started(i, i, {}, "node", "key") for i in range(2)]
    write_records(path / JOURNAL, [Record(s, e) for s, e in zip(starts, ends, strict=True)])
    view = RunView.read(path)
    assert "2 of" in repr(view)
    assert "best error 1.25" in repr(view)
    html = view._repr_html_()
    assert best in html
    assert html.count("<title>conv</title>") == 4
    assert "a&amp;b" in html
    # Of a cell that is not known the string is shown.
    other = RunView(path, of_run, view.records, running=False)
    assert best in other._repr_html_()
