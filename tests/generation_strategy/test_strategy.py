"""What is derived from the row of a strategy: its options, and the Ax generation strategy."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.search_space import SearchSpace

from ax_anasod import cells
from ax_anasod._ax import nodes_of
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.exceptions import AnasodError, CellError, OptionError, UnknownNameError
from ax_anasod.generation_strategy import STRATEGIES, get, make
from ax_anasod.settings import alternatives
from ax_anasod.surrogates import EnsembleOptions

GRAPH = cells.get("nas-bench-graph")
OPTIONAL = {"tpe": "optuna", "smac": "smac"}
DRAWS = [name for name, strategy in STRATEGIES.items() if strategy.draws]
ALONE = [name for name in STRATEGIES if name not in DRAWS]


def space_of(name: str, cell: Cell = GRAPH) -> AnasodSearchSpace | CellSearchSpace:
    kinds = {"encoding": AnasodSearchSpace, "architecture": CellSearchSpace}
    return kinds[STRATEGIES[name].space].from_cell(cell)  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _packages(request: pytest.FixtureRequest) -> None:
    name = getattr(request.node, "callspec", None)
    if name is not None and name.params.get("name") in OPTIONAL:
        pytest.importorskip(OPTIONAL[name.params["name"]])


class TestOptions:
    def test_the_defaults_are_those_of_the_papers(self) -> None:
        def of(name: str, *options: str) -> tuple[Any, ...]:
            return tuple(get(name).options[option].default for option in options)

        assert of("anasod-bo", "num_initial", "optimizer", "ard", "log_targets") == (
            10,
            "pool",
            False,
            True,
        )
        assert of("anasod-biased-random", "beta_max", "num_trials") == (2.0, 300)
        assert of("bananas", "pool", "pool_size", "mutation_rate") == ("mutation", 100, 1.5)
        assert of("nas-bowl", "pool", "num_parents") == ("mixed", 10)

    def test_figure_3_differs_in_nothing_but_the_encoding(self) -> None:
        def chosen(names: list[str], *options: str) -> set[tuple[Any, ...]]:
            return {tuple(get(n).options[option].default for option in options) for n in names}

        common = ("num_initial", "pool_size", "ard", "log_targets")
        assert len(chosen(["anasod-bo", "adjacency-bo", "path-bo"], *common)) == 1
        common = ("num_initial", "pool_size", "trials_per_fit")
        common += tuple(field.name for field in fields(EnsembleOptions))
        assert len(chosen(["anasod-nep-bo", "adjacency-nep-bo", "path-nep-bo"], *common)) == 1
        assert chosen(["adjacency-bo", "path-nep-bo"], "pool") == {("random",)}

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_the_generator_says_what_each_is(self, name: str) -> None:
        for option in get(name).options.values():
            assert option.text.endswith((".", ")", "``"))
            assert option.type in ("bool", "float", "int", "int | None", "str")

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_every_number_has_a_range(self, name: str) -> None:
        for option in get(name).options.values():
            number = alternatives(option.annotation)[0]
            # The bound of a loss is any number.
            if option.type.split(" | ")[0] in ("int", "float") and option.name != "lower_bound":
                assert number.__metadata__

    def test_arguments_that_are_fixed_or_internal_are_none(self) -> None:
        assert get("random").options == {}
        assert list(get("anasod-random").options) == ["repeat_architectures"]
        assert "features" not in get("path-bo").options
        assert "max_features" in get("path-bo").options.keys() - get("adjacency-bo").options.keys()


@pytest.mark.parametrize("name", STRATEGIES)
def test_they_are_ordinary_ax_strategies(name: str) -> None:
    built = make(name, space_of(name), seed=4)

    assert built.name == nodes_of(built)[-1].name == name
    assert get(name).summary
    for node in nodes_of(built):
        assert not node.should_deduplicate
        (spec,) = node.generator_specs
        assert spec.generator_kwargs["seed"] == 4
        assert cells.from_dict(spec.generator_kwargs["cell"]) == GRAPH


@pytest.mark.parametrize("name", DRAWS)
def test_random_trials_then_the_generator(name: str) -> None:
    initial, _ = nodes_of(make(name, space_of(name), num_initial=7))

    (criterion,) = initial.transition_criteria
    assert (criterion.threshold, criterion.transition_to) == (7, name)


@pytest.mark.parametrize("name", ALONE)
def test_one_node_from_the_first_trial_to_the_last(name: str) -> None:
    assert len(nodes_of(make(name, space_of(name)))) == 1


@pytest.mark.parametrize("name", [name for name in STRATEGIES if get(name).options])
def test_every_option_reaches_the_generator(name: str) -> None:
    changed: dict[str, Any] = {
        option.name: not option.default if option.type == "bool" else option.default + 1
        for option in get(name).options.values()
        if option.type in ("bool", "int")
    }

    (spec,) = nodes_of(make(name, space_of(name), **changed))[-1].generator_specs

    flat = dict(spec.generator_kwargs)
    for argument in ("options", "candidates", "ensemble", "network", "trust_region", "schedule"):
        flat |= flat.pop(argument, {})
    assert {option: flat[option] for option in changed} == changed


def test_transforms_of_the_adapter_are_told(toy_cell: Cell) -> None:
    space = AnasodSearchSpace.from_cell(toy_cell)
    (spec,) = nodes_of(make("anasod-bo", space, log_targets=False))[1].generator_specs

    for transform in ("PrepareObservations", "LogObjectives"):
        assert spec.generator_kwargs["transform_configs"][transform]["log_targets"] is False


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("anasod-bo", {"num_initial": 0}, OptionError, "num_initial must be at least 1, got 0"),
        ("anasod-bo", {"num_initial": 2.0}, OptionError, "num_initial .* whole number, got 2.0"),
        ("anasod-bo", {"optimizer": "exhaustiv"}, UnknownNameError, "did you mean 'exhaustive'"),
        ("anasod-bo", {"beta_max": 0.1, "beta_min": 1}, OptionError, "not be above beta_max"),
        ("anasod-bo", {"num_inital": 5}, UnknownNameError, "did you mean 'num_initial'"),
        ("anasod-biased-random", {"num_trials": 0}, OptionError, "num_trials must be at least 1"),
        ("random", {"beta": 1}, UnknownNameError, r"strategy 'random': 'beta'.*known: \(none\)"),
        ("gcn-bo", {"layer_width": 0}, OptionError, "layer_width must be at least 1, got 0"),
        ("gcn-bo", {"pool": "evolve"}, UnknownNameError, "'evolve'"),
        ("bananas", {"loss": None}, OptionError, "loss must be"),
        ("nas-bowl", {"min_noise": 0.1}, OptionError, "not be above max_noise, got 0.1 > 0.01"),
        (
            "reinforce",
            {"momentum": 1.0},
            OptionError,
            "momentum must be at least 0 and below 1, got 1.0",
        ),
        ("two-level-bo", {"surrogate": "block"}, UnknownNameError, "did you mean 'blocks'"),
    ],
)
def test_wrong_options_are_refused_before_the_first_trial(
    name: str, options: dict[str, Any], error: type[AnasodError], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(name, space_of(name), **options)


def test_cells_that_cannot_be_searched_are_refused_before_the_first_trial() -> None:
    darts = CellSearchSpace.from_cell(cells.get("darts"))
    large = Cell("large", operations=[f"op {i}" for i in range(12)], num_blocks=40)
    long = CellSearchSpace.from_cell(Cell("long", ["a", "b"], num_blocks=40))

    with pytest.raises(OptionError, match="more than the 1000000"):
        make("anasod-bo", AnasodSearchSpace.from_cell(large), optimizer="exhaustive")
    with pytest.raises(OptionError, match=r"'darts' has more than.*pool='exhaustive'"):
        make("nas-bowl", darts, pool="exhaustive")
    with pytest.raises(CellError, match="shortest path through cell 'darts'"):
        make("bananas", darts, max_features=20)
    with pytest.raises(CellError):
        make("path-bo", long)
    make("adjacency-bo", long)


@pytest.mark.parametrize("name", ["anasod-bo", "random"])
def test_the_other_kind_of_space_is_refused(name: str) -> None:
    other = {"encoding": CellSearchSpace, "architecture": AnasodSearchSpace}[get(name).space]

    with pytest.raises(OptionError, match=rf"{name!r} cannot run on a {other.__name__}.*use "):
        make(name, other.from_cell(GRAPH))


def test_a_plain_space_is_refused() -> None:
    plain = SearchSpace([RangeParameter("n_conv", ParameterType.INT, 0, 2)])

    with pytest.raises(OptionError):
        make("anasod-bo", plain)


@pytest.mark.parametrize("seed", [-1, 1.5, "0", None, True])
def test_a_wrong_seed_is_refused(toy_cell: Cell, seed: object) -> None:
    with pytest.raises(OptionError):
        make("anasod-bo", AnasodSearchSpace.from_cell(toy_cell), seed=seed)
