"""The tests that every benchmark must pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np

from ax_anasod import nasbench
from ax_anasod.exceptions import AnasodError, ArchitectureError, UnknownNameError
from ax_anasod.journal import Failed
from ax_anasod.nasbench import Benchmark
from ax_anasod.objectives import COST, PERCENT
from ax_anasod.runs import Results, Search, plan_run
from ax_anasod.typing import FloatArray, IntArray

_SEED: Final = 3
_NUM_ARCHITECTURES: Final = 24


class BenchmarkConformance:
    """A benchmark's examination: a pytest class that yours inherits.

    Every test asks for the fixture ``benchmark``, which your class defines. A benchmark that
    is to be resumed must be registered (:func:`ax_anasod.nasbench.register_benchmark`).

    Attributes:
        exceeded_percent: Some architecture has a larger error or accuracy than this, in
            percent; 0 for a task that hardly any architecture has not solved.

    Example:
        Everything that a user's test file needs::

            class TestMine(BenchmarkConformance):
                @pytest.fixture
                def benchmark(self):
                    return MyBenchmark("table.csv")
    """

    exceeded_percent: ClassVar[float] = 1.0

    def codes(self, benchmark: Benchmark) -> IntArray:
        """The architectures that are asked for, codes ``n x d``, drawn uniformly."""
        return benchmark.cell.sample(_NUM_ARCHITECTURES, np.random.default_rng(_SEED))

    def ask(self, benchmark: Benchmark, codes: IntArray) -> dict[str, FloatArray]:
        """Query codes ``n x d`` with training seeds, where the benchmark wants them."""
        seeds = benchmark.draw_seeds(codes, np.random.default_rng(_SEED))
        return benchmark.query(codes, seeds)

    def test_quantities_have_names_of_their_own(self, benchmark: Benchmark) -> None:
        """There is something to search, and results can be told apart."""
        quantities = (*benchmark.objectives, *benchmark.reported)
        names = [quantity.name for quantity in quantities]
        assert benchmark.objectives, "there is no objective"
        assert len(set(names)) == len(names), f"two quantities have one name: {names}"
        assert COST not in names, f"{COST!r} is the name of the cost"
        wrong = [q.name for q in quantities if q.name.endswith("_error") and q.unit != PERCENT]
        assert not wrong, f"errors are in {PERCENT}, unlike {wrong}"

    def test_every_quantity_is_answered(self, benchmark: Benchmark) -> None:
        """A query gives one finite number an architecture, errors from 0 to 100."""
        codes = self.codes(benchmark)
        result = self.ask(benchmark, codes)
        quantities = (*benchmark.objectives, *benchmark.reported)
        expected, answered = {q.name for q in quantities}, set(result) - {COST}
        assert answered >= expected, f"no values of {sorted(expected - answered)}"
        assert answered <= expected, (
            f"{sorted(answered - expected)} is neither searched nor reported"
        )
        for name, values in result.items():
            assert isinstance(values, np.ndarray), f"{name} is a {type(values).__name__}, no array"
            assert values.shape == (len(codes),), f"{name} has the shape {values.shape}"
            assert values.dtype == np.float64, f"{name} is of type {values.dtype}"
            assert np.isfinite(values).all(), f"{name} is not finite"
        for quantity in quantities:
            if quantity.unit == PERCENT:
                values = result[quantity.name]
                inside = (values >= 0) & (values <= 100)
                assert inside.all(), f"{quantity.name} is {values[~inside][0]} percent"
                assert values.max() > self.exceeded_percent, (
                    f"no {quantity.name} of {len(codes)} architectures exceeds {values.max():g} "
                    f"percent: it seems to be a fraction (multiply it by 100; if it is none, set "
                    "exceeded_percent in your test class to 0)"
                )
        if COST in result:
            assert (result[COST] > 0).all(), "training takes no time"

    def test_architectures_do_not_depend_on_each_other(self, benchmark: Benchmark) -> None:
        """Values belong to an architecture, wherever in a query it stands."""
        codes = self.codes(benchmark)
        seeds = benchmark.draw_seeds(codes, np.random.default_rng(_SEED))
        rows = np.concatenate([np.arange(len(codes))[::-1], [0, 0]])
        every = benchmark.query(codes, seeds)
        some = benchmark.query(codes[rows], None if seeds is None else seeds[rows])
        for name, values in every.items():
            np.testing.assert_array_equal(some[name], values[rows], err_msg=name)

    def test_a_query_can_be_repeated(self, benchmark: Benchmark) -> None:
        """Equal seeds give equal values, in any number of queries."""
        codes = self.codes(benchmark)
        first, second = self.ask(benchmark, codes), self.ask(benchmark, codes)
        for name, values in first.items():
            np.testing.assert_array_equal(second[name], values, err_msg=name)

    def test_forms_of_one_architecture_have_one_value(self, benchmark: Benchmark) -> None:
        """Codes that the cell counts as the same architecture are one."""
        for code in self.codes(benchmark)[:8]:
            members = benchmark.cell.members(code)
            seeds = benchmark.draw_seeds(members[:1], np.random.default_rng(_SEED))
            every = None if seeds is None else np.repeat(seeds, len(members))
            for name, values in benchmark.query(members, every).items():
                same = np.array_equal(values, np.repeat(values[:1], len(values)), equal_nan=True)
                assert same, f"{name} differs between forms of {code}"

    def test_no_architectures_have_no_values(self, benchmark: Benchmark) -> None:
        """An empty query is answered."""
        result = self.ask(benchmark, self.codes(benchmark)[:0])
        for quantity in (*benchmark.objectives, *benchmark.reported):
            shape = np.shape(result[quantity.name])
            assert shape == (0,), f"{quantity.name} of no architectures has the shape {shape}"

    def test_what_is_no_architecture_is_refused(self, benchmark: Benchmark) -> None:
        """Codes out of range are an error, not the value of something else."""
        codes = self.codes(benchmark).copy()
        seeds = benchmark.draw_seeds(codes, np.random.default_rng(_SEED))
        codes[1, 0] = benchmark.cell.code_sizes[0]
        _expect(ArchitectureError, lambda: benchmark.query(codes, seeds), "a code out of range")

    def test_nothing_is_better_than_the_optimum(self, benchmark: Benchmark) -> None:
        """The optimum bounds all values, where it is known."""
        result = self.ask(benchmark, self.codes(benchmark))
        for quantity in (*benchmark.objectives, *benchmark.reported):
            optimum = benchmark.optimum(quantity.name)
            if optimum is not None:
                sign = 1 if quantity.minimize else -1
                best = (sign * result[quantity.name]).min()
                assert sign * optimum <= best, f"{quantity.name}: {sign * best} beats {optimum}"
        _expect(UnknownNameError, lambda: benchmark.optimum("no such name"), "an unknown name")

    def test_its_description_restores_it(self, benchmark: Benchmark) -> None:
        """The result of ``to_dict`` survives JSON and gives the same benchmark."""
        restored = nasbench.from_dict(json.loads(json.dumps(benchmark.to_dict())))
        assert restored.cell == benchmark.cell
        assert (restored.name, restored.dataset) == (benchmark.name, benchmark.dataset)
        assert restored.objectives == benchmark.objectives
        assert restored.reported == benchmark.reported
        codes = self.codes(benchmark)
        expected = self.ask(benchmark, codes)
        for name, values in self.ask(restored, codes).items():
            np.testing.assert_array_equal(values, expected[name], err_msg=name)

    def test_it_can_be_searched(self, benchmark: Benchmark) -> None:
        """A search runs on it, and finds no less than its best trial."""
        config = plan_run(benchmark, "anasod-random", trials=3, seed=_SEED)
        search = Search(config, benchmark)
        search.run(3)
        result = Results(config, search.records).to_dict()
        values = result["values"][benchmark.objectives[0].name]
        failed = [r.end.reason for r in search.records if isinstance(r.end, Failed)]
        assert not failed, f"a trial failed: {failed[0]}"
        assert len(values) == 3
        best = min if benchmark.objectives[0].minimize else max
        assert result["best"]["value"] == best(values)


def _expect(kind: type[AnasodError], call: Callable[[], object], what: str) -> None:
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{what} is accepted, where {kind.__name__} should be raised")
