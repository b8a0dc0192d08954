"""The pictures and the page of a differentiable search."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.analysis.one_shot import write_one_shot
from ax_anasod.exceptions import RunError
from ax_anasod.plots.one_shot_course import draw_quality, draw_shares

CELL = cells.get("nas-bench-201")
SHARES = np.array([[0.2] * 5, [0.0, 0.3, 0.1, 0.5, 0.1], [0.0, 0.1, 0.0, 0.9, 0.0]])
TEXTS = CELL.to_strings(np.array([[3] * 6, [1, 3, 3, 3, 3, 3]]))


def content(epochs: int = 3, oracle: bool = True) -> dict[str, Any]:
    curve = [
        {
            "epoch": number + 1,
            "probabilities": [SHARES[number].tolist()],
            "entropy": 1.6 - 0.5 * number,
            "draw_error": 80.0 - number,
            **(
                {"mean_error": 12.9 - number, "drawn_error": 10.0, "likeliest_error": 45.7}
                if oracle
                else {}
            ),
        }
        for number in range(epochs)
    ]
    return {
        "method": "anasod-<dnas>",
        "dataset": "digits & more",
        "seed": 4,
        "epochs": epochs,
        "curve": curve,
        "candidates": [
            {"architecture": text, "score": 1.5 + i, "oracle": 6.24 + i if oracle else None}
            for i, text in enumerate(TEXTS)
        ],
        "best": {"architecture": TEXTS[0], "score": 1.5, "oracle": 6.24 if oracle else None},
        "ranked_by": "supernet",
        "agreement": 0.25,
        "warnings": ["p has collapsed: <all> of it"],
        "oracle": {
            "objective": "acc_error",
            "mean_error": 10.9,
            "best_error": 6.24,
            "uniform": 12.94,
            "optimum": 5.63,
            "of_one_operation": dict(zip(CELL.operations, (90, 45.7, 10.6, 6.24, 51), strict=True)),
        }
        if oracle
        else None,
    }


def test_the_page_and_the_pictures_hold_the_result(tmp_path: Path) -> None:
    write_one_shot(content(), CELL, tmp_path)
    for name in ("distribution.png", "curve.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    for words in (
        *TEXTS,
        *("6.24 %", "10.90 %", "12.94 %", "5.63 %", "0.25", "<td>1.5</td>", "<td>7.24</td>"),
        "anasod-&lt;dnas&gt; on digits &amp; more, seed 4",
        "p has collapsed: &lt;all&gt; of it",
    ):
        assert words in page
    assert "<all>" not in page
    text = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"\$\{?\w+\}?", re.sub(r"base64,[^\"]+", "", text))


def test_without_an_oracle_and_with_one_epoch(tmp_path: Path) -> None:
    write_one_shot(content(1, oracle=False), CELL, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert TEXTS[0] in page
    assert "oracle" not in page
    assert re.findall("<th>(.*?)</th>", page) == ["architecture", "score [nats]"]
    assert {path.name for path in tmp_path.iterdir()} == {
        *("distribution.png", "curve.png", "report.html")
    }


def test_an_oracle_that_does_not_know_its_optimum(tmp_path: Path) -> None:
    described = content()
    described["oracle"]["optimum"] = None
    write_one_shot(described, CELL, tmp_path)
    assert "a uniform draw" in (tmp_path / "report.html").read_text()


def test_shares_are_areas_and_the_entropy_a_line() -> None:
    figure = draw_shares(content()["curve"], CELL)
    axes, entropy = figure.axes
    tops = []
    for area in axes.collections:
        vertices = area.get_paths()[0].vertices
        tops.append([max(y for x, y in vertices if x == epoch) for epoch in (1, 2, 3)])
    assert pytest.approx(SHARES.cumsum(axis=1)) == np.array(tops).T
    assert [c.get_label() for c in axes.collections] == list(CELL.operations)
    assert entropy.lines[0].get_ydata().tolist() == pytest.approx([1.6, 1.1, 0.6])
    assert entropy.get_ylim()[1] == pytest.approx(np.log(5))


def test_quality_is_shown_beside_what_is_free() -> None:
    figure = draw_quality(content())
    (axes,) = figure.axes
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert lines["expected error of a draw"] == pytest.approx([12.9, 11.9, 10.9])
    assert lines["one draw"] == [10.0] * 3
    assert lines["uniform draw"][0] == 12.94
    assert lines["only nor_conv_3x3"][0] == 6.24
    assert lines["optimum"][0] == 5.63
    (axes,) = draw_quality(content(oracle=False)).axes
    assert list(axes.lines[0].get_ydata()) == [80.0, 79.0, 78.0]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    (tmp_path / "report.html" / "kept").touch()
    with pytest.raises(RunError):
        write_one_shot(content(), CELL, tmp_path)
