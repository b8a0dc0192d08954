"""``ax-anasod setup-nasbench301``: a Python of its own for the package nasbench301."""

from __future__ import annotations

import typer

from ax_anasod.cli.failures import while_running
from ax_anasod.escaping import for_terminal


def setup_nasbench301() -> int:
    """Install the package nasbench301, for its ensembles, in an environment that uv keeps.

    It takes some 5 GB in uv's cache. Stopped, it goes on with the same command.
    """
    from ax_anasod.nasbench.nasbench301.installation import find_uv, install

    def say(line: str) -> None:
        # At once: what uv prints itself comes between.
        typer.echo(for_terminal(line))

    uv = find_uv()
    with while_running():
        python = install(uv, say)
    say(f"ready: {python}")
    say("with ensembles in DIR: ax-anasod search --benchmark nas-bench-301 --data DIR")
    return 0
