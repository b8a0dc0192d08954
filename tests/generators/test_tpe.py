"""TPE through Optuna, as a strategy; a kept study changes nothing but the time it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ax_anasod import cells
from ax_anasod.cells import Cell, RestrictedCell
from ax_anasod.core import History
from ax_anasod.exceptions import OptionalImportError, OptionError
from ax_anasod.generators import RandomArchitectureGenerator, TPEGenerator, tpe
from ax_anasod.generators.tpe import Sampler, forget, suggest
from ax_anasod.testing import SyntheticObjective

pytest.importorskip("optuna", reason="the extra [baselines] is not installed")

NB201 = cells.get("nas-bench-201")
GRAPH = cells.get("nas-bench-graph")


def test_starts_like_random_search(search: Callable[..., History]) -> None:
    objective = SyntheticObjective(NB201)

    past = search(TPEGenerator(NB201.to_dict(), seed=3), objective, 11)
    random = search(RandomArchitectureGenerator(NB201.to_dict(), seed=3), objective, 11)

    np.testing.assert_array_equal(past.rows[:10], random.rows[:10])
    assert (past.rows[10] != random.rows[10]).any()


@pytest.mark.parametrize("name", ["nas-bench-201", "nas-bench-graph", "darts"])
def test_finds_better_ones_than_random_search(name: str, search: Callable[..., History]) -> None:
    cell = cells.get(name)
    objective = SyntheticObjective(cell, seed=1)

    best = [search(TPEGenerator(cell.to_dict(), s), objective, 60).values.min() for s in range(3)]
    random = [
        search(RandomArchitectureGenerator(cell.to_dict(), s), objective, 60).values.min()
        for s in range(3)
    ]

    assert np.mean(best) < np.mean(random)


def test_only_valid_representatives_are_proposed(search: Callable[..., History]) -> None:
    past = search(TPEGenerator(GRAPH.to_dict()), SyntheticObjective(GRAPH), 50)

    assert GRAPH.is_representative(past.rows).all()


def test_nothing_is_repeated_before_everything_has_a_trial(
    search: Callable[..., History],
) -> None:
    small = Cell("small", operations=list("abc"), num_blocks=3)

    rows = search(TPEGenerator(small.to_dict()), SyntheticObjective(small), 30).rows

    # The ten before the first model are drawn with repeats, as in random search.
    left = 27 - len(np.unique(rows[:10], axis=0))
    assert len(np.unique(rows[: 10 + left], axis=0)) == 27


@pytest.mark.parametrize("share", [0.5, 0.001])
def test_architectures_that_a_table_lacks_are_drawn_again(
    share: float, search: Callable[..., History]
) -> None:
    codes = NB201.sample(int(share * 15_625), np.random.default_rng(0))
    restricted = RestrictedCell(NB201, codes)

    past = search(TPEGenerator(restricted.to_dict()), SyntheticObjective(restricted), 16)

    assert restricted.is_valid(past.rows).all()


def test_a_prefix_of_the_history_gives_the_same_next_trial(
    history: Callable[..., History], search: Callable[..., History]
) -> None:
    past = search(TPEGenerator(GRAPH.to_dict(), seed=7), SyntheticObjective(GRAPH), 30)

    for length in (29, 10, 20, 0):
        prefix = history(past.rows[:length].tolist(), past.values[:length, 0].tolist(), width=5)
        code = TPEGenerator(GRAPH.to_dict(), seed=7).propose(1, prefix, {})[0]
        np.testing.assert_array_equal(code, past.rows[length])


def test_the_seed_of_a_proposal_is_its_position(
    history: Callable[..., History], search: Callable[..., History]
) -> None:
    past = search(RandomArchitectureGenerator(NB201.to_dict()), SyntheticObjective(NB201), 30)

    codes = {tuple(TPEGenerator(NB201.to_dict(), s).propose(1, past, {})[0]) for s in range(12)}
    batch = TPEGenerator(NB201.to_dict()).propose(12, past, {})

    assert len(codes) > 6
    assert len(np.unique(batch, axis=0)) > 6


def test_pending_trials_are_avoided(
    history: Callable[..., History], search: Callable[..., History]
) -> None:
    line = Cell("line", operations=list("abcdefgh"), num_blocks=1)
    rows = [[i % 8] for i in range(40)]
    values = [1.0 if row == [3] else 50.0 for row in rows]
    free = history(rows, values)
    busy = history([*rows, *[[3]] * 40], [*values, *[np.nan] * 40])

    def share(past: History) -> float:
        proposed = [TPEGenerator(line.to_dict(), s).propose(1, past, {})[0, 0] for s in range(30)]
        return float(np.mean(np.array(proposed) == 3))

    assert share(free) > 0.8
    assert share(busy) < 0.5


def test_failed_trials_count_as_worst(history: Callable[..., History]) -> None:
    line = Cell("line", operations=list("abcdefgh"), num_blocks=1)
    rows = [[i % 8] for i in range(40)]
    values = np.array([np.nan if row == [3] else 10.0 + row[0] for row in rows])
    past = replace(history(rows, values.tolist()), failed=np.isnan(values))

    proposed = [TPEGenerator(line.to_dict(), s).propose(1, past, {})[0, 0] for s in range(40)]

    # A line with values 10 to 17, and 17 where it fails.
    assert proposed.count(3) <= 4
    assert proposed.count(0) > 20


def test_only_failed_trials_are_followed_by_random_ones(history: Callable[..., History]) -> None:
    past = replace(history([[0] * 6] * 12, [np.nan] * 12), failed=np.ones(12, dtype=bool))
    random = RandomArchitectureGenerator(NB201.to_dict(), seed=2)

    code = TPEGenerator(NB201.to_dict(), seed=2).propose(1, past, {})

    np.testing.assert_array_equal(code, random.propose(1, past, {}))


def test_fixed_columns_hold(search: Callable[..., History]) -> None:
    past = search(TPEGenerator(GRAPH.to_dict()), SyntheticObjective(GRAPH), 15)

    codes = TPEGenerator(GRAPH.to_dict()).propose(6, past, {0: 2, 4: 7})

    assert {tuple(row) for row in codes[:, [0, 4]].tolist()} == {(2, 7)}


@pytest.mark.parametrize("option", ["num_initial", "num_candidates"])
def test_options_out_of_range_are_refused(option: str) -> None:
    with pytest.raises(OptionError):
        TPEGenerator(NB201.to_dict(), **{option: 0})


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(OptionalImportError):
        TPEGenerator(NB201.to_dict())


SIZES = (5, 5, 5, 3)
SAMPLER = Sampler(seed=0, num_initial=5, multivariate=True, num_candidates=24)


def trials(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, SIZES, size=(n, 4)), rng.random(n)


def rebuilt(*arguments: object) -> list[int]:
    forget()
    return suggest(*arguments).tolist()  # type: ignore[arg-type]


@given(
    seeds=st.lists(st.integers(0, 3), min_size=4, max_size=10),
    lengths=st.lists(st.integers(5, 20), min_size=4, max_size=10),
    pending=st.integers(0, 3),
    multivariate=st.booleans(),
)
def test_suggestions_are_those_of_a_study_from_scratch(
    seeds: list[int], lengths: list[int], pending: int, multivariate: bool
) -> None:
    # Runs that take turns, grow, shrink and branch.
    asked = []
    for step, (seed, length) in enumerate(zip(seeds, lengths, strict=False)):
        codes, values = trials(length, seed)
        running = trials(pending, 100 + step)[0]
        sampler = replace(SAMPLER, seed=step, multivariate=multivariate)
        asked.append((SIZES, codes, values, running, sampler))

    kept = [suggest(*arguments).tolist() for arguments in asked]

    assert kept == [rebuilt(*arguments) for arguments in asked]


def test_a_changed_value_is_noticed() -> None:
    codes, values = trials(30)
    none = codes[:0]
    suggest(SIZES, codes, values, none, SAMPLER)

    changed = values[::-1].copy()

    assert suggest(SIZES, codes, changed, none, SAMPLER).tolist() == rebuilt(
        SIZES, codes, changed, none, SAMPLER
    )


def test_suggestions_are_those_of_optuna_itself() -> None:
    import optuna
    from optuna.distributions import CategoricalDistribution

    codes, values = trials(30)
    space = {f"x{i}": CategoricalDistribution(tuple(range(size))) for i, size in enumerate(SIZES)}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(
            seed=11, n_startup_trials=5, multivariate=True, constant_liar=False
        )
    )
    for code, value in zip(codes.tolist(), values.tolist(), strict=True):
        params = {f"x{i}": choice for i, choice in enumerate(code)}
        study.add_trial(optuna.create_trial(value=value, params=params, distributions=space))
    own = [study.ask(space).params[name] for name in space]

    ours = suggest(SIZES, codes, values, codes[:0], replace(SAMPLER, seed=11))

    assert ours.tolist() == own


def test_an_interrupted_suggestion_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, values = trials(20)
    running = codes[:3]
    suggest(SIZES, codes[:19], values[:19], running, SAMPLER)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tpe, "_sampler", interrupt)
        with pytest.raises(KeyboardInterrupt):
            suggest(SIZES, codes, values, running, SAMPLER)

    assert suggest(SIZES, codes, values, running, SAMPLER).tolist() == rebuilt(
        SIZES, codes, values, running, SAMPLER
    )


def test_optuna_speaks_as_loudly_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.INFO)
    codes, values = trials(20)

    rebuilt(SIZES, codes, values, codes[:0], SAMPLER)

    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert "study" not in capfd.readouterr().err
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_few_studies_are_kept() -> None:
    for seed in range(10):
        codes, values = trials(8, seed)
        suggest(SIZES, codes, values, codes[:0], SAMPLER)

    assert len(tpe._kept) <= 4
