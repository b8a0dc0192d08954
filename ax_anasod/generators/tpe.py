"""The tree-structured Parzen estimator, through Optuna."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ax_anasod.core.history import History
from ax_anasod.core.seeding import package_seed
from ax_anasod.generators.architecture_generator import ArchitectureGenerator
from ax_anasod.generators.base import NUM_INITIAL
from ax_anasod.generators.evaluations import Evaluations
from ax_anasod.generators.joint_rows import Columns, Rows
from ax_anasod.hyperparameters import Choice, Range
from ax_anasod.settings import PositiveInt, checked
from ax_anasod.typing import Codes, Settings, Values

if TYPE_CHECKING:
    # Optuna takes seconds to import, and only this strategy needs it.
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

_MAX_ATTEMPTS: Final = 32
# A run needs one; several serve runs that take turns in one process.
_MAX_STUDIES: Final = 4


@checked
class TPEGenerator(ArchitectureGenerator):
    """TPE: Optuna's sampler on one categorical parameter per block and wiring choice.

    The study is the history: trials that ended, in trial order (a failed one with the worst
    value seen), and pending ones as running, which the sampler's constant liar counts as
    bad. The sampler is a new one for each proposal, with a seed of its own. Only a study
    that already holds the first of these trials is kept between proposals
    (:func:`suggest`).

    A sample that is no valid architecture, or one that has a trial already, is drawn again, with
    the next seed; after 32 such samples in a row the proposal is drawn uniformly from those
    without a trial. Optuna itself repeats trials. Once every architecture has a trial, proposals
    are repeats.

    Hyperparameters are further parameters of the study: ranges as they are (on
    their scale), ordered choices as whole numbers, others as categories.

    Sources: Bergstra et al., "Algorithms for hyper-parameter optimization" (NeurIPS 2011);
    the multivariate form is that of Falkner et al., "BOHB" (ICML 2018). The defaults are
    Optuna's, and the first 10 proposals are random, as for all strategies of the paper
    (App. A.1).

    Args:
        cell: ``Cell.to_dict()`` of the cell searched.
        seed: The seed of the run.
        num_initial: Trials with a result before the first model.
        multivariate: Whether the blocks are modelled together; one by one, their
            interactions are lost.
        num_candidates: Samples that one proposal is chosen from.
        hyperparameters: Hyperparameters searched beside the cell; None for none.

    Raises:
        OptionError: An option is out of range.
        OptionalImportError: Optuna is not installed.
    """

    needs = ("optuna", "baselines")

    def __init__(
        self,
        cell: Mapping[str, Any],
        seed: int = 0,
        num_initial: PositiveInt = NUM_INITIAL,
        multivariate: bool = True,
        num_candidates: PositiveInt = 24,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(cell=cell, seed=seed, hyperparameters=hyperparameters)
        self.num_initial, self.num_candidates = num_initial, num_candidates
        self.multivariate = multivariate

    def next_code(self, history: History, fixed: Mapping[int, int]) -> Codes:
        """Propose what the sampler suggests, a code ``d``."""
        codes, values = history.imputed()
        rng = self.rng(history)
        if len(codes) < self.num_initial:
            return self.draw_one(rng, fixed)
        seen, new = Evaluations(self.cell, history), None
        for attempt in range(_MAX_ATTEMPTS):
            suggested = suggest(
                self.cell.code_sizes,
                codes,
                values,
                history.rows[history.pending],
                self._sampler(history.position, attempt),
            )
            valid = self.admissible(suggested[None], fixed)
            if not len(valid):
                continue
            if new is None:
                new = self.draw_new(seen, rng, fixed)
            known = seen.look_up(np.stack([valid[0], new])).known
            if known[1] or not known[0]:
                return np.asarray(valid[0])
        return self.draw_one(rng, fixed) if new is None else new

    def next_pair(
        self, history: History, fixed: Mapping[int, int], given: Mapping[int, float]
    ) -> tuple[Codes, Settings]:
        """Propose what the sampler suggests, a code ``d`` and a setting ``h``."""
        codes, values = history.imputed()
        if len(codes) < self.num_initial:
            return self.draw_pair(history, fixed, given)
        rows = np.concatenate([history.rows, history.settings], axis=1)
        known = {row.tobytes() for row in rows}
        width = codes.shape[1]
        for attempt in range(_MAX_ATTEMPTS):
            suggested = suggest(
                (*self.cell.code_sizes, *self.hyperparameters.columns),
                rows[history.ended],
                values,
                rows[history.pending],
                self._sampler(history.position, attempt),
            )
            valid = self.admissible(suggested[None, :width].astype(np.int64), fixed)
            setting = suggested[width:].astype(np.float64)
            setting[list(given)] = list(given.values())
            if not len(valid) or not self.hyperparameters.allowed(setting[None])[0]:
                continue
            own = np.concatenate([self.cell.canonical(valid[:1])[0], setting])
            if own.tobytes() not in known:
                return np.asarray(valid[0]), setting
        return self.draw_pair(history, fixed, given)

    def _sampler(self, position: int, attempt: int) -> Sampler:
        return Sampler(
            seed=package_seed(self.seed, position, attempt),
            num_initial=self.num_initial,
            multivariate=self.multivariate,
            num_candidates=self.num_candidates,
        )


@dataclass(frozen=True)
class Sampler:
    """Arguments of the sampler.

    Args:
        seed: The seed of the sampler.
        num_initial: Trials with a result before the first model.
        multivariate: Whether the parameters are modelled together.
        num_candidates: Samples that one suggestion is chosen from.
    """

    seed: int
    num_initial: int
    multivariate: bool
    num_candidates: int


@dataclass
class _Kept:
    """A study, and the ended trials that it holds: (code, value) in order."""

    columns: Columns
    study: Study
    told: list[tuple[bytes, float]] = field(default_factory=list)


# The study that was used last is the last one.
_kept: list[_Kept] = []
_lock = threading.Lock()


def suggest(
    columns: Columns,
    codes: Rows,
    values: Values,
    pending: Rows,
    sampler: Sampler,
) -> Rows:
    """The sampler's suggestion after the given trials; a pure function of its arguments.

    Adding a trial to a study costs Optuna more than a suggestion does. A study that holds
    the first of these trials already, in this order, is therefore extended; its other
    trials are closed as failed, which the sampler ignores.

    Args:
        columns: The alternatives of each of the ``d`` columns of a code, then ranges and
            choices.
        codes: Ended trials, ``n x d``, in order; settings follow a code in its row.
        values: Their values ``n``, minimised.
        pending: Trials that are running, ``m x d``.
        sampler: The arguments of the sampler.

    Returns:
        A row ``d``, valid or not.
    """
    wanted = [(code.tobytes(), float(value)) for code, value in zip(codes, values, strict=True)]
    with _lock, _quiet():
        kept = _take(columns, wanted)
        _tell(kept, codes, wanted)
        suggestion = _ask(kept, pending, sampler)
        # Put back only now: an interrupt in between may have left anything in the study.
        _kept.append(kept)
        del _kept[:-_MAX_STUDIES]
    return suggestion


def forget() -> None:
    """Drop the studies that are kept; the next suggestions build theirs from the start."""
    with _lock:
        _kept.clear()


def _take(columns: Columns, wanted: list[tuple[bytes, float]]) -> _Kept:
    """Take out a study that holds the first of the wanted trials, or a new one."""
    import optuna

    for kept in reversed(_kept):
        if kept.columns == columns and kept.told == wanted[: len(kept.told)]:
            _kept.remove(kept)
            return kept
    return _Kept(columns, optuna.create_study())


def _tell(kept: _Kept, codes: Rows, wanted: list[tuple[bytes, float]]) -> None:
    """Add the trials that a study lacks."""
    from optuna.trial import create_trial

    space, known = _space(kept.columns), len(kept.told)
    kept.study.add_trials(
        [
            create_trial(value=value, params=_named(kept.columns, code), distributions=space)
            for code, (_, value) in zip(codes[known:], wanted[known:], strict=True)
        ]
    )
    kept.told = wanted


def _ask(kept: _Kept, pending: Rows, sampler: Sampler) -> Rows:
    """Ask for a row ``d``; pending trials are in the study only during the call."""
    from optuna.trial import TrialState, create_trial

    study, space = kept.study, _space(kept.columns)
    study.sampler = _sampler(space, sampler, liar=len(pending) > 0)
    first = len(study.get_trials(deepcopy=False))
    study.add_trials(
        [
            create_trial(
                state=TrialState.RUNNING,
                params=_named(kept.columns, code),
                distributions=space,
            )
            for code in pending
        ]
    )
    trial = study.ask(space)
    suggestion = [trial.params[name] for name in space]
    for number in range(first, trial.number + 1):
        study.tell(number, state=TrialState.FAIL)
    return np.array(suggestion)


def _space(columns: Columns) -> dict[str, BaseDistribution]:
    return {f"x{i}": _distribution(column) for i, column in enumerate(columns)}


def _distribution(column: int | Range | Choice) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(column, Range) and column.integer:
        return IntDistribution(int(column.lower), int(column.upper), log=column.log)
    if isinstance(column, Range):
        return FloatDistribution(column.lower, column.upper, log=column.log)
    if isinstance(column, Choice) and column.ordered:
        return IntDistribution(0, column.size - 1)
    size = column if isinstance(column, int) else column.size
    return CategoricalDistribution(tuple(range(size)))


def _named(columns: Columns, row: Rows) -> dict[str, Any]:
    return {
        f"x{i}": float(x) if isinstance(c, Range) and not c.integer else int(x)
        for i, (c, x) in enumerate(zip(columns, row.tolist(), strict=True))
    }


def _sampler(space: dict[str, BaseDistribution], arguments: Sampler, liar: bool) -> Any:
    from optuna.samplers import TPESampler

    class FixedSpaceSampler(TPESampler):
        """Optuna's sampler with a given space, instead of one inferred from all trials."""

        def infer_relative_search_space(
            self, study: object, trial: object
        ) -> dict[str, BaseDistribution]:
            return space if arguments.multivariate else {}

    return FixedSpaceSampler(
        n_startup_trials=arguments.num_initial,
        n_ei_candidates=arguments.num_candidates,
        seed=arguments.seed,
        multivariate=arguments.multivariate,
        constant_liar=liar,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's messages about each study."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
