"""``ax-anasod doctor``: what this machine has, and what would not work on it."""

from __future__ import annotations


def doctor() -> int:
    """Show versions, devices and extras found, and what is broken."""
    import platform
    import sqlite3
    import sys
    from importlib.metadata import version
    from itertools import groupby

    from rich.console import Console

    from ax_anasod.cli.diagnosis import devices, examine
    from ax_anasod.cli.session import waiting
    from ax_anasod.cli.tables import listing, print_plainly
    from ax_anasod.escaping import for_terminal

    with waiting("looking at every package"):
        findings, hardware = examine(), devices()
    console = Console(highlight=False)
    facts = listing("", "")
    facts.show_header = False
    facts.add_row("ax-anasod", version("ax-anasod"))
    facts.add_row("Python", f"{platform.python_version()} ({sys.executable})")
    facts.add_row("system", platform.platform())
    facts.add_row("SQLite", sqlite3.sqlite_version)
    for device in hardware:
        facts.add_row("device", device)
    print_plainly(facts, console)
    for extra, group in groupby(findings, key=lambda finding: finding.extra):
        title = "needed" if extra is None else f"extra {extra}"
        table = listing(title, "found", "state")
        for finding in group:
            state = finding.problem or ("ok" if finding.installed else "not installed")
            table.add_row(finding.requirement, finding.installed or "-", state)
        print_plainly(table, console)
    broken = [finding for finding in findings if finding.problem]
    for finding in broken:
        sys.stderr.write(for_terminal(f"problem: {finding.requirement}: {finding.problem}") + "\n")
    return 1 if any(finding.extra is None for finding in broken) else 0
