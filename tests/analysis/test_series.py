from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from ax.api.client import Client
from ax.api.configs import RangeParameterConfig
from ax.core.arm import Arm
from ax.core.experiment import Experiment
from ax.core.search_space import SearchSpace
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod._ax import experiment_of
from ax_anasod.analysis.series import SearchSeries, by_objective
from ax_anasod.cells import Cell
from ax_anasod.core import AnasodSearchSpace, CellSearchSpace
from ax_anasod.exceptions import OptionError, UnknownNameError
from ax_anasod.experiment import make_client


def make_series(
    values: np.ndarray, minimize: tuple[bool, ...], failed: np.ndarray | None = None
) -> SearchSeries:
    n = len(values)
    return SearchSeries(
        cell=Cell("two", operations=["a", "b"], num_blocks=2),
        space="encoding",
        objectives=tuple("xyz"[: len(minimize)]),
        minimize=minimize,
        trial_indices=np.arange(n),
        values=values,
        failed=np.zeros(n, dtype=bool) if failed is None else failed,
        feasible=~np.isnan(values).any(axis=1),
        thresholds=(np.nan,) * len(minimize),
        counts=np.tile([1, 1], (n, 1)),
        statuses=("completed",) * n,
        nodes=("node",) * n,
        parameters=({"n_a": 1, "n_b": 1},) * n,
    )


value_rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)


class TestReading:
    def test_values_counts_and_incumbent(self, run, small_cell):
        client = run([5.0, None, 3.0, 4.0, 3.0])
        series = SearchSeries.from_experiment(experiment_of(client))
        assert series.objectives == ("error",)
        assert series.minimize == (True,)
        assert series.trial_indices.tolist() == [0, 1, 2, 3, 4]
        np.testing.assert_array_equal(series.values[:, 0], [5, np.nan, 3, 4, 3])
        assert series.failed.tolist() == [False, True, False, False, False]
        assert series.statuses[:2] == ("completed", "failed")
        assert set(series.nodes) == {"anasod-random"}
        expected = [
            list(t.arms[0].parameters.values()) for t in experiment_of(client).trials.values()
        ]
        assert series.counts.tolist() == expected
        np.testing.assert_allclose(series.shares, np.array(expected) / small_cell.total)
        assert series.incumbent().tolist() == [5, 5, 3, 3, 3]
        assert series.best() == 2

    def test_counts_of_architectures_are_their_encodings(self, search_cora, cora):
        client = search_cora(4, strategy="random")
        series = SearchSeries.from_experiment(experiment_of(client))
        space = CellSearchSpace.from_cell(cora.cell)
        codes = [space.code(t.arms[0].parameters) for t in experiment_of(client).trials.values()]
        assert series.space == "architecture"
        np.testing.assert_array_equal(series.counts, cora.cell.encode(np.array(codes)))
        np.testing.assert_allclose(series.shares.sum(axis=1), 1)

    def test_running_trials_have_no_value(self, run):
        client = run([5.0])
        client.get_next_trials(2)
        series = SearchSeries.from_experiment(experiment_of(client))
        assert series.statuses == ("completed", "running", "running")
        assert series.observed.tolist() == [True, False, False]
        assert series.incumbent().tolist() == [5, 5, 5]

    def test_no_trials(self, run):
        series = SearchSeries.from_experiment(experiment_of(run([])))
        assert series.num_trials == 0
        assert series.incumbent().shape == (0,)
        assert series.best() is None
        assert series.pareto_front().tolist() == []

    def test_attached_trials_are_named_so(self, run):
        client = run([5.0])
        client.attach_trial({"n_conv": 4, "n_pool": 0, "n_skip": 0})
        assert SearchSeries.from_experiment(experiment_of(client)).nodes == (
            "anasod-random",
            "attached",
        )

    def test_several_arms_of_one_trial_stand_side_by_side(self, run):
        experiment = experiment_of(run([5.0]))
        trial = experiment.new_batch_trial()
        for arm in ((4, 0, 0), (0, 4, 0)):
            trial.add_arm(_arm(arm))
        series = SearchSeries.from_experiment(experiment)
        assert series.trial_indices.tolist() == [0, 1, 1]
        assert series.positions.tolist() == [0, 1, 2]

    def test_a_plain_search_space_with_our_properties_will_do(self, run, small_cell):
        experiment = experiment_of(run([5.0, 4.0]))
        before = SearchSeries.from_experiment(experiment)
        # What Ax's own decoder makes of our space when it loads a database.
        experiment._search_space = SearchSpace(
            list(experiment.search_space.parameters.values()),
            experiment.search_space.parameter_constraints,
        )
        after = SearchSeries.from_experiment(experiment)
        np.testing.assert_array_equal(after.counts, before.counts)
        assert after.cell.to_dict() == small_cell.to_dict()

    def test_arms_off_the_grid_are_left_out_everywhere(self, run):
        experiment = experiment_of(run([5.0, 4.0]))
        # A plain search space without the constraint takes any counts.
        experiment._search_space = SearchSpace(list(experiment.search_space.parameters.values()))
        experiment.new_trial().add_arm(_arm((0, 0, 0)))
        series = SearchSeries.from_experiment(experiment)
        assert {len(series.values), len(series.statuses), len(series.nodes)} == {2}
        assert len(series.parameters) == 2

    def test_a_foreign_experiment_is_refused(self):
        client = Client()
        client.configure_experiment(
            [RangeParameterConfig(name="x", parameter_type="float", bounds=(0, 1))]
        )
        with pytest.raises(OptionError):
            SearchSeries.from_experiment(experiment_of(client))

    def test_an_experiment_without_objective_is_refused(self, small_cell):
        experiment = Experiment(
            name="aimless", search_space=AnasodSearchSpace.from_cell(small_cell)
        )
        with pytest.raises(OptionError, match="'aimless' has no objective"):
            SearchSeries.from_experiment(experiment)

    def test_a_value_that_is_no_number_is_a_failure(self, run):
        series = SearchSeries.from_experiment(experiment_of(run([1.0, float("inf")])))
        assert series.failed.tolist() == [False, True]
        assert np.isnan(series.values[1, 0])


def _arm(counts):
    return Arm(dict(zip(("n_conv", "n_pool", "n_skip"), counts, strict=True)))


class TestIncumbent:
    @given(st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=15), st.booleans())
    def test_is_the_best_so_far(self, values, minimize):
        column = np.array([np.nan if v is None else float(v) for v in values]).reshape(-1, 1)
        series = make_series(column, (minimize,))
        best = min if minimize else max
        expected = accumulate(
            ([] if v is None else [v] for v in values),
            lambda seen, new: [best(seen + new)] if seen + new else [],
        )
        found = [[] if np.isnan(v) else [v] for v in series.incumbent()]
        assert found == list(expected)

    @given(st.lists(st.integers(0, 3), min_size=1, max_size=15), st.booleans())
    def test_the_best_row_is_the_earliest_with_the_last_incumbent(self, values, minimize):
        series = make_series(np.array(values, dtype=float).reshape(-1, 1), (minimize,))
        assert series.best() == values.index((min if minimize else max)(values))

    def test_an_objective_is_named(self):
        series = make_series(np.array([[1.0, 2.0], [2.0, 1.0]]), (True, True))
        assert (series.best("x"), series.best("y")) == (0, 1)
        with pytest.raises(UnknownNameError):
            series.best("q")


class TestParetoFront:
    @given(value_rows, st.tuples(st.booleans(), st.booleans()))
    def test_agrees_with_the_definition(self, rows, minimize):
        signs = np.where(minimize, 1, -1)
        series = make_series(np.array(rows, dtype=float).reshape(-1, 2), minimize)
        costs = [tuple(signs * row) for row in rows]

        def beats(a, b):
            return a != b and all(x <= y for x, y in zip(a, b, strict=True))

        expected = {
            i
            for i, cost in enumerate(costs)
            if not any(beats(other, cost) for other in costs) and costs.index(cost) == i
        }
        front = series.pareto_front().tolist()
        assert set(front) == expected
        assert [rows[i][0] for i in front] == sorted(rows[i][0] for i in front)

    def test_needs_all_objectives(self):
        series = make_series(np.array([[1.0, np.nan], [2.0, 1.0]]), (True, True))
        assert series.pareto_front().tolist() == [1]

    @given(value_rows, st.tuples(st.booleans(), st.booleans()))
    def test_holds_the_best_trial_of_each_objective(self, rows, minimize):
        series = make_series(np.array(rows, dtype=float).reshape(-1, 2), minimize)
        front = series.pareto_front().tolist()
        for objective in ("x", "y"):
            best = series.best(objective)
            assert (best in front) if rows else (best is None)

    def test_is_the_best_trial_of_one_objective(self):
        series = make_series(np.array([[2.0], [1.0], [1.0]]), (True,))
        assert series.pareto_front().tolist() == [1]


def test_encoding_text_leaves_zeros_out(run, small_cell):
    client = make_client(small_cell, "anasod-random")
    client.attach_trial({"n_conv": 3, "n_pool": 0, "n_skip": 1})
    assert SearchSeries.from_experiment(experiment_of(client)).encoding_text(0) == "3 conv, 1 skip"


def test_a_single_value_belongs_to_the_first_objective():
    assert by_objective(1.5, ["a", "b"]) == {"a": 1.5}
    assert by_objective({"b": 2.0}, ["a", "b"]) == {"b": 2.0}
