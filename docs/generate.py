"""Pages of the site that come from the package itself, and the executed tutorials."""

from __future__ import annotations

import inspect
import json
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import ax_anasod
from ax_anasod import exceptions
from ax_anasod.cli.app import COMMANDS_WITH_FILES
from ax_anasod.cli.run_file import schema

# Rooms that somebody imports from; the others are reached through these.
ROOMS = (
    *("cells", "simplex", "core", "generators", "generation_strategy", "adapter", "surrogates"),
    *(
        "nasbench",
        "networks",
        "proxies",
        "training",
        "dnas",
        "runners",
        "metrics",
        "runs",
        "compare",
    ),
    *(
        "tracking",
        "retraining",
        "analysis",
        "notebook",
        "storage",
        "early_stopping",
        "global_stopping",
        "testing",
    ),
    *("exceptions",),
)
COMMANDS = (
    *("search", "resume", "show", "train", "evaluate", "transfer", "ensemble", "dnas", "compare"),
    *("export", "latency", "predict"),
    *("reproduce", "strategies", "proxies", "benchmarks", "doctor", "setup-nasbench301"),
)


def _with_alternatives(notebook: Path) -> str:
    """A notebook whose pictures have the heading above them as their alternative text."""
    content = json.loads(notebook.read_text())
    heading = notebook.stem
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["metadata"]["mystnb"] = {"image": {"alt": f"Picture: {heading}"}}
            continue
        lines = "".join(cell["source"]).splitlines()
        headings = [line.lstrip("# ") for line in lines if line.startswith("#")]
        heading = headings[-1] if headings else heading
    return json.dumps(content)


def write_pages(docs: Path) -> None:
    """Write `_generated/`: tutorials, the command line, strategies, benchmarks, errors, rooms.

    Args:
        docs: The folder of the documentation.
    """
    target = docs / "_generated"
    shutil.rmtree(target, ignore_errors=True)
    (target / "api").mkdir(parents=True)
    for notebook in sorted((docs.parent / "tutorials").glob("*.ipynb")):
        (target / notebook.name).write_text(_with_alternatives(notebook))
    (target / "changelog.md").write_text((docs.parent / "CHANGELOG.md").read_text())
    (target / "contributing.md").write_text(
        (docs.parent / "CONTRIBUTING.md").read_text().replace("docs/", "../")
    )
    parts = [f"## {name}\n\n```text\n{_output(name, '--help')}```\n" for name in COMMANDS]
    (target / "commands.md").write_text("# Every command and its options\n\n" + "\n".join(parts))
    for name, command in COMMANDS_WITH_FILES.items():
        text = json.dumps(schema(name, command), indent=2) + "\n"
        (target / f"{name}.schema.json").write_text(text)
    for name in ("strategies", "benchmarks"):
        text = (
            f"# {name.capitalize()}\n\n`ax-anasod {name}` prints:\n\n```text\n{_output(name)}```\n"
        )
        (target / f"{name}.md").write_text(text)
    errors = (kind for kind in vars(exceptions).values() if inspect.isclass(kind))
    rows = [
        f"| `{kind.__name__}` | {(kind.__doc__ or '').strip().splitlines()[0]} |\n"
        for kind in errors
        if issubclass(kind, exceptions.AnasodError)
    ]
    (target / "errors.txt").write_text("| exception | what it means |\n|---|---|\n" + "".join(rows))
    known = {module.name: module.ispkg for module in pkgutil.iter_modules(ax_anasod.__path__)}
    for room in ROOMS:
        # A package shows what it takes from its modules, a module what it has itself.
        imported = "   :imported-members:\n" if known[room] else ""
        (target / "api" / f"{room}.rst").write_text(
            f"{room}\n{'=' * len(room)}\n\n"
            f".. automodule:: ax_anasod.{room}\n   :members:\n{imported}"
        )


def _output(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ax_anasod", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb"},
    )
    return done.stdout
