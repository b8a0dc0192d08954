"""The examination fails strategies that deserve it; rounds of a strategy on an Ax experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from ax.adapter.registry import GeneratorRegistryBase, GeneratorSetup
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.storage.json_store.registry import CORE_DECODER_REGISTRY

from ax_anasod import cells
from ax_anasod._ax import experiment_of
from ax_anasod.adapter import HistoryAdapter
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, History
from ax_anasod.exceptions import AnasodError, OptionalImportError
from ax_anasod.generation_strategy import make
from ax_anasod.generation_strategy.nodes import node
from ax_anasod.generators import RandomArchitectureGenerator
from ax_anasod.testing import Rounds, StrategyConformance, SyntheticObjective

CELL = Cell("own", operations=["conv", "pool", "skip"], num_blocks=4, wiring=[2])
Codes = npt.NDArray[np.int64]
NB201 = cells.get("nas-bench-201")


class Outside(RandomArchitectureGenerator):
    """Proposes an operation that the cell does not have."""

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        return super().propose(n, history, fixed) * 0 - 4


class Deaf(RandomArchitectureGenerator):
    """Does not listen to its seed."""

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        return self.cell.sample(n, np.random.default_rng(history.position))


class Stateful(RandomArchitectureGenerator):
    """Keeps a state that is not stored: how often any of them was asked."""

    calls = 0

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        Stateful.calls += 1
        return self.cell.sample(n, np.random.default_rng([self.seed, Stateful.calls]))


class Stubborn(RandomArchitectureGenerator):
    """Proposes the same until it has succeeded."""

    def propose(self, n: int, history: History, fixed: Mapping[int, int]) -> Codes:
        position = int(history.observed.sum())
        return self.cell.sample(n, np.random.default_rng([self.seed, position]))


GENERATORS = {kind.__name__: kind for kind in (Outside, Deaf, Stateful, Stubborn)}


class Generators(GeneratorRegistryBase):
    OUTSIDE = "Outside"
    DEAF = "Deaf"
    STATEFUL = "Stateful"
    STUBBORN = "Stubborn"

    @property
    def GENERATOR_KEY_TO_GENERATOR_SETUP(self) -> dict[str, GeneratorSetup]:  # noqa: N802
        return {
            name: GeneratorSetup(adapter_class=HistoryAdapter, generator_class=kind, transforms=[])
            for name, kind in GENERATORS.items()
        }


class Case(StrategyConformance):
    names = tuple(GENERATORS)
    cells = (CELL,)

    def make_search_space(self, name: str, cell: Cell) -> CellSearchSpace:
        return CellSearchSpace.from_cell(cell)

    def make_strategy(self, name: str, search_space: Any, seed: int) -> GenerationStrategy:
        kwargs = {"cell": search_space.cell.to_dict(), "seed": seed}
        return GenerationStrategy(name=name, nodes=[node(name, Generators(name), kwargs)])


@pytest.fixture(autouse=True)
def _known_to_ax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CORE_DECODER_REGISTRY, "Generators", Generators)


def test_proposals_outside_the_space_fail() -> None:
    with pytest.raises((AnasodError, ValueError, IndexError)):
        Case().test_every_proposal_is_in_the_space("Outside", CELL)


@pytest.mark.parametrize(
    ("examine", "flawed", "words"),
    [
        (Case.test_another_seed_is_another_run, "Deaf", "Deaf does not depend on its seed"),
        (Case.test_loaded_run_goes_on_as_if_never_saved, "Stateful", "of Stateful differ"),
        (Case.test_trials_in_parallel, "Stateful", "Stateful goes on differently"),
        (Case.test_trials_in_parallel, "Stubborn", "Stubborn proposes what is pending"),
        (Case.test_failed_trials, "Stubborn", "proposes what has failed for ever"),
    ],
)
def test_flaws_are_found(examine: Callable[..., None], flawed: str, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        examine(Case(), flawed, CELL)


def test_a_missing_package_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise OptionalImportError("nothing", "baselines")

    monkeypatch.setattr(Case, "make_strategy", missing)

    with pytest.raises(pytest.skip.Exception, match="'nothing' is not installed"):
        Case().rounds("Deaf", CELL)


def test_every_pair_of_a_name_and_a_cell_is_examined(pytester_like: list[str]) -> None:
    tests = [name for name in dir(StrategyConformance) if name.startswith("test_")]

    # Of these none searches what is beside a cell.
    of_cells = [name for name in tests if "joint_space" not in name]
    examined = [name for name in pytester_like if "joint_space" not in name]
    assert len(examined) == len(of_cells) * len(GENERATORS)
    assert len(of_cells) == len(tests) - 2


@pytest.fixture
def pytester_like(request: pytest.FixtureRequest) -> list[str]:
    """The tests that pytest finds in the case."""
    module = request.node.getparent(pytest.Module)
    collector = pytest.Class.from_parent(module, name="Case", obj=Case)
    return [item.name for item in collector.collect()]


def rounds(name: str = "random", seed: int = 0) -> Rounds:
    space = (AnasodSearchSpace if name.startswith("anasod") else CellSearchSpace).from_cell(NB201)
    return Rounds(space, make(name, space, seed), seed)


def test_trials_are_told_the_error_of_their_architecture() -> None:
    run = rounds("anasod-random")

    (parameters,) = run.run(1)

    error = SyntheticObjective(NB201)(run.code(0)[None])[0]
    data = experiment_of(run.client).lookup_data().df
    assert data["mean"].tolist() == [error]
    assert NB201.encode(run.code(0)[None])[0].tolist() == list(parameters.values())


def test_failed_and_abandoned_trials() -> None:
    run = rounds()

    run.fail(run.ask())
    run.abandon(run.ask())

    statuses = [trial.status.name for trial in experiment_of(run.client).trials.values()]
    assert statuses == ["FAILED", "ABANDONED"]


def test_a_reloaded_run_goes_its_own_way() -> None:
    run = rounds()
    run.run(2)

    other = run.reloaded()
    other.run(3)

    assert len(experiment_of(run.client).trials) == 2
    assert len(experiment_of(other.client).trials) == 5
    assert other.client is not run.client
    np.testing.assert_array_equal(other.values["error"]._worth, run.values["error"]._worth)
