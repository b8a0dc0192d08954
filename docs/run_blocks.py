"""Run every block of README and of the "do" pages as a reader would: `make docs-commands`.

A page has a fresh folder, and its blocks are run there in their order: `console` by bash, `python`
by Python; a block whose first line is a comment with the name of a file is written as that file.
What cannot be run here says so in the line above it, `<!-- not run: why -->`.

    python docs/run_blocks.py [PAGE ...]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<why>.+?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
FILE = re.compile(r"# (?P<name>[\w./]+\.\w+)\n")
# A command that no fence marks would never be run.
UNMARKED = re.compile(r"^ {4}(?:ax-anasod|pip|make|python) ", flags=re.MULTILINE)
LEFT_OUT = {"pip install": "installs", "make ": "needs a clone"}
SHOWN = ("text", "bibtex", "yaml")
MINUTES = 30


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Args:
        language: What its fence names.
        text: Its content.
        line: Where it begins in the page.
        why: Why it is not run, None where it is.
    """

    language: str
    text: str
    line: int
    why: str | None


def blocks_of(page: Path) -> Iterator[Block]:
    """The blocks of a page, in their order."""
    text = page.read_text()
    if unmarked := UNMARKED.search(text):
        line = text.count("\n", 0, unmarked.start()) + 1
        raise SystemExit(f"{page}:{line}: a command outside of a ```console block")
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("text"))
        reasons = (why for start, why in LEFT_OUT.items() if found["text"].startswith(start))
        yield Block(found["language"], found["text"], line, found["why"] or next(reasons, None))


def run(block: Block, folder: Path) -> subprocess.CompletedProcess[str] | None:
    """Run a block in a folder, or write it as a file there; None where nothing is run."""
    named = FILE.match(block.text)
    if named:
        comment = "" if named["name"].endswith(".csv") else named[0]
        (folder / named["name"]).write_text(comment + block.text[named.end() :])
        return None
    if block.language in SHOWN:
        return None
    if block.language not in ("console", "python"):
        raise SystemExit(f"a block of {block.language!r} without the name of a file")
    commands = {
        "console": ["bash", "-euo", "pipefail", "-c", block.text],
        "python": [sys.executable, "-c", block.text],
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        commands[block.language],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
    )


def main() -> int:
    """Run the pages, say what was run and what not, and whether all of it works."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    pages = [ROOT / "README.md", *sorted((ROOT / "docs" / "do").glob("*.md"))]
    parser.add_argument("pages", nargs="*", type=Path, default=pages)
    failed = number = left_out = 0
    for page in parser.parse_args().pages:
        with tempfile.TemporaryDirectory() as folder:
            for block in blocks_of(page):
                where = f"{page.name}:{block.line}"
                if block.why is not None:
                    left_out += 1
                    print(f"not run  {where}: {block.why}", flush=True)
                    continue
                start = time.monotonic()
                done = run(block, Path(folder))
                if done is None:
                    continue
                number += 1
                seconds = time.monotonic() - start
                failed += done.returncode != 0
                state = "failed " if done.returncode else "ok     "
                print(f"{state}  {where} ({seconds:.0f} s)", flush=True)
                if done.returncode:
                    print(done.stdout[-2000:], done.stderr[-4000:], sep="\n", flush=True)
    print(f"{number} blocks run, {failed} failed; {left_out} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
