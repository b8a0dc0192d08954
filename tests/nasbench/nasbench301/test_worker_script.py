"""The script that an old interpreter runs, where its packages are not needed."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from ax_anasod.nasbench.nasbench301 import worker_script
from ax_anasod.nasbench.nasbench301.ensemble_surrogate import SCRIPT


def requirements() -> list[str]:
    """Read what the script asks uv for (PEP 723)."""
    block = re.search(r"^# /// script\n(.*?)^# ///$", SCRIPT.read_text(), re.DOTALL | re.MULTILINE)
    assert block is not None
    content = tomllib.loads(re.sub("^# ?", "", block[1], flags=re.MULTILINE))
    assert content["requires-python"] == "==3.11.*"
    return content["dependencies"]


def test_requirements_are_pinned() -> None:
    assert "nasbench301==0.3" in requirements()
    assert all(requirement.count("==") == 1 for requirement in requirements())


def test_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [n.name for n in node.names]
        )
    }
    assert imported <= sys.stdlib_module_names
    assert "ax_anasod" not in Path(worker_script.__file__).read_text()


def test_a_placeholder_complains_when_it_is_called() -> None:
    module = worker_script.placeholder("torch_scatter", ("scatter", "scatter_softmax"))
    with pytest.raises(RuntimeError, match="needs the package torch_scatter, which .*python"):
        module.scatter(1, dim=0)
    with pytest.raises(RuntimeError):
        module.scatter_softmax()
    with pytest.raises(AttributeError):
        module.gather  # noqa: B018


def test_errors_are_one_line() -> None:
    assert worker_script.explain(ValueError("a\n  b")) == "ValueError: a b"
