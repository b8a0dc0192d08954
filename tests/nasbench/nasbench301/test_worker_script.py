"""The script that an old interpreter runs, where its packages are not needed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from ax_anasod.nasbench.nasbench301 import worker_script
from ax_anasod.nasbench.nasbench301.ensemble_surrogate import SCRIPT


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
