"""Any strategy starts from what a differentiable search has found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from ax.api.client import Client
from ax.generation_strategy.generation_strategy import GenerationStrategy

from ax_anasod import cells
from ax_anasod._ax import experiment_of, nodes_of, strategy_of
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.dnas.result import FOUND, OneShotResult
from ax_anasod.exceptions import OptionError, RunError
from ax_anasod.experiment import make_client
from ax_anasod.generation_strategy import Start, get, make
from ax_anasod.storage import close_database, storage_config
from ax_anasod.storage.database import write_database
from ax_anasod.testing import StrategyConformance

NB201 = cells.get("nas-bench-201")
OWN = Cell("own", operations=["conv", "pool", "skip"], num_blocks=4, wiring=[2])


def found_for(cell: Cell, number: int = 8) -> OneShotResult:
    """So many cells, and most of p on the second operation."""
    rest = 0.2 / (cell.num_operations - 1)
    shares = [0.8 if i == 1 else rest for i in range(cell.num_operations)]
    codes = cell.sample(number, np.random.default_rng(0))
    return OneShotResult(cell, "anasod-dnas", 0, (tuple(shares),), tuple(cell.to_strings(codes)))


FOUND_NB201 = found_for(NB201)


def first_trials(client: Client, n: int) -> list[str]:
    space: Any = experiment_of(client).search_space
    trials = client.get_next_trials(n)
    return [str(space.decode(parameters, 0, index)) for index, parameters in trials.items()]


@pytest.mark.slow
class TestStartedStrategies(StrategyConformance):
    """What every strategy must do, from a start."""

    names = ("two-level-bo", "anasod-bo", "local-search", "anasod-biased-random")
    cells: ClassVar[list[Cell]] = [OWN]

    def make_strategy(
        self, name: str, search_space: AnasodSearchSpace | CellSearchSpace, seed: int
    ) -> GenerationStrategy:
        # The third trial is a draw, so that the seed matters.
        start = Start(found_for(search_space.cell), cells=2)
        options = {"num_initial": 3} if hasattr(get(name).options, "num_initial") else {}
        return make(name, search_space, seed, start=start, **options)


class TestFirstTrials:
    @pytest.mark.parametrize(
        ("strategy", "nodes"),
        [
            ("two-level-bo", ["initial", "two-level-bo"]),
            ("nas-bowl", ["initial", "nas-bowl"]),
            ("random", ["random"]),
            ("local-search", ["start", "local-search"]),
            ("regularized-evolution", ["start", "regularized-evolution"]),
            ("reinforce", ["start", "reinforce"]),
            ("anasod-local-search", ["start", "anasod-local-search"]),
        ],
    )
    def test_of_architectures_are_the_best_cells(self, strategy: str, nodes: list[str]) -> None:
        client = make_client(NB201, strategy, start=Start(FOUND_NB201, cells=5))

        trials = first_trials(client, 7)

        assert trials[:5] == list(FOUND_NB201.architectures[:5])
        assert len(set(trials)) == 7
        assert not {*trials[5:]} & {*FOUND_NB201.architectures[:5]}
        assert [node.name for node in nodes_of(strategy_of(client))] == nodes

    @pytest.mark.parametrize(
        ("strategy", "nodes"),
        [
            ("anasod-bo", ["initial", "anasod-bo"]),
            ("anasod-random", ["anasod-random"]),
            ("anasod-biased-random", ["start", "anasod-biased-random"]),
        ],
    )
    def test_of_encodings_are_the_counts_of_the_best_cells(
        self, strategy: str, nodes: list[str]
    ) -> None:
        texts = ["|{0}~0|+|{0}~0|{0}~1|+|{0}~0|{0}~1|{1}~2|"]
        conv, skip = "nor_conv_3x3", "skip_connect"
        first = texts[0].format(conv, skip)
        # The same counts: it is no encoding of its own.
        second = f"|{skip}~0|+" + texts[0].format(conv, conv).split("+", 1)[1]
        third = texts[0].format(conv, conv)
        found = replace(FOUND_NB201, architectures=(first, second, third))
        client = make_client(NB201, strategy, start=Start(found, cells=2))

        trials = list(client.get_next_trials(4).values())

        assert [(t["n_nor_conv_3x3"], t["n_skip_connect"]) for t in trials[:2]] == [(5, 1), (6, 0)]
        assert len({tuple(t.values()) for t in trials}) == 4
        assert [node.name for node in nodes_of(strategy_of(client))] == nodes

    def test_are_as_many_as_the_strategy_has_without_a_start(self) -> None:
        client = make_client(NB201, "regularized-evolution", start=FOUND_NB201, num_initial=7)
        for index in client.get_next_trials(7):
            client.complete_trial(index, {"error": 1.0 + index})

        client.get_next_trials(1)

        names = [t.generator_run._generation_node_name for t in trials_of(client)]
        assert names == ["start"] * 7 + ["regularized-evolution"]

    def test_are_as_many_cells_as_asked_for(self) -> None:
        for start, number in ((Start(FOUND_NB201, cells=2), 2), (FOUND_NB201, 1)):
            client = make_client(NB201, "two-level-bo", start=start)

            trials = first_trials(client, 4)

            assert trials[:number] == list(FOUND_NB201.architectures[:number])
            assert trials[number] != FOUND_NB201.architectures[number]

    def test_that_a_user_attached_are_not_proposed_again(self) -> None:
        client = make_client(NB201, "two-level-bo", start=Start(FOUND_NB201, cells=5))
        codes = NB201.from_strings(FOUND_NB201.architectures[1:2])
        client.attach_trial(CellSearchSpace.from_cell(NB201).parameterizations(codes)[0])

        trials = first_trials(client, 4)

        wanted = [FOUND_NB201.architectures[i] for i in (0, 2, 3, 4)]
        assert trials == wanted

    def test_are_only_cells_that_a_table_has(self) -> None:
        present = NB201.from_strings(FOUND_NB201.architectures[2:])
        start = Start(FOUND_NB201, cells=5)
        client = make_client(RestrictedCell(NB201, present), "two-level-bo", start=start)

        trials = first_trials(client, 6)

        assert trials[:5] == list(FOUND_NB201.architectures[2:7])
        assert trials[5] == FOUND_NB201.architectures[7]

    def test_of_a_strategy_for_one_objective_refuse_several(self) -> None:
        for strategy in ("nas-bowl", "tpe"):
            with pytest.raises(OptionError):
                make_client(NB201, strategy, objectives=["a1", "b"], start=FOUND_NB201)
        client = make_client(NB201, "random", objectives=["a1", "b"], start=FOUND_NB201)
        assert first_trials(client, 1) == [FOUND_NB201.architectures[0]]


def trials_of(client: Client) -> list[Any]:
    return [trial for _, trial in sorted(experiment_of(client).trials.items())]


class TestStored:
    @pytest.mark.parametrize("strategy", ["two-level-bo", "reinforce"])
    def test_a_database_goes_on_without_the_folder(self, tmp_path: Path, strategy: str) -> None:
        folder = tmp_path / "dnas"
        FOUND_NB201.write(folder / FOUND)
        client = make_client(NB201, strategy, start=folder, name="mine")
        for index in client.get_next_trials(3):
            client.complete_trial(index, {"error": 1.0 + index})
        path = tmp_path / "experiment.db"
        write_database(path, experiment_of(client), strategy_of(client))
        (folder / FOUND).unlink()

        loaded = Client.load_from_database("mine", storage_config(path))
        further = first_trials(loaded, 6)
        close_database()

        assert further == first_trials(client, 6)

    def test_trials_do_not_repeat_the_start(self) -> None:
        client = make_client(NB201, "two-level-bo", start=FOUND_NB201)
        client.get_next_trials(1)

        stored = trials_of(client)[0].generator_run._generator_kwargs

        assert "start" not in stored
        assert "seed" in stored


class TestStart:
    def test_a_result_a_file_and_a_folder_are_the_same(self, tmp_path: Path) -> None:
        FOUND_NB201.write(tmp_path / FOUND)
        places = (FOUND_NB201, tmp_path, str(tmp_path), tmp_path / FOUND, Start(FOUND_NB201))

        assert {Start.of(place).found for place in places} == {FOUND_NB201}

    def test_it_is_stored_whole(self) -> None:
        start = Start(FOUND_NB201, cells=3, uniform=0.1, source="runs/d")

        assert Start.from_dict(start.to_dict()) == start
        assert start.words == {"from": "runs/d", "from_cells": 3, "from_uniform": 0.1}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"cells": -1}, "cells must be at least 0, got -1"),
            ({"cells": 1.5}, "cells must be a whole number, got 1.5"),
            (
                {"uniform": 0.0},
                "uniform must be above 0 and at most 1, got 0.0",
            ),
            ({"uniform": 1.1}, "got 1.1"),
            ({"uniform": float("nan")}, "got nan"),
            ({"found": "runs/d"}, "found must be of OneShotResult, got 'runs/d'"),
        ],
    )
    def test_what_is_out_of_range_is_refused(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(OptionError, match=message):
            Start(**{"found": FOUND_NB201, **arguments})

    @pytest.mark.parametrize(
        ("stored", "message"),
        [
            ({"found": FOUND_NB201.to_dict(), "cell": 3}, "unknown option 'cell'"),
            ({"cells": 3}, "damaged: 'found'"),
            ("runs/d", "is damaged"),
            ({"found": {}}, "the start is no result of a differentiable search: it has no 'cell'"),
            ({"found": 3}, "the start is no result"),
        ],
    )
    def test_what_was_stored_damaged_is_refused(self, stored: Any, message: str) -> None:
        with pytest.raises(RunError, match=message):
            Start.from_dict(stored)

    @pytest.mark.parametrize("value", [3, {}, [FOUND_NB201], ""])
    def test_what_is_no_result_is_refused(self, value: Any) -> None:
        with pytest.raises(OptionError, match=r"start is .*, which is no result.*found\.json"):
            make_client(NB201, "random", start=value)

    def test_a_folder_without_a_result_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RunError):
            make_client(NB201, "random", start=tmp_path)
        with pytest.raises(RunError):
            make_client(NB201, "random", start=tmp_path / "none")

    @pytest.mark.parametrize(
        ("cell", "message"),
        [
            (cells.get("darts"), "which differ in operations"),
            (
                Cell("own", ["conv", "skip", "pool"], 4, [2]),
                r"operations: \('conv', 'skip', 'pool'",
            ),
            (Cell("own", ["conv", "pool", "skip"], 5, [2]), "num_blocks: 5, not 4"),
            (Cell("own", ["conv", "pool", "skip"], 4, [3]), r"wiring: \(3,\), not \(2,\)"),
            (Cell("own", ["conv", "pool", "skip"], 4), r"wiring: \(\), not \(2,\)"),
            (Cell("own", ["conv", "pool", "skip"], 4, [2], parts=2), "parts: 2, not 1"),
        ],
        ids=["darts", "order", "blocks", "alternatives", "wiring", "parts"],
    )
    def test_another_cell_is_refused(self, cell: Cell, message: str) -> None:
        for strategy in ("two-level-bo", "anasod-bo"):
            with pytest.raises(OptionError, match=f"the search of cell 'own'.*{message}"):
                make_client(OWN, strategy, start=found_for(cell))

    def test_the_same_cell_under_another_name_is_not(self) -> None:
        other = Cell("other", ["conv", "pool", "skip"], 4, [2])

        client = make_client(OWN, "random", start=found_for(other))

        assert first_trials(client, 1) == [found_for(OWN).architectures[0]]

    def test_a_wrong_number_of_distributions_is_refused(self) -> None:
        found = replace(FOUND_NB201, probabilities=FOUND_NB201.probabilities * 4)

        with pytest.raises(OptionError, match="has 4 distributions.* can have 1 or 6"):
            make_client(NB201, "random", start=found)
