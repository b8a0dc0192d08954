"""Summaries of docstrings name a thing or an action, and errors name what is wrong."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ax_anasod

PACKAGE = Path(ax_anasod.__file__).parent
ROOMS = sorted(path for path in PACKAGE.iterdir() if path.suffix == ".py" or [*path.glob("*.py")])

BAD_SUMMARY = re.compile(r"(What|Whether|Which|How|Likewise|As|Of|That|Those)\b")
RAISES = re.compile(r"^( *)Raises:\n((?:\1 +.*\n?|\n)*)", flags=re.MULTILINE)
ENTRY = re.compile(r"\w+: (.*(?:\n +(?! |\w+: ).*)*)")
# "It is.", "If they do not.", "There is none.", "Likewise.": the noun stands somewhere else.
PRONOUN = "It|They|One|Two|So|None|Some|Any|This|That|These|Those|Either|Both|Neither"
VAGUE = re.compile(
    rf"(Likewise|(If )?(({PRONOUN})(\W+\w+){{1,3}}|There (\w+ ){{1,2}}(one|none|some|two)))\.?",
    flags=re.IGNORECASE,
)


def docstrings(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each string that stands alone: docstrings, and those of attributes."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(docstring))):
                yield node.lineno, docstring.strip()


def bad_summaries(docstring: str) -> list[str]:
    """The summary line, if it begins with a word that names nothing."""
    return docstring.splitlines()[:1] if BAD_SUMMARY.match(docstring) else []


def bad_reasons(docstring: str) -> list[str]:
    """The reasons for errors that are a pronoun and a verb."""
    sections = [section for _, section in RAISES.findall(docstring)]
    reasons = [" ".join(reason.split()) for part in sections for reason in ENTRY.findall(part)]
    return [reason for reason in reasons if VAGUE.fullmatch(reason)]


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.name)
@pytest.mark.parametrize("find", [bad_summaries, bad_reasons])
def test_docstrings_name_their_subject(find, room: Path) -> None:
    paths = [room] if room.is_file() else sorted(room.rglob("*.py"))
    bad = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in paths
        for line, docstring in docstrings(path.read_text(encoding="utf-8"))
        for text in find(docstring)
    ]
    assert not bad, "\n".join(bad)


def test_vague_docstrings_are_found() -> None:
    vague = '''
def take(value):
    """What is taken.

    Args:
        value: It is.

    Raises:
        OptionError: If it is.
        RunError: They do
            not.
        ValueError: Likewise.
        OSError: There is none.
        KeyError: The value is missing.
        TypeError: It is neither a number nor a text.

    Example:
        RuntimeError: It is.
    """

LIMIT = 1
"""Whether it is one."""
'''
    found = [text for _, text in docstrings(vague)]
    summaries = [summary for text in found for summary in bad_summaries(text)]
    assert sorted(summaries) == ["What is taken.", "Whether it is one."]
    reasons = [reason for text in found for reason in bad_reasons(text)]
    assert reasons == ["If it is.", "They do not.", "Likewise.", "There is none."]
