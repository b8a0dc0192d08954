from __future__ import annotations

import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod.escaping import (
    for_csv,
    for_figure,
    for_html,
    for_markdown,
    for_terminal,
    lines_for_terminal,
)
from ax_anasod.exceptions import DataError, UnknownNameError


@given(st.text(st.characters(codec=None)))
def test_nothing_that_acts_reaches_the_terminal(text: str) -> None:
    shown = for_terminal(text)
    categories = {unicodedata.category(character) for character in shown}
    assert not categories & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(c) for c in shown} & {
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    }
    assert "\n".join(map(for_terminal, text.split("\n"))) == lines_for_terminal(text)
    if text.isascii() and text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", r"\x1b]8;;http://x\x07link\x1b]8;;\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\nc\td", r"a\rb\nc\td"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\udcff", r"\udcff"),
        ("精度 é 👩‍💻 a\u00a0b", "精度 é 👩‍💻 a\u00a0b"),
    ],
)
def test_names_are_shown_as_they_are_and_commands_in_words(text: str, shown: str) -> None:
    assert for_terminal(text) == shown


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ("a\n=1", "a\n'=1"),
        ("conv-3|a=b", "conv-3|a=b"),
        ("精度", "精度"),
        ("", ""),
        (-1.5, -1.5),
        (None, None),
    ],
)
def test_no_cell_is_a_formula(cell: object, written: object) -> None:
    assert for_csv(cell) == written


def test_markup_is_text() -> None:
    name = "<img src=x onerror=alert(1)> [a](http://x) ![b](http://y) `c` | *d* \x1b[1m"
    assert for_markdown(name) == (
        r"&lt;img src=x onerror=alert(1)&gt; \[a\](http://x) !\[b\](http://y) \`c\` \| \*d\* "
        r"\\x1b\[1m"
    )
    assert for_html("<a>\n'\x1b'\u202e") == "&lt;a&gt;\n&#x27;\\x1b&#x27;\\u202e"
    assert for_figure("<B>x</b><br/><extra></extra>%{x}") == "<B>x</b><br/><extra></extra>%{x}"
    for link in ("<a href='javascript:x'>", "<A\nHREF=x>", "<script>", "<img src=x>", "<bad>"):
        assert for_figure(link) == link.replace("<", "&lt;")
    assert for_figure("</a>") == "&lt;/a>"


def test_errors_name_files_whose_names_do_nothing() -> None:
    name = "a\x1b[31m\u202e\udcff.png"

    error = DataError(f"the image {name} is damaged", f"remove {name}")
    unknown = UnknownNameError("column", name, [name + "x"])

    shown = r"a\x1b[31m\u202e\udcff.png"
    assert str(error) == f"the image {shown} is damaged (remove {shown})"
    assert (error.message, error.hint) == (f"the image {shown} is damaged", f"remove {shown}")
    assert "\x1b" not in str(unknown)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
