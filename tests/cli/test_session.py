from __future__ import annotations

import logging
import warnings

import pytest

from ax_anasod.cli.session import note, quiet_libraries, waiting


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
