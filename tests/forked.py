"""What a fork of the test server does: become a new program, see ``run_script`` in conftest.

Run by ``runpy`` with these globals: ``script``, ``arguments``, ``folder``, ``output``,
``errors``.
"""

from __future__ import annotations

import os
import runpy
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    script: str
    arguments: list[str]
    folder: str
    output: str
    errors: str

for path, stream in ((output, 1), (errors, 2)):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, stream)
    os.close(file)
os.chdir(folder)
sys.argv = [script, *arguments]
try:
    if script.endswith(".py"):
        runpy.run_path(script, run_name="__main__")
    else:
        runpy.run_module(script, run_name="__main__", alter_sys=True)
finally:
    sys.stdout.flush()
    sys.stderr.flush()
