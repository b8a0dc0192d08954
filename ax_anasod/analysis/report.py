"""One HTML page that tells the story of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from ax.adapter.base import Adapter
from ax.analysis.analysis import Analysis
from ax.analysis.plotly.utility_progression import UtilityProgressionAnalysis
from ax.core.analysis_card import AnalysisCard, AnalysisCardGroup
from ax.core.experiment import Experiment
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.generation_strategy.generator_spec import GeneratorSpec

from ax_anasod.adapter import AnasodGenerators
from ax_anasod.analysis.applicability import SeriesCard, given
from ax_anasod.analysis.coordinates import ObjectiveCoordinatesPlot, OperationCoordinatesPlot
from ax_anasod.analysis.courses import LearningCurvesPlot, TimeLinePlot, has_curves
from ax_anasod.analysis.incumbent import IncumbentPlot
from ax_anasod.analysis.model_fit import FeatureTable, ModelFitPlot
from ax_anasod.analysis.operation_distribution import OperationDistributionPlot
from ax_anasod.analysis.page import Html, Page
from ax_anasod.analysis.search_summary import SearchSummary, TrialTable, result_part
from ax_anasod.analysis.sensitivity import BlockExchangePlot, OperationImportancePlot
from ax_anasod.analysis.series import SearchSeries, by_objective, signed_objectives
from ax_anasod.analysis.slice import DistributionSlicePlot
from ax_anasod.analysis.trade_off import FrontFacts, trade_off_plots
from ax_anasod.core import RunProperties
from ax_anasod.core.architectures import space_of_run
from ax_anasod.files import write_whole
from ax_anasod.generators import HistoryGenerator
from ax_anasod.generators.registered import GENERATORS


def write_report(
    experiment: Experiment,
    generation_strategy: GenerationStrategy | None,
    path: str | Path,
    *,
    title: str,
    optimum: Mapping[str, float | None] | float | None = None,
    unit: Mapping[str, str] | str = "",
    facts: Mapping[str, object] | None = None,
    extra: Sequence[Analysis] = (),
    front: FrontFacts | None = None,
    seconds: Sequence[float] = (),
) -> Path:
    """Write a self-contained report of a search: one HTML file that opens offline.

    The result comes first: its value, the architecture as a drawing, and the code that makes it.
    Then this package's cards and, where they apply, Ax's own
    (hypervolume), and
    last a table of all trials that sorts, filters and can be downloaded. plotly.js is part of the
    file. A card that has nothing to show, or fails, is named at the end of the page
    with the reason; it never costs the report.

    The surrogate is fitted to all data, which changes nothing of the trials to come.

    Args:
        experiment: The experiment.
        generation_strategy: Its strategy; without one there are no cards of the surrogate.
        path: The file; it is replaced as a whole.
        title: Heading of the page.
        optimum: The best possible value of the first objective, or of each by its name.
        unit: Unit of the first objective, or of each by its name, e.g. ``"percent"``.
        facts: Further facts for the head of the page, name -> value.
        extra: Further analyses to show, after the others.
        front: What is known of the front of several objectives besides the trials.
        seconds: What each trial took until it ended, since the end of the one before it, for a
            time line; empty for none.

    Returns:
        The path.

    Raises:
        RunError: The file cannot be written.
        OptionError: The experiment is none of this package's, or has no objective.
    """
    head = {**_facts(experiment), **(facts or {})}
    state = _State(experiment, generation_strategy, _fitted(experiment, generation_strategy))
    missing: list[tuple[str, str]] = []
    sections: list[tuple[str, list[AnalysisCard | Html]]] = [
        ("", _result(experiment, optimum, unit, front))
    ]
    for heading, analyses in _sections(
        experiment, generation_strategy, optimum, unit, extra, front, seconds
    ):
        cards: list[AnalysisCard | Html] = []
        for analysis in analyses:
            found, reason = state.compute(analysis)
            cards += found
            if reason is not None:
                missing.append((type(analysis).__name__, reason))
        sections.append((heading, cards))
    page = Page(title, sections, missing, head)
    write_whole(Path(path), page.render(), make_folder=True)
    return Path(path)


@final
class SearchOverview(SeriesCard):
    """The cards of :func:`write_report` as Ax's cards: ``compute_analyses([SearchOverview()])``.

    Ax's own overview varies one parameter and keeps the others, which leaves the simplex, and
    waits for predictions that most strategies never make. What has nothing to show is left out.

    Args:
        optimum: The best possible value of the first objective, or of each by its name.
        unit: Unit of the first objective, or of each by its name, e.g. ``"percent"``.
        front: What is known of the front of several objectives besides the trials.
    """

    needs_values = False

    def __init__(
        self,
        optimum: Mapping[str, float | None] | float | None = None,
        unit: Mapping[str, str] | str = "",
        front: FrontFacts | None = None,
    ) -> None:
        self.optimum, self.unit, self.front = optimum, unit, front

    def compute(
        self,
        experiment: Experiment | None = None,
        generation_strategy: GenerationStrategy | None = None,
        adapter: Adapter | None = None,
    ) -> AnalysisCardGroup:
        """Compute all cards that have something to show."""
        experiment = given(experiment, "an experiment")
        fitted = adapter or _fitted(experiment, generation_strategy)
        state = _State(experiment, generation_strategy, fitted)
        sections = _sections(
            experiment, generation_strategy, self.optimum, self.unit, (), self.front
        )
        groups = []
        for heading, analyses in sections:
            cards = [card for analysis in analyses for card in state.compute(analysis)[0]]
            groups.append(self._create_analysis_card_group(heading, None, cards))
        return self._create_analysis_card_group("The search", None, groups)


@dataclass(frozen=True)
class _State:
    """The objects that an analysis is computed from."""

    experiment: Experiment
    generation_strategy: GenerationStrategy | None
    adapter: Adapter | None

    def compute(self, analysis: Analysis) -> tuple[list[AnalysisCard], str | None]:
        """The cards of an analysis, and why there are none."""
        state = (self.experiment, self.generation_strategy, self.adapter)
        # Any error of one card, Ax's and the user's own included, goes into the page: a
        # search of days must not end without its report.
        try:
            reason = analysis.validate_applicable_state(*state)
            if reason is not None:
                return [], reason
            return analysis.compute(*state).flatten(), None
        except Exception as error:  # noqa: BLE001
            return [], f"{type(error).__name__}: {error}"


def _fitted(
    experiment: Experiment, generation_strategy: GenerationStrategy | None
) -> Adapter | None:
    """The strategy's adapter with all data in it; None where there is none (yet)."""
    if generation_strategy is None or experiment.lookup_data().df.empty:
        return None
    return generation_strategy.fit(experiment)


def _never_predicts(generation_strategy: GenerationStrategy | None) -> bool:
    """Return True if a strategy has no surrogate that Ax can ask, now or later."""
    if generation_strategy is None:
        return False
    nodes = generation_strategy.nodes_by_name.values()
    return not any(_may_predict(spec) for node in nodes for spec in node.generator_specs)


def _may_predict(spec: GeneratorSpec) -> bool:
    """Return True if a generator has a surrogate that Ax can ask once it is fitted."""
    if spec.generator_enum is not AnasodGenerators.HISTORY:
        return True
    # The module of a user's own strategy need not be imported here.
    generator = GENERATORS.get(spec.generator_kwargs["registered_as"], HistoryGenerator)
    of_cells_only = not spec.generator_kwargs.get("hyperparameters")
    return of_cells_only and generator.predict is not HistoryGenerator.predict


def _result(
    experiment: Experiment,
    optimum: Mapping[str, float | None] | float | None,
    unit: Mapping[str, str] | str,
    front: FrontFacts | None,
) -> list[AnalysisCard | Html]:
    """The best trial, or the picked one of a front; nothing before there is one."""
    series = SearchSeries.from_experiment(experiment)
    first, row, called = series.objectives[0], series.best(), "Best trial"
    if len(series.objectives) > 1:
        called = f"Trial with the best {first}"
        if front is not None and front.picked in series.trial_indices:
            row = int(np.flatnonzero(series.trial_indices == front.picked)[0])
            called = front.picked_as.capitalize()
    if row is None:
        return []
    best = by_objective(optimum, [first]).get(first)
    units = by_objective(unit, series.objectives)
    return [result_part(experiment, series, row, called=called, units=units, optimum=best)]


def _sections(
    experiment: Experiment,
    generation_strategy: GenerationStrategy | None,
    optimum: Mapping[str, float | None] | float | None,
    unit: Mapping[str, str] | str,
    extra: Sequence[Analysis],
    front: FrontFacts | None,
    seconds: Sequence[float] = (),
) -> list[tuple[str, list[Analysis]]]:
    objectives = list(signed_objectives(experiment))
    optima, units = by_objective(optimum, objectives), by_objective(unit, objectives)
    incumbents = [
        IncumbentPlot(optimum=optima.get(name), unit=units.get(name) or "", objective=name)
        for name in objectives
    ]
    trade_offs: list[Analysis] = [*trade_off_plots(objectives, units, front)]
    if len(objectives) > 2:
        trade_offs.append(ObjectiveCoordinatesPlot(units, front))
    surrogate: list[Analysis] = [
        card(objective=name, unit=units.get(name) or "")
        for name in objectives
        for card in (
            ModelFitPlot,
            OperationImportancePlot,
            DistributionSlicePlot,
            BlockExchangePlot,
        )
    ]
    # What a single trial says stands in the result already.
    front_table: list[Analysis] = [SearchSummary()] if trade_offs else []
    curves = [LearningCurvesPlot(name, units.get(name) or "") for name in objectives]
    coordinates = OperationCoordinatesPlot(unit=units.get(objectives[0]) or "")
    trials: list[Analysis] = [OperationDistributionPlot(), coordinates]
    if seconds:
        trials.append(TimeLinePlot(seconds, units.get(objectives[0]) or ""))
    return [
        ("Search", [*trade_offs, *front_table, *incumbents, *trials]),
        ("Hypervolume", [UtilityProgressionAnalysis()] if trade_offs else []),
        ("Learning curves", list(curves) if has_curves(experiment) else []),
        ("What was known", [FeatureTable()] if _has_features(experiment) else []),
        ("Surrogate", [] if _never_predicts(generation_strategy) else surrogate),
        ("Trials", [TrialTable()]),
        ("More", list(extra)),
    ]


def _has_features(experiment: Experiment) -> bool:
    properties = RunProperties.read(experiment)
    return properties is not None and bool((properties.options or {}).get("features"))


def _facts(experiment: Experiment) -> dict[str, object]:
    space = space_of_run(experiment)
    statuses = Counter(trial.status.name.lower() for trial in experiment.trials.values())
    facts: dict[str, object] = {"cell": space.cell.name, "searched": f"{space.kind}s"}
    properties = RunProperties.read(experiment)
    if properties is not None:
        if properties.strategy is not None:
            facts["strategy"] = properties.strategy
        facts["seed"] = properties.seed
    facts["trials"] = len(experiment.trials)
    return facts | {f"trials {status}": number for status, number in statuses.most_common()}
