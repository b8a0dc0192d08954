from __future__ import annotations

import re

import pytest

from ax_anasod.plots import style


@pytest.mark.parametrize("num_operations", [2, 5, 11, 12, 30])
def test_operations_have_different_colours(num_operations):
    colours = style.operation_colours(num_operations)
    assert len(set(colours)) == num_operations
    assert all(re.fullmatch(r"#[0-9A-Fa-f]{6}", colour) for colour in colours)


def test_more_operations_than_colours_repeat_them():
    assert len(style.operation_colours(40)) == 40


def test_a_run_of_one_node_has_a_full_colour_and_a_random_start_a_pale_one():
    assert style.node_colours(["random"]) == {"random": style.AX_BLUE}
    colours = style.node_colours(["initial", "anasod-bo", "attached"])
    assert colours["initial"] == style.LIGHT_AX_BLUE
    assert colours["anasod-bo"] == style.AX_BLUE
    assert len(set(colours.values())) == 3


def test_labels_carry_units():
    assert style.axis_label("latency") == "latency"
    assert style.axis_label("latency", "ms") == "latency [ms]"
    assert style.with_unit(0.5) == "0.5"
    assert style.with_unit(3.0, "seconds") == "3 s"


def test_markup_of_users_is_text():
    assert style.plotly_text("<b>a & b</b>") == "&lt;b&gt;a &amp; b&lt;/b&gt;"
