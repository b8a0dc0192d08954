"""Strategies by name, and the Ax generation strategies that they are."""

from __future__ import annotations

import pytest
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.search_space import SearchSpace

from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.generation_strategy import STRATEGIES, get, make

SPACES = {"encoding": AnasodSearchSpace, "architecture": CellSearchSpace}


def test_the_strategies_of_the_paper_are_there() -> None:
    assert {"random", "anasod-random", "anasod-biased-random", "anasod-bo"} <= set(STRATEGIES)


@pytest.mark.parametrize("name", ["random", "anasod-random", "anasod-biased-random", "anasod-bo"])
def test_they_are_ordinary_ax_strategies(toy_cell: Cell, name: str) -> None:
    strategy = get(name)

    built = make(name, SPACES[strategy.space].from_cell(toy_cell), seed=3)

    assert strategy.name == built.name == name
    assert strategy.summary
    assert built._nodes[-1].name == name
    for node in built._nodes:
        assert not node.should_deduplicate
        (spec,) = node.generator_specs
        assert spec.generator_kwargs["seed"] == 3
        assert spec.generator_kwargs["cell"] == toy_cell.to_dict()


def test_several_objectives_are_refused_with_the_strategies_that_take_them() -> None:
    able = [name for name, strategy in STRATEGIES.items() if strategy.multi_objective]
    assert "anasod-bo" in able
    get(able[0]).check_objectives(["error", "latency"])
    with pytest.raises(OptionError, match=f"Pareto front: {', '.join(able)}"):
        get("tpe").check_objectives(["error", "latency"])
    get("tpe").check_objectives(["error"])


def test_an_unknown_name_is_refused_with_the_nearest(toy_cell: Cell) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown strategy 'anasod_bo'.*'anasod-bo'"):
        make("anasod_bo", AnasodSearchSpace.from_cell(toy_cell))


@pytest.mark.parametrize(
    ("name", "space", "message"),
    [
        ("anasod-bo", CellSearchSpace, r"cannot run on a CellSearchSpace.*use AnasodSearchSpace"),
        ("random", AnasodSearchSpace, r"cannot run on a AnasodSearchSpace.*use CellSearchSpace"),
    ],
)
def test_the_other_kind_of_space_is_refused(
    toy_cell: Cell, name: str, space: type[AnasodSearchSpace], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        make(name, space.from_cell(toy_cell))


def test_a_plain_space_is_refused() -> None:
    plain = SearchSpace([RangeParameter("n_conv", ParameterType.INT, 0, 2)])

    with pytest.raises(OptionError, match="got a SearchSpace"):
        make("anasod-bo", plain)


@pytest.mark.parametrize("seed", [-1, 1.5, "0", None, True])
def test_a_wrong_seed_is_refused(toy_cell: Cell, seed: object) -> None:
    with pytest.raises(OptionError, match="seed must be a whole number of at least 0"):
        make("anasod-bo", AnasodSearchSpace.from_cell(toy_cell), seed=seed)


def test_a_wrong_option_is_refused_at_once(toy_cell: Cell) -> None:
    with pytest.raises(UnknownNameError, match="acquisition optimizer 'exhaustiv'"):
        make("anasod-bo", AnasodSearchSpace.from_cell(toy_cell), optimizer="exhaustiv")


def test_exhaustive_search_of_a_large_cell_is_refused_at_once() -> None:
    large = Cell("large", operations=[f"op {i}" for i in range(12)], num_blocks=40)

    with pytest.raises(OptionError, match="more than the 1000000"):
        make("anasod-bo", AnasodSearchSpace.from_cell(large), optimizer="exhaustive")


def test_options_reach_the_generator(toy_cell: Cell) -> None:
    built = make(
        "anasod-bo",
        AnasodSearchSpace.from_cell(toy_cell),
        num_initial=4,
        pool_size=17,
        ard=True,
        log_targets=False,
    )

    (criterion,) = built._nodes[0].transition_criteria
    assert criterion.threshold == 4
    (spec,) = built._nodes[1].generator_specs
    assert spec.generator_kwargs["pool_size"] == 17
    assert spec.generator_kwargs["ard"] is True
    for transform in ("PrepareObservations", "LogObjectives"):
        assert spec.generator_kwargs["transform_configs"][transform]["log_targets"] is False
