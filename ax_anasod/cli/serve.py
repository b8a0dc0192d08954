"""A page on this machine that shows a run while it works."""

from __future__ import annotations

import html
import io
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from ax_anasod.cli.terminal import note
from ax_anasod.cli.watch import RunSnapshot
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.files import read_bytes

LOOPBACK: Final = "127.0.0.1"
_SECONDS_BETWEEN_LOOKS: Final = 2
_WIDTH: Final = 110
_REPORT: Final = "/report.html"
_HTML: Final = "text/html; charset=utf-8"

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
{refresh}<title>{line}</title>
<style>
body {{ font-family: sans-serif; margin: 2em; }}
pre {{ overflow-x: auto; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #111; color: #ddd; }}
  a {{ color: #8cf; }}
}}
</style>
</head>
<body>
<p>{line}</p>
<pre tabindex="0">{table}</pre>
{report}</body>
</html>
"""


def make_server(look: Callable[[], RunSnapshot], report: Path, port: int) -> ThreadingHTTPServer:
    """A server of the page of a run, and of its report; it answers this machine only.

    Args:
        look: Returns the current state of the run.
        report: Path of its report, which may not exist yet.
        port: The port; 0 for a free one.

    Raises:
        OptionError: The port cannot be used.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer; a page of another site that asks under a name of its own is refused."""
            host = self.headers.get("Host", "").rpartition(":")[0]
            if host not in (LOOPBACK, "localhost"):
                self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"only as 127.0.0.1\n")
            elif self.path == "/":
                self._answer_with(lambda: _page(look(), report).encode())
            elif self.path == _REPORT:
                self._answer_with(lambda: read_bytes(report))
            else:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is no such page\n")

        def _answer_with(self, make: Callable[[], bytes]) -> None:
            try:
                self._answer(HTTPStatus.OK, _HTML, make())
            except (RunError, OSError) as error:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", f"{error}\n".encode())

        def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            """Log no requests."""

    try:
        return ThreadingHTTPServer((LOOPBACK, port), Handler)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise OptionError(f"--serve {port}: {reason}", "choose another port") from error


def serve_page(look: Callable[[], RunSnapshot], report: Path, port: int) -> None:
    """Serve the page of a run until Ctrl-C.

    Args:
        look: Returns the current state of the run.
        report: Path of its report, which may not exist yet.
        port: The port.

    Raises:
        OptionError: The port cannot be used.
        RunError: There is no run, or it is damaged.
    """
    look()
    with make_server(look, report, port) as server:
        note(f"http://{LOOPBACK}:{server.server_port}/ until Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:  # asked for
            return


def _page(snapshot: RunSnapshot, report: Path) -> str:
    text = io.StringIO()
    Console(file=text, width=_WIDTH, highlight=False, color_system=None).print(snapshot.shown)
    refresh = f'<meta http-equiv="refresh" content="{_SECONDS_BETWEEN_LOOKS}">\n'
    return _PAGE.format(
        refresh=refresh if snapshot.running else "",
        line=html.escape(snapshot.line),
        table=html.escape(text.getvalue()),
        report=f'<p><a href="{_REPORT}">Report</a></p>\n' if report.exists() else "",
    )
