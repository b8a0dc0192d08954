"""``ax-anasod setup-nasbench301``: a Python of its own for the package nasbench301."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ax_anasod.cli.failures import while_running
from ax_anasod.escaping import for_terminal


def setup_nasbench301(
    *,
    python: Annotated[
        str, typer.Option(metavar="PYTHON", help="A Python 3.11, which stays as it is.")
    ],
    into: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder that gets the environment; 3 GB or more.")
    ],
) -> int:
    """Install the package nasbench301, for its ensembles, in a virtual environment.

    Everything it does is printed. Stopped, it goes on with the same command.
    """
    from ax_anasod.nasbench.nasbench301.installation import check_python, install

    def say(line: str) -> None:
        # At once: what the commands print themselves comes between.
        typer.echo(for_terminal(line))

    program = check_python(python)
    with while_running():
        inner = install(program, into, say)
    say(f"ready: {inner}")
    say(f"put ensembles into {into}, and: ax-anasod search --benchmark nas-bench-301 --data {into}")
    return 0
