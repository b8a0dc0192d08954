"""The configuration of a differentiable search, as its folder keeps it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ax_anasod.dnas import OneShotConfig, method
from ax_anasod.exceptions import RunError
from ax_anasod.training import TrainingTask


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"method": 5}', '{"task": {}}', "null"])
def test_a_damaged_configuration_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "dnas.json").write_text(content)
    with pytest.raises(RunError, match=r"dnas.json is (damaged|not the configuration)") as refused:
        OneShotConfig.read(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_configuration_of_another_version_is_refused(task: TrainingTask, tmp_path: Path) -> None:
    file = tmp_path / "dnas.json"
    OneShotConfig({"torch": "2"}, "2026-01-01", "gaea", method("gaea"), task, 3).write(file)
    content = json.loads(file.read_text())
    for path, message in (
        (("method", "surprise"), "unknown option 'surprise'"),
        (("task", "benchmark"), "5 describes no training"),
        (("surprise",), "unexpected keyword argument 'surprise'"),
    ):
        changed = json.loads(json.dumps(content))
        inner = changed
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = 5
        file.write_text(json.dumps(changed))
        with pytest.raises(RunError, match=message):
            OneShotConfig.read(tmp_path)


def test_a_folder_without_a_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        OneShotConfig.read(tmp_path)
    with pytest.raises(RunError):
        OneShotConfig.read(tmp_path / "nowhere")
