from __future__ import annotations

import struct
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import same_color

from ax_anasod._ax import experiment_of
from ax_anasod.analysis import write_pictures
from ax_anasod.analysis.search_pictures import draw_distribution, draw_incumbent
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.plots import style
from tests.conftest import PATIENCE


def series_of(client):
    return SearchSeries.from_experiment(experiment_of(client))


def legend_of(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def size_of(path):
    """Width and height from the header of a PNG file."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])


def test_pictures_of_a_real_search(cora_client, cora, tmp_path):
    paths = write_pictures(
        experiment_of(cora_client),
        tmp_path / "run",
        optimum=cora.optimum("valid_error"),
        unit="percent",
    )
    assert [path.name for path in paths] == ["incumbent.png", "operation_distribution.png"]
    assert [size_of(path) for path in paths] == [(1350, 720)] * 2
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [p.name for p in paths]


def test_incumbent(run):
    values = [6.0, 6.1, None, 5.9, 6.3, 6.2, 6.0, 5.8, 6.4, 90.0]
    figure = draw_incumbent(series_of(run(values)), optimum=5.6, unit="percent")
    axes = figure.axes[0]
    assert axes.get_xlabel() == "trial"
    assert axes.get_ylabel() == "error [%]"
    assert legend_of(figure) == [
        "optimum 5.6 %",
        "incumbent",
        "trial (anasod-random)",
        "best: 5.8 % (trial 7)",
        "beyond the axis",
        "failed or abandoned",
    ]
    optimum, incumbent = axes.get_lines()
    assert set(optimum.get_ydata()) == {5.6}
    assert incumbent.get_drawstyle() == "steps-post"
    assert incumbent.get_linestyle() == "--"
    assert same_color(incumbent.get_color(), style.GOLD)
    assert incumbent.get_ydata().tolist() == [6, 6, 6, 5.9, 5.9, 5.9, 5.9, 5.8, 5.8, 5.8, 5.8]
    offsets = {c.get_label(): c.get_offsets()[:, 0].tolist() for c in axes.collections}
    assert offsets["failed or abandoned"] == [2]
    assert offsets["beyond the axis"] == [9]
    assert axes.get_ylim()[1] < 90


def test_distribution(run, small_cell):
    series = series_of(run([6.0, None, 5.0]))
    figure = draw_distribution(series)
    axes = figure.axes[0]
    heights = np.array([[bar.get_height() for bar in bars] for bars in axes.containers])
    np.testing.assert_allclose(heights, 100 * series.shares.T)
    assert legend_of(figure) == ["skip", "pool", "conv", "best error", "failed or abandoned"]
    best = next(c for c in axes.collections if c.get_label() == "best error")
    assert best.get_offsets()[:, 0].tolist() == [2]
    colours = style.operation_colours(small_cell.num_operations)
    for bars, colour in zip(axes.containers, colours, strict=True):
        assert same_color(bars[0].get_facecolor(), colour)


def test_values_of_zero_on_a_logarithmic_axis(run):
    figure = draw_incumbent(series_of(run([4.0, 0.0, 2.0])), log_scale=True)
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    (incumbent,) = axes.get_lines()
    assert incumbent.get_ydata().tolist() == [4, 1, 1, 1]
    assert axes.get_ylim()[0] < 1


def test_negative_values_on_a_logarithmic_axis_are_refused(run, tmp_path):
    with pytest.raises(OptionError, match="needs values >= 0"):
        write_pictures(experiment_of(run([-1.0])), tmp_path, log_scale=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("values", "sentences"),
    [
        ([], ["no trial has a value yet", "there are no trials yet"]),
        ([None], ["no trial has a value yet", None]),
    ],
)
def test_nothing_to_show_is_said(run, values, sentences, tmp_path):
    client = run(values)
    series = series_of(client)
    for figure, sentence in zip(
        (draw_incumbent(series), draw_distribution(series)), sentences, strict=True
    ):
        assert [text.get_text() for text in figure.axes[0].texts] == [sentence] * bool(sentence)
    assert all(path.exists() for path in write_pictures(experiment_of(client), tmp_path))


@pytest.mark.parametrize("values", [[5.0], [5.0] * 12, [0.0] * 12])
@pytest.mark.parametrize("log_scale", [False, True])
def test_one_and_constant_values(run, values, log_scale, tmp_path):
    write_pictures(experiment_of(run(values)), tmp_path, log_scale=log_scale)
    assert size_of(tmp_path / "incumbent.png") == (1350, 720)


def test_the_first_of_several_objectives(run):
    values = [{"error": 1.0, "latency": 9.0}, {"error": 2.0, "latency": 8.0}]
    client = run(values, objectives=["error", "latency"])
    figure = draw_incumbent(series_of(client))
    assert figure.axes[0].get_ylabel() == "error"


def test_optimum_and_unit_by_objective(run, tmp_path):
    values = [{"error": 1.0, "latency": 9.0}]
    experiment = experiment_of(run(values, objectives=["error", "latency"]))
    by_name = tmp_path / "by_name"
    single = tmp_path / "single"
    write_pictures(
        experiment, by_name, optimum={"error": 0.5, "latency": 3.0}, unit={"error": "percent"}
    )
    write_pictures(experiment, single, optimum=0.5, unit="percent")
    write_pictures(experiment, tmp_path, optimum={"latency": 3.0})
    picture = (single / "incumbent.png").read_bytes()
    assert (by_name / "incumbent.png").read_bytes() == picture
    assert (tmp_path / "incumbent.png").read_bytes() != picture


def test_names_of_users_are_no_formulas(run, tmp_path):
    cell = Cell("odd", operations=["$x^2$", "_hidden", r"\frac"], num_blocks=3)
    client = run([1.0, 2.0], cell=cell)
    assert legend_of(draw_distribution(series_of(client))) == [
        r"\frac",
        " _hidden",
        r"\$x^2\$",
        "best error",
    ]
    write_pictures(experiment_of(client), tmp_path)


def test_what_cannot_be_written_is_a_run_error(run, tmp_path):
    (tmp_path / "taken").write_text("something")
    with pytest.raises(RunError):
        write_pictures(experiment_of(run([1.0])), tmp_path / "taken")


@pytest.mark.slow
def test_matplotlib_is_loaded_for_the_first_picture_and_pyplot_never(tmp_path):
    script = """
import sys
from ax_anasod.analysis import write_pictures
from ax_anasod.cells import Cell
from ax_anasod.experiment import make_client
before = "matplotlib" in sys.modules
client = make_client(Cell("c", operations=["a", "b"], num_blocks=2), "anasod-random")
write_pictures(client._experiment, sys.argv[1])
print(before, *(name in sys.modules for name in ("matplotlib.figure", "matplotlib.pyplot")))
"""
    outcome = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    assert outcome.stdout.split() == ["False", "True", "False"]
