"""The frame of a page: its style, its script, and the security policy that lets only that run."""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import cache
from pathlib import Path
from string import Template
from typing import Final

from plotly.offline import get_plotlyjs

_PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src $hashes; style-src 'unsafe-inline'; img-src data: blob:; font-src data:;
  base-uri 'none'; form-action 'none'">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<header>
<h1>$title</h1>
</header>
<noscript><p>The figures of this page need JavaScript; the tables do not.</p></noscript>
<main>
$body
</main>
$plotly<script>
$script</script>
</body>
</html>
""")


def framed(title: str, body: str, *, with_figures: bool) -> str:
    """A page: one file that needs nothing else.

    It has two scripts, this package's own and plotly.js, and its security policy names both by
    their hashes: no other text runs, also none that has come into the page by a mistake, and
    nothing is loaded from anywhere. Files beside the page would need no hashes, but a report that
    is sent or moved would lose them. plotly.js is packed, which makes a page of 5 MB one of 2.

    Args:
        title: The heading, as HTML.
        body: What stands below it, as HTML.
        with_figures: Whether the page needs plotly.js.
    """
    script = _own("page.js")
    hashes, plotly = [_hash(f"\n{script}")], ""
    if with_figures:
        packed, its_hash = _plotly()
        hashes.append(its_hash)
        plotly = f'<script type="text/plain" id="plotly">{packed}</script>\n'
    return _PAGE.substitute(
        title=title,
        body=body,
        style=_own("page.css"),
        script=script,
        plotly=plotly,
        hashes=" ".join(hashes),
    )


def _own(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


@cache
def _plotly() -> tuple[str, str]:
    """plotly.js, packed, and the hash of what is run."""
    code: str = get_plotlyjs()
    packed = gzip.compress(code.encode("utf-8"), mtime=0)
    return base64.b64encode(packed).decode("ascii"), _hash(code)


def _hash(script: str) -> str:
    """How a security policy names a script."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
