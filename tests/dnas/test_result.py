"""``found.json``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.dnas import OneShotResult
from ax_anasod.exceptions import AnasodError, ArchitectureError, RunError
from tests.dnas.conftest import WIRED

NB201 = cells.get("nas-bench-201")


def result(cell: Cell = NB201, rows: int = 1) -> OneShotResult:
    k = cell.num_operations
    p = np.random.default_rng(0).dirichlet(np.ones(k), size=rows)
    return OneShotResult(
        cell=cell,
        method="anasod-dnas+",
        seed=5,
        probabilities=tuple(map(tuple, p.tolist())),
        architectures=tuple(cell.to_strings(cell.sample(4, np.random.default_rng(1)))),
        scores=(1.0, 1.25, 1.5, 2.0),
        ranked_by="supernet",
        agreement=0.5,
    )


@pytest.mark.parametrize("cell", [NB201, cells.get("darts"), WIRED], ids=lambda cell: cell.name)
@pytest.mark.parametrize("rows", [1, 3])
def test_what_is_written_is_read(cell: Cell, rows: int, tmp_path: Path) -> None:
    found = result(cell, rows)
    found.write(tmp_path / "found.json")
    for path in (tmp_path, tmp_path / "found.json", str(tmp_path)):
        assert OneShotResult.read(path) == found
    drawn = replace(found, scores=(), ranked_by="nothing", agreement=None)
    drawn.write(tmp_path / "other.json")
    assert OneShotResult.read(tmp_path / "other.json") == drawn


def test_codes_and_fractions() -> None:
    found = result(rows=3)
    assert NB201.to_strings(found.codes) == list(found.architectures)
    assert found.fractions == pytest.approx(np.mean(found.probabilities, axis=0))
    assert found.fractions.sum() == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": ((0.5, 0.5),)}, r"shape \(1, 2\), not rows of one number for each of"),
        ({"probabilities": ()}, "not rows of one number for each of the 5 operations"),
        ({"probabilities": ((0.5, 0.4, 0.0, 0.0, 0.0),)}, "are no distribution"),
        ({"probabilities": ((1.2, -0.2, 0.0, 0.0, 0.0),)}, "are no distribution"),
        ({"probabilities": ((float("nan"),) * 5,)}, "are no distribution"),
        ({"architectures": ()}, "there is no architecture"),
        ({"scores": (1.0, 2.0)}, "there are 2 scores of 4 architectures"),
        ({"architectures": ("skip|skip",), "scores": ()}, "skip|skip"),
    ],
)
def test_what_is_no_result_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises((RunError, ArchitectureError), match=message):
        replace(result(), **changes)
    result().write(tmp_path / "found.json")
    content = json.loads((tmp_path / "found.json").read_text())
    (tmp_path / "found.json").write_text(json.dumps(content | changes))
    with pytest.raises(RunError, match=f"found.json.*{message}"):
        OneShotResult.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged: it is .*, not an object"),
        ("null", "is damaged: it is None, not an object"),
        ("{}", "is no result of a differentiable search"),
    ],
)
def test_damaged_files_are_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "found.json").write_text(content)
    with pytest.raises(RunError, match=message):
        OneShotResult.read(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cell", {"type": "Unknown"}),
        ("cell", "nas-bench-201"),
        ("probabilities", [["a"] * 5]),
        ("probabilities", 5),
        ("probabilities", [0.2] * 5),
        ("architectures", "text"),
        ("architectures", [5]),
        ("scores", ["low"] * 4),
        ("scores", None),
        ("seed", "0"),
        ("method", 5),
        ("agreement", "high"),
        ("surprise", 1),
    ],
)
def test_values_of_other_types_are_refused(key: str, value: Any, tmp_path: Path) -> None:
    result().write(tmp_path / "found.json")
    content = json.loads((tmp_path / "found.json").read_text())
    (tmp_path / "found.json").write_text(json.dumps(content | {key: value}))
    with pytest.raises(AnasodError, match="found.json") as refused:
        OneShotResult.read(tmp_path)
    assert "\n" not in str(refused.value)


def test_folders_without_a_result(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no differentiable search .no found.json"):
        OneShotResult.read(tmp_path)
    (tmp_path / "dnas.json").write_text("{}")
    with pytest.raises(RunError, match="has not come to its end .*ax-anasod resume"):
        OneShotResult.read(tmp_path)
    with pytest.raises(RunError):
        OneShotResult.read(tmp_path / "nowhere")
