import dataclasses

import numpy as np

from ax_anasod.plots.learning import draw_learning_curve, draw_reliability
from ax_anasod.training import Epoch, reliability


def epoch(number: int) -> Epoch:
    return Epoch(
        epoch=number,
        learning_rate=0.1,
        train_loss=2.0 / number,
        valid_loss=1.0 / number,
        valid_error=50.0 / number,
        images=100,
        train_seconds=1.0,
        data_seconds=0.1,
        valid_seconds=0.5,
    )


def test_learning_curve():
    figure = draw_learning_curve([epoch(1), epoch(2), epoch(4)], "digits")
    loss, error = figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [[2, 1, 0.5], [1, 0.5, 0.25]]
    assert error.lines[0].get_xdata().tolist() == [1, 2, 4]
    assert error.lines[0].get_ydata().tolist() == [50, 25, 12.5]
    assert error.get_title(loc="left") == "Test error on digits: 12.50 %"


def test_what_ends_far_below_its_beginning_has_a_logarithmic_scale():
    figure = draw_learning_curve([epoch(1), epoch(2), epoch(25)], "digits")
    assert [axes.get_yscale() for axes in figure.axes] == ["symlog", "symlog"]
    assert all(axes.get_ylim()[0] == 0 for axes in figure.axes)
    none_wrong = dataclasses.replace(epoch(30), valid_error=0.0)
    error = draw_learning_curve([epoch(1), epoch(20), none_wrong], "digits").axes[1]
    start, low, zero = (error.transData.transform((1, y))[1] for y in (50.0, 2.5, 0.0))
    # A quarter of the height is left for what is below a twentieth of the first error.
    assert (low - zero) / (start - zero) > 0.05
    assert (start - low) / (start - zero) > 0.5


def test_what_stays_near_its_beginning_has_a_linear_scale_from_zero():
    figure = draw_learning_curve([epoch(1), epoch(2)], "digits")
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "linear"]
    assert [axes.get_ylim()[0] for axes in figure.axes] == [0, 0]


def test_the_parts_of_sequences_have_a_line_each():
    epochs = [
        dataclasses.replace(epoch(n), errors={"a_error": 9.0 / n, "b_error": 6.0 / n})
        for n in (1, 3)
    ]
    error = draw_learning_curve(epochs, "both").axes[1]
    lines = {line.get_label(): line.get_ydata().tolist() for line in error.lines}
    assert lines == {"all that is asked": [50, 50 / 3], "a": [9, 3], "b": [6, 2]}
    alone = [dataclasses.replace(one, errors={"a_error": 1.0}) for one in epochs]
    assert len(draw_learning_curve(alone, "one").axes[1].lines) == 1


def test_reliability_diagrams_show_the_filled_bins():
    one = reliability([[0.9, 0.1], [0.6, 0.4]], [0, 1])
    two = reliability(np.eye(2), [0, 1])
    figure = draw_reliability({"one": one, "two": two}, "$1")
    first, second = figure.axes
    curve = next(line for line in first.lines if line.get_label() == "accuracy")
    assert curve.get_xdata().tolist() == [0.6, 0.9]
    assert curve.get_ydata().tolist() == [0, 1]
    assert sum(bar.get_height() for bar in first.patches) == 1
    assert first.get_title(loc="left") == r"one on \$1: calibration error 35.00 points"
    assert second.get_title(loc="left").startswith("two on")
