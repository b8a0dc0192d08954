"""The command line ``ax-anasod``.

Importing it loads nothing but the standard library, and the modules of the commands load
torch, Ax and numpy only when one runs: help, and the refusal of a mistyped option, must
answer at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process.

    Exit codes: 0 success; 1 a failure while running; 2 a mistake in what was asked for;
    130 stopped with Ctrl-C.

    Args:
        arguments: The arguments after the program's name; those of the process by default.
    """
    try:
        from ax_anasod.cli.failures import say_error
        from ax_anasod.exceptions import OptionError
        from ax_anasod.optional import require_docstrings

        try:
            # The help texts of the options are read from docstrings as well.
            require_docstrings()
        except OptionError as error:
            sys.exit(say_error(error.message, error.hint, code=2))
        from ax_anasod.cli.app import run

        sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))
    except KeyboardInterrupt:  # before a command has begun, or while it says that it ends
        sys.exit(130)
