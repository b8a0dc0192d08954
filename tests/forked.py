"""What a fork of the test server does: become a new program, see ``run_script`` in conftest.

Run by ``runpy`` as ``__main__`` with the global ``command``: ``script``, ``arguments``,
``folder``, and the files of its ``output`` and ``errors``.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any


def become(command: dict[str, Any]) -> None:
    """Run the script of a command as the program of this process."""
    for path, stream in ((command["output"], 1), (command["errors"], 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, stream)
        os.close(file)
    os.chdir(command["folder"])
    script: str = command["script"]
    sys.argv = [script, *command["arguments"]]
    is_file = script.endswith(".py")
    # The folder of a script, the current one for a module.
    sys.path.insert(0, str(Path(script).parent.resolve() if is_file else Path.cwd()))
    try:
        if is_file:
            runpy.run_path(script, run_name="__main__")
        else:
            runpy.run_module(script, run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    become(globals()["command"])
