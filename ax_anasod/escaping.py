"""Text from files, names and other processes, written so that it does nothing where it goes."""

from __future__ import annotations

import html
import re
from typing import Final

# Control characters (also those of 8 bits), halves of characters, line separators, and what
# turns the order of writing or cannot be seen.
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# The beginnings of a formula for a spreadsheet, in a cell or in the text that another
# separator would make one.
_FORMULA: Final = re.compile(r"(\A|[;\t\r\n])(\s*)(?=[=+\-@\t\r＝＋－＠])")  # noqa: RUF001
_MARKDOWN: Final = re.compile(r"[\\`*\[\]|~]")
# Every tag except the text styles that plotly renders; links are escaped.
_TAG: Final = re.compile(r"<(?!/?(?:b|br|em|extra|i|s|span|strong|sub|sup|u)\b)", re.IGNORECASE)


def for_terminal(text: str) -> str:
    r"""Text on one line of a terminal: what would act or be hidden is written as in Python.

    Example:
        >>> print(for_terminal("conv\x1b[31m"), for_terminal("a\nb"))
        conv\x1b[31m a\nb
    """
    return _HIDDEN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def lines_for_terminal(text: str) -> str:
    """The same for text of several lines, such as that of a file that people print."""
    return "\n".join(map(for_terminal, text.split("\n")))


def for_csv(value: object) -> object:
    """A cell of a table: text that a spreadsheet would compute begins with an apostrophe.

    Args:
        value: The cell; what is no text stays as it is.

    Example:
        >>> for_csv("=SUM(A1)"), for_csv("conv|pool"), for_csv(-0.5)
        ("'=SUM(A1)", 'conv|pool', -0.5)
    """
    return _FORMULA.sub(r"\1'\2", value) if isinstance(value, str) else value


def for_markdown(text: str) -> str:
    r"""Text in a Markdown file: no HTML, no link, no picture, no cell of a table.

    Example:
        >>> print(for_markdown("<b>![x](y)|"))
        &lt;b&gt;!\[x\](y)\|
    """
    return _MARKDOWN.sub(r"\\\g<0>", html.escape(for_terminal(text), quote=False))


def for_html(text: str) -> str:
    """Text in an HTML page.

    Example:
        >>> for_html("<script>")
        '&lt;script&gt;'
    """
    return html.escape(lines_for_terminal(text))


def for_figure(text: str) -> str:
    """Text in a plotly figure, which may be set in bold and the like but holds no link.

    Example:
        >>> for_figure('<b>best</b> <a href="x">')
        '<b>best</b> &lt;a href="x">'
    """
    return _TAG.sub("&lt;", text)
