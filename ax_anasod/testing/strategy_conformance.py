"""The tests that every strategy must pass on every cell."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod import cells
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace, architecture_of
from ax_anasod.exceptions import OptionalImportError, OptionError
from ax_anasod.experiment import make_experiment, make_search_space
from ax_anasod.generation_strategy import STRATEGIES, get, make
from ax_anasod.objectives import Limit
from ax_anasod.testing.objective import SyntheticObjective
from ax_anasod.typing import Codes

if TYPE_CHECKING:
    import pytest

_SEED: Final = 3
_NUM_TRIALS: Final = 5
_SAVED_AFTER: Final = 3
_METRIC: Final = "error"


def built_in_cells() -> list[Cell]:
    """Every built-in cell, and one of the kind that users define, with a wiring choice."""
    own = Cell("own", operations=["conv 3x3", "pool", "skip"], num_blocks=4, wiring=[2])
    # Some cells have two names.
    return [*dict.fromkeys(map(cells.get, cells.names())), own]


class Rounds:
    """An Ax ``Client`` with a strategy, asked for trials and told their errors.

    Args:
        search_space: What is searched.
        strategy: The strategy.
        seed: The seed of the run.
        objectives: Names of what is minimised.
        limits: What trials must keep, such as ``"cost <= 50"``.
    """

    def __init__(
        self,
        search_space: AnasodSearchSpace | CellSearchSpace,
        strategy: GenerationStrategy,
        seed: int = 0,
        objectives: Sequence[str] = (_METRIC,),
        limits: Sequence[str] = (),
    ) -> None:
        self.search_space = search_space
        names = (*objectives, *(Limit.parse(limit).name for limit in limits))
        self.values = {
            name: SyntheticObjective(search_space.cell, number) for number, name in enumerate(names)
        }
        self.client = Client()
        self.client.set_experiment(
            make_experiment(search_space, objectives, limits=limits, seed=seed)
        )
        self.client.set_generation_strategy(strategy)

    def ask(self, n: int = 1) -> dict[int, dict[str, Any]]:
        """Ask for ``n`` trials: index -> parameters."""
        trials = self.client.get_next_trials(max_trials=n)
        return {index: dict(parameters) for index, parameters in trials.items()}

    def tell(self, trials: dict[int, dict[str, Any]]) -> None:
        """Complete trials with the values of their architectures."""
        for index in trials:
            code = self.code(index)[None]
            values = {name: float(of(code)[0]) for name, of in self.values.items()}
            self.client.complete_trial(index, raw_data={**values})

    def fail(self, trials: Iterable[int]) -> None:
        """Mark the trials with these indices as failed."""
        for index in trials:
            self.client.mark_trial_failed(index)

    def abandon(self, trials: Iterable[int]) -> None:
        """Mark the trials with these indices as abandoned."""
        for index in trials:
            self.client.mark_trial_abandoned(index)

    def run(self, n: int) -> list[dict[str, Any]]:
        """Run ``n`` trials one after another; their parameters."""
        proposed: list[dict[str, Any]] = []
        for _ in range(n):
            trials = self.ask()
            self.tell(trials)
            proposed += trials.values()
        return proposed

    def code(self, index: int) -> Codes:
        """The architecture of a trial, a code ``d``."""
        return architecture_of(self.client, index).code

    def reloaded(self) -> Self:
        """The same, saved to JSON and loaded again."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "client.json")
            self.client.save_to_json_file(path)
            other = type(self).__new__(type(self))
            other.__dict__.update(self.__dict__)
            with warnings.catch_warnings():
                # Ax makes the limits that it reads in its own old way.
                warnings.filterwarnings("ignore", "Passing `metric`", DeprecationWarning)
                other.client = Client.load_from_json_file(path)
        return other


class StrategyConformance:
    """A strategy's examination: a pytest class that yours inherits.

    By default the names are those of registered strategies. For a strategy of your own,
    override :meth:`make_search_space` and :meth:`make_strategy`; the names are then yours.

    Every test runs on every pair of a name and a cell. A strategy whose optional package is
    missing is skipped.

    Attributes:
        names: The strategies.
        cells: The cells; all built-in ones, and one with a wiring choice of its own.
        options: Options for all of them that have such an option. The default makes models
            start early and train often and briefly, so that few trials suffice.

    Example:
        Everything that a user's test file needs::

            class TestMine(StrategyConformance):
                names = ["mine"]
                cells = [cells.load("my_cell.toml")]

                def make_search_space(self, name, cell):
                    return CellSearchSpace.from_cell(cell)

                def make_strategy(self, name, search_space, seed):
                    return my_generation_strategy(search_space, seed)
    """

    names: ClassVar[Sequence[str]]
    cells: ClassVar[Sequence[Cell]] = built_in_cells()
    options: ClassVar[dict[str, Any]] = {"num_initial": 2, "trials_per_fit": 2, "num_epochs": 20}

    _references: ClassVar[dict[tuple[type, str, Cell], list[dict[str, Any]]]] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run all tests on one name and cell, then on the next."""
        names = [cell.name for cell in self.cells]
        if "joint_cell" in metafunc.fixturenames:
            # What is beside a cell is searched in the same way on all of them.
            metafunc.parametrize("joint_cell", self.cells[-1:], ids=names[-1:], scope="class")
            joint = [name for name in self.names if name in STRATEGIES and get(name).joint]
            metafunc.parametrize("name", joint, scope="class")
            return
        metafunc.parametrize("cell", self.cells, ids=names, scope="class")
        metafunc.parametrize("name", self.names, scope="class")

    def make_search_space(self, name: str, cell: Cell) -> AnasodSearchSpace | CellSearchSpace:
        """The search space that a strategy needs."""
        return make_search_space(cell, name)

    def make_strategy(
        self, name: str, search_space: AnasodSearchSpace | CellSearchSpace, seed: int
    ) -> GenerationStrategy:
        """The strategy, new."""
        known = get(name).options
        options = {option: value for option, value in self.options.items() if option in known}
        return make(name, search_space, seed, **options)

    def make_joint_space(self, name: str, cell: Cell) -> AnasodSearchSpace | CellSearchSpace:
        """A search space with parameters beside the cell, of each kind."""
        parameters: list[RangeParameterConfig | ChoiceParameterConfig] = [
            RangeParameterConfig("rate", (1e-4, 1.0), "float", scaling="log"),
            RangeParameterConfig("width", (4, 16), "int"),
            ChoiceParameterConfig("kind", ["a", "b", "c"], "str", is_ordered=False),
            ChoiceParameterConfig("batch", [8, 16, 32], "int", is_ordered=True),
            ChoiceParameterConfig("epochs", [3], "int"),
        ]
        return make_search_space(cell, name, parameters, ["width <= 14"])

    def rounds(
        self,
        name: str,
        cell: Cell,
        seed: int = _SEED,
        objectives: Sequence[str] = (_METRIC,),
        limits: Sequence[str] = (),
        search_space: AnasodSearchSpace | CellSearchSpace | None = None,
    ) -> Rounds:
        """A new run of a strategy, on its space by default."""
        import pytest

        search_space = search_space or self.make_search_space(name, cell)
        try:
            strategy = self.make_strategy(name, search_space, seed)
        except OptionalImportError as error:
            pytest.skip(str(error))
        return Rounds(search_space, strategy, seed, objectives, limits)

    def reference(self, name: str, cell: Cell) -> list[dict[str, Any]]:
        """The parameters of a run from the first trial to the last, run once."""
        key = (type(self), name, cell)
        if key not in self._references:
            self._references[key] = self.rounds(name, cell).run(_NUM_TRIALS)
        return self._references[key]

    def test_every_proposal_is_in_the_space(self, name: str, cell: Cell) -> None:
        """A run stays inside the search space."""
        search_space = self.make_search_space(name, cell)
        for parameters in self.reference(name, cell):
            search_space.check_membership(parameters, raise_error=True)

    def test_another_seed_is_another_run(self, name: str, cell: Cell) -> None:
        """The seed matters, and nothing else random does."""
        other = self.rounds(name, cell, _SEED + 1).run(3)
        assert other != self.reference(name, cell)[:3], f"{name} does not depend on its seed"

    def test_loaded_run_goes_on_as_if_never_saved(self, name: str, cell: Cell) -> None:
        """A run with the same seed, saved and loaded on the way, is the same run.

        Two trials follow: with the default options one of the round of trials in which it was
        saved, and the first of the next.
        """
        rounds = self.rounds(name, cell)
        proposed = rounds.run(_SAVED_AFTER)
        proposed += rounds.reloaded().run(_NUM_TRIALS - _SAVED_AFTER)
        reference = self.reference(name, cell)
        different = [i for i, (p, r) in enumerate(zip(proposed, reference, strict=True)) if p != r]
        assert not different, f"trials {different} of {name} differ (loaded after {_SAVED_AFTER})"

    def test_trials_in_parallel(self, name: str, cell: Cell) -> None:
        """Trials may end in any order while others run; what is pending is saved, too."""
        rounds = self.rounds(name, cell)
        first = rounds.ask(5)
        assert len(first) == 5, f"{name} proposed {len(first)} of 5 trials"
        assert any(p != first[0] for p in first.values()), f"{name} proposes what is pending"
        for index in (4, 1, 3, 0):
            rounds.tell({index: first[index]})
        saved = rounds.reloaded()
        second = rounds.ask(2)
        for parameters in [*first.values(), *second.values()]:
            rounds.search_space.check_membership(parameters, raise_error=True)
        assert saved.ask(2) == second, f"{name} goes on differently after it was loaded"

    def test_a_joint_space(self, name: str, joint_cell: Cell) -> None:
        """A strategy that searches hyperparameters proposes a value of each in every trial.

        Pending, failed and abandoned trials, and a run that is saved and loaded, as above.
        """
        space = self.make_joint_space(name, joint_cell)
        rounds = self.rounds(name, joint_cell, search_space=space)
        proposed = rounds.run(_SAVED_AFTER)
        first = rounds.ask(4)
        rounds.tell({index: first[index] for index in [*first][1:2]})
        rounds.fail([*first][:1])
        rounds.abandon([*first][2:3])
        saved = rounds.reloaded()
        second = rounds.ask(2)
        assert saved.ask(2) == second, f"{name} goes on differently after it was loaded"
        proposed += [*first.values(), *second.values()]
        for parameters in proposed:
            space.check_membership(parameters, raise_error=True)
        names = space.hyperparameters.places
        settings = {tuple(parameters[n] for n in names) for parameters in proposed}
        assert len(settings) > 3, f"{name} proposes few settings: {settings}"

    def test_failed_trials(self, name: str, cell: Cell) -> None:
        """A run goes on after failed and abandoned trials, the first ones included."""
        rounds = self.rounds(name, cell)
        rounds.fail(rounds.ask())
        rounds.run(2)
        trials = rounds.ask()
        rounds.abandon(trials)
        for _ in range(3):
            trials |= (failed := rounds.ask())
            rounds.fail(failed)
        # An encoding that is proposed again stands for another architecture.
        different = {tuple(rounds.code(i).tolist()) for i in trials}
        assert len(different) > 2, f"{name} proposes what has failed for ever"
        for parameters in rounds.run(1):
            rounds.search_space.check_membership(parameters, raise_error=True)

    def test_a_front_under_a_limit(self, name: str, cell: Cell) -> None:
        """Two objectives and a limit are searched exactly, or refused before the first trial."""
        rounds = self.rounds(name, cell, objectives=("error", "size"), limits=("cost <= 50",))
        try:
            first = rounds.ask()
        except OptionError:
            return
        rounds.tell(first)
        rounds.run(_SAVED_AFTER - 1)
        saved = rounds.reloaded()
        proposed = rounds.run(_NUM_TRIALS - _SAVED_AFTER)
        for parameters in proposed:
            rounds.search_space.check_membership(parameters, raise_error=True)
        assert saved.run(len(proposed)) == proposed, f"{name} goes on differently after a reload"

    def test_a_front_under_a_limit_in_a_joint_space(self, name: str, joint_cell: Cell) -> None:
        """Fronts under a limit in a joint space, after a failed and a pending trial."""
        space = self.make_joint_space(name, joint_cell)
        names, limits = ("error", "size"), ("cost <= 50",)
        rounds = self.rounds(name, joint_cell, _SEED, names, limits, space)
        try:
            first = rounds.ask()
        except OptionError:
            return
        rounds.tell(first)
        rounds.run(1)
        waiting = rounds.ask(2)
        rounds.fail([*waiting][:1])
        saved = rounds.reloaded()
        (proposed,) = rounds.run(1)
        for parameters in (*waiting.values(), proposed):
            space.check_membership(parameters, raise_error=True)
        assert saved.run(1) == [proposed], f"{name} goes on differently after a reload"
