"""Strategies of a user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ax_anasod._ax import experiment_of, strategy_of
from ax_anasod.analysis import report
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, History
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.experiment import make_client
from ax_anasod.generation_strategy import STRATEGIES, get, make, registration
from ax_anasod.generators import (
    HistoryGenerator,
    RandomArchitectureGenerator,
    TwoLevelGenerator,
    registered,
)
from ax_anasod.settings import PositiveInt, Probability
from ax_anasod.testing import StrategyConformance

CELL = Cell("own", operations=["conv 3x3", "pool", "skip"], num_blocks=6, wiring=[2])


class Own(RandomArchitectureGenerator):
    """Uniform draws, with a flaw or none."""

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        flaw: str = "",
        # As in modules that do not postpone annotations.
        share: Probability = 0.5,
    ) -> None:
        super().__init__(cell, seed)
        self.flaw, self.share = flaw, share

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        """Uniform draws."""
        position = history.position
        if self.flaw == "seed":
            return self.cell.sample(n, np.random.default_rng(position))
        if self.flaw == "two" and history.failed.any():
            return self.cell.sample(n, np.random.default_rng([self.seed, position % 2]))
        if self.flaw == "pending":
            return self.cell.sample(n, np.random.default_rng([self.seed, history.observed.sum()]))
        codes = super().propose(n, history, fixed)
        if self.flaw == "short":
            return codes[:, :-1]
        if self.flaw == "range":
            return codes + 7
        return codes


class Unread(Own):
    """An argument whose type is nowhere."""

    def __init__(self, cell: Mapping[str, Any], seed: int = 0, depth: Depth = 1) -> None:  # type: ignore[name-defined]  # noqa: F821
        super().__init__(cell, seed)


class Zero(Own):
    """A default that its own type does not allow."""

    def __init__(self, cell: Mapping[str, Any], seed: int = 0, depth: PositiveInt = 0) -> None:
        super().__init__(cell, seed)


class Counts(HistoryGenerator):
    """The same counts for ever; their sum may be wrong."""

    space = "encoding"
    first = 4

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        """The same counts."""
        return np.array([[self.first, 1, 1]] * n)


class Levels(TwoLevelGenerator):
    """A generator with features, several objectives and predictions."""


@pytest.fixture(autouse=True)
def _names() -> Iterator[None]:
    """What a test registers is gone after it."""
    known = set(STRATEGIES)
    yield
    for name in set(STRATEGIES) - known:
        del STRATEGIES[name], registered.GENERATORS[name]


def register(name: str = "own", kind: type[HistoryGenerator] = Own, **options: Any) -> None:
    registration.register_strategy(name, "one of mine", **options)(kind)


def test_it_is_a_strategy_like_the_built_in_ones() -> None:
    register(num_initial=2)
    strategy = get("own")
    assert (strategy.space, strategy.summary) == ("architecture", "one of mine")
    defaults = {name: option.default for name, option in strategy.options.items()}
    assert defaults == {"num_initial": 2, "flaw": "", "share": 0.5}
    client = make_client(CELL, "own", seed=3, share=0.25)
    nodes = []
    for _ in range(4):
        for index in client.get_next_trials(1):
            client.complete_trial(index, raw_data={"error": 5.0})
            nodes.append(
                experiment_of(client).trials[index].generator_runs[0]._generation_node_name
            )
    assert nodes == ["initial", "initial", "own", "own"]
    generator = strategy_of(client)._curr.generator_specs[0].fitted_adapter.generator
    assert type(generator) is Own
    assert generator.share == 0.25
    assert generator.scope == "any"


@pytest.mark.parametrize(
    "asked",
    [
        {"features": {"cost": {"conv 3x3": 3.0, "pool": 1.0, "skip": 0.0}}},
        {"objectives": ["error", "latency"], "limits": "latency <= 5"},
    ],
    ids=["features", "objectives"],
)
@pytest.mark.filterwarnings("ignore:there is a threshold on latency")
def test_it_is_whatever_its_class_is(asked: dict[str, Any]) -> None:
    register("levels", Levels)
    own, same = (
        make_client(CELL, name, num_initial=2, **asked) for name in ("levels", "two-level-bo")
    )
    runs = []
    for client in (own, same):
        for _ in range(5):
            for index in client.get_next_trials(1):
                values = {"error": 1.0 + index, "latency": 9.0 - index}
                names = experiment_of(client).optimization_config.metric_names
                client.complete_trial(index, {name: values[name] for name in names})
        runs.append([t.arm.parameters for t in experiment_of(client).trials.values()])
        runs[-1] += [client.predict([runs[-1][0]])]

    assert runs[0] == runs[1]
    assert get("levels").multi_objective
    assert get("levels").generator.expects_improvement
    assert not report._never_predicts(strategy_of(own))


def test_encodings_may_be_searched_without_random_trials() -> None:
    register("counts", Counts, num_initial=0)
    client = make_client(CELL, "counts")
    (parameters,) = client.get_next_trials(1).values()
    assert list(parameters.values()) == [4, 1, 1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"share": 2.0}, "share must be at least 0 and at most 1, got 2"),
        ({"share": "half"}, "share must be a number, got 'half'"),
        ({"num_initial": -1}, "num_initial must be at least 0, got -1"),
    ],
)
def test_wrong_options_are_refused_before_the_first_trial(
    options: dict[str, Any], words: str
) -> None:
    register()
    with pytest.raises(OptionError, match=words):
        make("own", CellSearchSpace.from_cell(CELL), **options)


def test_unknown_options_and_spaces_are_refused() -> None:
    register()
    with pytest.raises(UnknownNameError):
        make("own", CellSearchSpace.from_cell(CELL), shares=1)
    with pytest.raises(OptionError, match="it searches architectures"):
        make("own", AnasodSearchSpace.from_cell(CELL))


def test_names_that_cannot_be() -> None:
    for name, words in (
        ("random", "there is a strategy 'random' already"),
        ("a b", "cannot be called 'a b'"),
    ):
        with pytest.raises(OptionError, match=words):
            register(name)
    register()
    register()
    with pytest.raises(OptionError, match=r"the name 'own' is taken by .*test_registration.Own"):
        register("own", Counts)


def test_every_argument_needs_a_type_and_a_default() -> None:
    class Without(Own):
        def __init__(self, cell: Mapping[str, Any], seed: int, depth: int) -> None:
            super().__init__(cell, seed)

    for generator, words in (
        (Without, "'depth' of Without needs a type and a default"),
        (Unread, "type in the arguments of Unread .* 'Depth' is not def"),
    ):
        with pytest.raises(OptionError, match=words):
            register("without", generator)
    with pytest.raises(OptionError):
        register("without", Zero)
    assert "without" not in STRATEGIES


def test_a_run_is_not_loaded_where_the_strategy_is_unknown(tmp_path: Any) -> None:
    with pytest.raises(UnknownNameError, match="unknown registered generator 'gone'"):
        registered.RegisteredGenerator(CELL.to_dict(), registered_as="gone")


class Examination(StrategyConformance):
    cells = (CELL,)

    def make_strategy(self, name: str, search_space: Any, seed: int) -> Any:
        return make(name, search_space, seed, num_initial=0, flaw=name)


@pytest.mark.parametrize(
    ("flaw", "test", "words"),
    [
        ("seed", "another_seed_is_another_run", "seed does not depend on its seed"),
        ("two", "failed_trials", "two proposes what has failed for ever"),
        ("pending", "trials_in_parallel", "pending proposes what is pending"),
        ("short", "every_proposal_is_in_the_space", r"must form an n x 7 .* got shape \(1, 6\)"),
        ("range", "every_proposal_is_in_the_space", "where cell 'own' allows 0 to 2"),
    ],
)
def test_flaws_are_found(flaw: str, test: str, words: str) -> None:
    register(flaw)
    with pytest.raises(Exception, match=words):
        getattr(Examination(), f"test_{test}")(flaw, CELL)


def test_counts_that_are_none_are_refused() -> None:
    register("counts", type("Wrong", (Counts,), {"first": 9}), num_initial=0)
    with pytest.raises(Exception, match="sum"):
        make_client(CELL, "counts").get_next_trials(1)
