from __future__ import annotations

import logging
import warnings

import pytest

from ax_anasod.cli.terminal import note, quiet_libraries, waiting
from tests.cli.conftest import Command


def test_log_lines_and_warnings_of_libraries_are_kept_off_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("ax.api.client")
    with quiet_libraries():
        logger.warning("about the library's own doing")
        warnings.warn("likewise", UserWarning, stacklevel=1)
    assert capsys.readouterr() == ("", "")
    assert logger.isEnabledFor(logging.WARNING)
    with pytest.warns(UserWarning, match="heard again"):
        warnings.warn("heard again", UserWarning, stacklevel=1)


def test_a_spinner_only_where_somebody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting("reading"):
        note("a line")
    assert capsys.readouterr() == ("", "note: a line\n")


@pytest.mark.parametrize("arguments", [["benchmarks"], ["--import", "mine", "benchmarks"]])
def test_ctrl_c_before_there_is_anything_to_keep(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ax_anasod.cli.terminal.listing", interrupted)
    monkeypatch.setattr("ax_anasod.cli.app.import_module", interrupted)
    outcome = command(*arguments)
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "error: interrupted\n")
