"""The strategies with surrogates on architectures as Ax generation strategies."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.exceptions import CellError, OptionError, UnknownNameError
from ax_anasod.experiment import make_client
from ax_anasod.generation_strategy import STRATEGIES, make
from ax_anasod.generation_strategy.surrogates import SURROGATE_STRATEGIES

GRAPH = cells.get("nas-bench-graph")
NAMES = [strategy.name for strategy in SURROGATE_STRATEGIES]
FEATURES = {
    "adjacency-bo": "adjacency",
    "path-bo": "path",
    "adjacency-nep-bo": "adjacency",
    "path-nep-bo": "path",
    "bananas": "path",
}


def space_of(name: str, cell: Cell = GRAPH) -> AnasodSearchSpace | CellSearchSpace:
    kinds = {"encoding": AnasodSearchSpace, "architecture": CellSearchSpace}
    return kinds[STRATEGIES[name].space].from_cell(cell)  # type: ignore[no-any-return]


def test_these_are_registered() -> None:
    assert NAMES == [
        "anasod-nep-bo",
        "adjacency-bo",
        "path-bo",
        "adjacency-nep-bo",
        "path-nep-bo",
        "bananas",
        "nas-bowl",
        "gcn-bo",
    ]
    assert all(STRATEGIES[name].name == name for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_random_trials_then_the_surrogate(name: str) -> None:
    strategy = make(name, space_of(name), seed=4, num_initial=7)

    initial, surrogate = strategy._nodes
    assert strategy.name == surrogate.name == name
    (criterion,) = initial.transition_criteria
    assert (criterion.threshold, criterion.transition_to) == (7, name)
    for node in (initial, surrogate):
        (spec,) = node.generator_specs
        assert spec.generator_kwargs["seed"] == 4
        assert cells.from_dict(spec.generator_kwargs["cell"]) == GRAPH
        assert node.should_deduplicate is False
    assert surrogate.generator_specs[0].generator_kwargs.get("features") == FEATURES.get(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_reaches_the_generator(name: str) -> None:
    options = STRATEGIES[name].options
    changed = {
        field.name: field.default + 1
        for field in fields(options)
        if type(field.default) is int and field.name != "success_tolerance"
    }

    kwargs = make(name, space_of(name), **changed)._nodes[-1].generator_specs[0].generator_kwargs

    flat = {**kwargs, **kwargs.get("ensemble", {}), **kwargs.get("network", {})}
    assert len(changed) >= 2
    assert {option: flat[option] for option in changed} == changed


@pytest.mark.parametrize("name", NAMES)
def test_misspelt_options_are_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'num_initial'"):
        make(name, space_of(name), num_initials=1)


@pytest.mark.parametrize("name", NAMES)
def test_the_other_space_is_refused(name: str) -> None:
    other = AnasodSearchSpace if STRATEGIES[name].space == "architecture" else CellSearchSpace

    with pytest.raises(OptionError, match=f"{name!r} cannot run on a {other.__name__}"):
        make(name, other.from_cell(GRAPH))


@pytest.mark.parametrize("name", NAMES)
def test_several_objectives_are_refused(name: str) -> None:
    with pytest.raises(OptionError, match=f"{name!r} searches one objective, got 2"):
        make_client(GRAPH, name, objectives=["error", "latency"])


def test_cells_that_cannot_be_searched_are_refused_before_the_first_trial() -> None:
    darts = CellSearchSpace.from_cell(cells.get("darts"))

    with pytest.raises(OptionError, match=r"'darts' has more than.*pool='exhaustive'"):
        make("nas-bowl", darts, pool="exhaustive")
    with pytest.raises(CellError, match="shortest path through cell 'darts'"):
        make("bananas", darts, max_features=20)
    with pytest.raises(CellError, match="shortest path through cell 'long'"):
        make("path-bo", CellSearchSpace.from_cell(Cell("long", ["a", "b"], num_blocks=40)))
    make("adjacency-bo", CellSearchSpace.from_cell(Cell("long", ["a", "b"], num_blocks=40)))


def test_values_of_both_signs_are_modelled_as_they_are() -> None:
    proposals = []
    for log_targets in (True, False):
        client = make_client(
            cells.get("nas-bench-201"), "adjacency-bo", num_initial=2, log_targets=log_targets
        )
        for value in (1.0, -1.0):
            (index,) = client.get_next_trials(1)
            client.complete_trial(index, {"error": value})
        proposals.append(client.get_next_trials(1))
    assert proposals[0] == proposals[1]
