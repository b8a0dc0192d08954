from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.image import imread

from ax_anasod.exceptions import RunError
from ax_anasod.plots.figure import looks, new_figure, plain_text, save, set_title


def test_a_figure_has_panels_of_one_size_and_is_written_whole(tmp_path: Path) -> None:
    figure, first = new_figure(rows=2, columns=1, height=2.0)
    assert figure.axes[0] is first
    assert len(figure.axes) == 2
    save(figure, tmp_path / "new" / "a.png", make_folder=True)
    assert imread(tmp_path / "new" / "a.png").shape[:2] == (600, 1350)
    with pytest.raises(RunError, match="none"):
        save(figure, tmp_path / "none" / "a.png")


def test_texts_of_users_are_shown_as_they_are() -> None:
    assert plain_text("a$b$") == r"a\$b\$"
    assert plain_text("_hidden") == " _hidden"
    _, axes = new_figure()
    set_title(axes, "$x$")
    assert axes.get_title(loc="left") == r"\$x\$"


def test_lines_look_different_until_colours_and_dashes_are_used_up() -> None:
    seen = looks([str(n) for n in range(28)])
    assert len({*seen.values()}) == 28
