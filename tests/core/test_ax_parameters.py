"""What is searched beside a cell, and constraints on its counts, in both search spaces."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from ax.core.parameter import FixedParameter, ParameterType, RangeParameter
from ax.core.parameter_constraint import ParameterConstraint

from ax_anasod import attach_architecture, make_client, storage
from ax_anasod._ax import experiment_of
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.core.ax_parameters import hyperparameters_of, to_ax
from ax_anasod.core.cell_search_space import search_space
from ax_anasod.exceptions import AnasodError, ArchitectureError, EncodingError, OptionError
from ax_anasod.generation_strategy import make
from ax_anasod.hyperparameters import Choice, Range
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runners.query import BenchmarkQuery

CELL = Cell("mine", operations=["conv", "max pool", "skip"], num_blocks=4)
PARAMETERS = [
    RangeParameterConfig("rate", (1e-4, 1.0), "float", scaling="log"),
    RangeParameter("width", ParameterType.INT, 4, 64),
    ChoiceParameterConfig("kind", ["a", "b", "c"], "str", is_ordered=False),
    FixedParameter("epochs", ParameterType.INT, 3),
]
CONSTRAINTS = ["n_skip <= 2", "n_conv + n_max_pool >= 1", "2*width <= 100"]
Space = type[AnasodSearchSpace] | type[CellSearchSpace]
SPACES = pytest.mark.parametrize("space", [AnasodSearchSpace, CellSearchSpace])


@SPACES
def test_both_spaces_take_what_ax_takes(space: Space) -> None:
    joint = space.from_cell(CELL, PARAMETERS, CONSTRAINTS)
    assert joint.hyperparameters.names == ("rate", "width", "kind", "epochs")
    assert joint.hyperparameters.columns[:2] == (
        Range("rate", 1e-4, 1.0, log=True),
        Range("width", 4.0, 64.0, integer=True),
    )
    assert joint.clone().hyperparameters == joint.hyperparameters
    assert (joint.cell.encode(joint.cell.enumerate())[:, 2] <= 2).all()
    again = search_space(joint.kind, joint.cell, joint.hyperparameters.to_dict())
    assert again.hyperparameters == joint.hyperparameters
    assert [*again.parameters] == [*joint.parameters]


def test_parameters_of_ax_survive_the_way_there_and_back() -> None:
    joint = AnasodSearchSpace.from_cell(CELL, PARAMETERS).hyperparameters
    assert hyperparameters_of(to_ax(joint)) == joint
    # Ax sorts some values as it loads them, which changes no unordered choice.
    assert Choice("a", ("x", "z", "y")).is_like(Choice("a", ("x", "y", "z")))
    assert not Choice("a", ("x", "y"), True).is_like(Choice("a", ("y", "x"), True))


ARM = {"n_conv": 2, "n_max_pool": 1, "n_skip": 1, "rate": 0.1, "width": 8, "kind": "a", "epochs": 3}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"rate": 2.0}, "rate = 2.0"),
        ({"width": 60}, "break 2.0\\*width <= 100.0"),
        ({"kind": "d"}, "kind = 'd'"),
        ({"epochs": 4}, "epochs = 4 is fixed to 3"),
        ({"depth": 4}, r"unknown \['depth'\]"),
        ({"rate": None}, "rate = None"),
        ({"n_skip": 3, "n_max_pool": 0, "n_conv": 1}, "breaks the constraint 'n_skip <= 2'"),
    ],
)
def test_arms_outside_are_refused(changes: dict[str, Any], found: str) -> None:
    joint = AnasodSearchSpace.from_cell(CELL, PARAMETERS, CONSTRAINTS)
    joint.check_membership(ARM, raise_error=True)
    with pytest.raises(EncodingError, match=found):
        joint.check_membership({**ARM, **changes}, raise_error=True)
    with pytest.raises(EncodingError):
        joint.check_membership({k: v for k, v in ARM.items() if k != "rate"}, raise_error=True)


def test_an_architecture_that_breaks_a_constraint_is_refused() -> None:
    joint = CellSearchSpace.from_cell(CELL, parameter_constraints=["n_skip <= 2"])
    blocks = {f"block_{i}": "skip" for i in range(4)}
    with pytest.raises(ArchitectureError, match="breaks the constraint 'n_skip <= 2'"):
        joint.check_membership(blocks, raise_error=True)


def ranged(name: str, low: float, high: float, **more: Any) -> RangeParameterConfig:
    return RangeParameterConfig(name, (low, high), "float", **more)


@SPACES
@pytest.mark.parametrize(
    ("parameters", "constraints", "found"),
    [
        ([ranged("n_skip", 0, 1)], [], "'n_skip' is the name of a parameter of the cell"),
        ([ranged("block_0", 0, 1)], [], "'block_0' is the name of a parameter of the cell"),
        ([ranged("my rate", 0, 1)], [], "cannot be called 'my rate'"),
        ([ranged("a", 0, 1), ranged("a", 0, 1)], [], "two parameters have the name 'a'"),
        ([ranged("a", 0, 1, scaling="log")], [], "cannot take log when min <= 0"),
        ([ranged("a", 1, 0)], [], "must be strictly larger than lower"),
        ([ranged("a", 0, float("inf"))], [], "the bounds of 'a' must be finite"),
        ([ChoiceParameterConfig("a", [], "int")], [], "multiple feasible values"),
        ([RangeParameter("a", ParameterType.FLOAT, 0, 1, digits=2)], [], "rounded to digits"),
        (["a"], [], "'a' is no parameter of Ax"),
        (ranged("a", 0, 1), [], "parameters must be a list"),
        ([], "n_skip <= 1", "parameter_constraints must be a list"),
        ([], ["n_skp <= 1"], "unknown parameter in the constraint 'n_skp <= 1': 'n_skp'"),
        ([], ["n_skip * n_conv <= 1"], "is no linear constraint"),
        ([], ["n_skip**2 <= 1"], "is no linear constraint"),
        ([], ["n_skip < 1"], "is no linear constraint"),
        ([], ["1 <= 2"], "is no linear constraint"),
        ([], ["n_skip >= 5"], "keeps 'n_skip >= 5'"),
        ([], ["n_skip <= 1", "n_conv <= 1", "n_max_pool <= 1"], "keeps 'n_max_pool <= 1'"),
        ([ranged("a", 0, 1)], ["a + n_skip <= 2"], "is on counts and on other parameters"),
        ([ranged("a", 0, 1)], ["a >= 2"], "no setting was found"),
        ([ranged("a", 0, 1), ranged("b", 0, 1)], ["a == b"], "leaves no room"),
        ([ranged("a", 0.1, 1, scaling="log")], ["a <= 0.5"], "is on a log scale"),
    ],
)
def test_bad_input_is_one_clear_line(
    space: Space, parameters: Sequence[Any], constraints: Sequence[str], found: str
) -> None:
    with warnings.catch_warnings():
        # Ax warns of what it then refuses.
        warnings.simplefilter("ignore")
        with pytest.raises(AnasodError, match=found) as raised:
            space.from_cell(CELL, parameters, constraints)
    assert "\n" not in str(raised.value)


@SPACES
def test_a_space_does_not_change_under_its_strategy(space: Space) -> None:
    joint = space.from_cell(CELL, PARAMETERS)
    new = RangeParameter("new", ParameterType.FLOAT, 0, 1)
    for change in (
        lambda: joint.add_parameter(new),
        lambda: joint.add_parameters([new]),
        lambda: joint.update_parameter(new),
        lambda: joint.disable_parameters({"width": 4}),
        lambda: joint.add_parameter_constraints([ParameterConstraint("width <= 8")]),
        lambda: joint.set_parameter_constraints([ParameterConstraint("width <= 8")]),
    ):
        with pytest.raises(OptionError, match="an existing"):
            change()


def test_strategies_of_cells_alone_say_so_and_name_those_that_are_not() -> None:
    joint = CellSearchSpace.from_cell(CELL, PARAMETERS)
    with pytest.raises(OptionError, match=r"searches cells only.*'rate'.*two-level-bo"):
        make("local-search", joint)


def test_a_strategy_of_another_space_proposes_nothing() -> None:
    client = Client()
    client.set_experiment(experiment_of(make_client(CELL, "random", parameters=PARAMETERS)))
    client.set_generation_strategy(make("random", CellSearchSpace.from_cell(CELL)))
    with pytest.raises(OptionError, match="it lacks"):
        client.get_next_trials(1)
    other = [ranged("rate", 0.1, 0.2), *PARAMETERS[1:]]
    client.set_generation_strategy(make("random", CellSearchSpace.from_cell(CELL, other)))
    with pytest.raises(OptionError, match="another 'rate'"):
        client.get_next_trials(1)


@pytest.mark.parametrize("strategy", ["anasod-random", "regularized-evolution"])
def test_databases_give_types_scales_and_constraints_back(strategy: str, tmp_path: Path) -> None:
    storage.close_database()
    config = storage.storage_config(tmp_path / "run.db")

    def run(database: Any) -> Client:
        client = make_client(
            CELL,
            strategy,
            seed=1,
            storage_config=database,
            parameters=PARAMETERS,
            parameter_constraints=CONSTRAINTS,
        )
        for _ in range(3):
            ((index, _),) = client.get_next_trials(1).items()
            client.complete_trial(index, raw_data={"error": 1.0 + index})
        return client

    try:
        client = run(config)
        reference = experiment_of(client).search_space
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = Client.load_from_database("ax_anasod", config)
        space = experiment_of(loaded).search_space
        assert space.hyperparameters == reference.hyperparameters
        assert space.cell == reference.cell
        assert loaded.get_next_trials(2) == run(None).get_next_trials(2)
    finally:
        storage.close_database()


def test_attached_architectures_have_what_is_beside_them() -> None:
    client = make_client(CELL, "random", parameters=PARAMETERS)
    beside = {"rate": 0.1, "width": 8, "kind": "a", "epochs": 3}
    index = attach_architecture(client, "conv|conv|skip|skip", {"error": 1.0}, beside)
    assert experiment_of(client).trials[index].arm.parameters["rate"] == 0.1
    with pytest.raises(ArchitectureError):
        attach_architecture(client, "conv|conv|skip|skip", {"error": 1.0})


def test_who_knows_nothing_of_hyperparameters_evaluates_no_such_trial(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    architectures = CELL.to_strings(CELL.enumerate())
    path.write_text("arch,error\n" + "".join(f"{a},{i}\n" for i, a in enumerate(architectures)))
    benchmark = TableBenchmark(path, CELL, minimize="error")
    client = make_client(CELL, "random", parameters=PARAMETERS)
    ((index, _),) = client.get_next_trials(1).items()
    with pytest.raises(OptionError, match=r"table knows nothing of the parameters \['rate'"):
        BenchmarkQuery(benchmark).of(experiment_of(client).trials[index])
