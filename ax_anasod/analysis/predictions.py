"""Predictions of a strategy's surrogate for operation distributions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from ax.analysis.plotly.utils import Z_SCORE_95_CI
from ax.analysis.utils import extract_relevant_adapter, validate_adapter_can_predict
from ax.core.experiment import Experiment
from ax.core.observation import ObservationFeatures

from ax_anasod.adapter import EncodingAdapter, HistoryAdapter
from ax_anasod.analysis.applicability import CardInput, SeriesPlot
from ax_anasod.analysis.series import SearchSeries
from ax_anasod.exceptions import OptionError
from ax_anasod.typing import Counts, Values

SurrogateAdapter = EncodingAdapter | HistoryAdapter
"""The adapters whose generators predict: of encodings (``anasod-bo``), or of architectures."""

# Architectures that are asked for an encoding, and the seed of their draws.
_DRAWS: Final = 32
_SEED: Final = 0


def predict_encodings(
    experiment: Experiment,
    adapter: SurrogateAdapter,
    encodings: Counts,
    objective: str,
    beside: Mapping[str, Any] = MappingProxyType({}),
) -> pd.DataFrame:
    """The surrogate's predictions for encodings.

    A surrogate of architectures is asked for 32 draws of each encoding: the variance is then that
    of an architecture of the encoding, as a surrogate of encodings learns it.

    Args:
        experiment: The experiment.
        adapter: The fitted adapter.
        encodings: ``n x k`` counts, each of some architecture.
        objective: Name of the objective.
        beside: The values of what is searched beside the cell.

    Returns:
        ``mean``, ``lower`` and ``upper`` (95 % interval) for each encoding, in the unit of
        the objective.
    """
    signature = experiment.metrics[objective].signature
    if isinstance(adapter, HistoryAdapter):
        mean, variance = _of_architectures(adapter, encodings, signature)
        logarithmic = bool((mean > 0).all())
    else:
        space = adapter.generator.search_space
        means, covariances = adapter.predict(
            [
                ObservationFeatures(parameters={**p, **beside})
                for p in space.parameterizations(encodings)
            ]
        )
        mean = np.array(means[signature])
        variance = np.array(covariances[signature][signature])
        logarithmic = signature in _logarithmic(adapter)
    if logarithmic:
        # The prediction is log-normal; its interval follows from the two moments exactly,
        # and unlike mean +- 1.96 standard deviations never reaches below 0.
        log_variance = np.log1p(variance / mean**2)
        centre, width = np.log(mean) - log_variance / 2, Z_SCORE_95_CI * np.sqrt(log_variance)
        lower, upper = np.exp(centre - width), np.exp(centre + width)
    else:
        width = Z_SCORE_95_CI * np.sqrt(variance)
        lower, upper = mean - width, mean + width
    return pd.DataFrame({"mean": mean, "lower": lower, "upper": upper})


def _of_architectures(
    adapter: HistoryAdapter, encodings: Counts, signature: str
) -> tuple[Values, Values]:
    """Mean and variance of a random architecture of each encoding."""
    cell = adapter.generator.cell
    drawn = cell.decode(np.repeat(encodings, _DRAWS, axis=0), np.random.default_rng(_SEED))
    means, variances = adapter.predict_rows(drawn)[signature]
    means = means.reshape(len(encodings), _DRAWS)
    within = variances.reshape(len(encodings), _DRAWS).mean(axis=1)
    return means.mean(axis=1), within + means.var(axis=1)


def note_on_zeros(
    experiment: Experiment, adapter: SurrogateAdapter, series: SearchSeries, objective: str
) -> str:
    """A sentence, after a space, where the surrogate does not see observed values as they are.

    Args:
        experiment: The experiment.
        adapter: The fitted adapter.
        series: The series of the experiment.
        objective: Name of the objective.
    """
    values = series.values[series.observed, series.column(objective)]
    if isinstance(adapter, HistoryAdapter):
        logarithms = getattr(adapter.generator, "log_targets", False) and (values >= 0).all()
    else:
        logarithms = experiment.metrics[objective].signature in _logarithmic(adapter)
    if not logarithms or (values != 0).all():
        return ""
    return (
        " The surrogate models logarithms, in which values of 0 count as half of the smallest "
        "positive one."
    )


def _logarithmic(adapter: EncodingAdapter) -> Collection[str]:
    """The signatures of the metrics whose logarithm is modelled."""
    found: Collection[str] = getattr(
        adapter.transforms.get("LogObjectives"), "metric_signatures", ()
    )
    return found


class SurrogatePlot(SeriesPlot):
    """A card drawn from what the surrogate predicts of one objective.

    Args:
        objective: Which objective; the first where None is named.
        unit: Unit of its values, e.g. ``"percent"``.
    """

    def __init__(self, objective: str | None = None, unit: str = "") -> None:
        self.objective, self.unit = objective, unit

    @property
    def operations(self) -> Sequence[str]:
        """The operations that the cell must contain for this card."""
        return ()

    def why_not(self, searched: CardInput) -> str | None:
        """A sentence where no surrogate is fitted, or the cell lacks one of the operations."""
        cell = searched.series.cell
        unknown = [name for name in self.operations if name not in cell.operations]
        if unknown:
            return (
                f"Cell {cell.name} has no operation {unknown[0]!r}; it has "
                f"{', '.join(cell.operations)}."
            )
        objective = searched.series.objectives[searched.series.column(self.objective)]
        where = searched.experiment, searched.generation_strategy, searched.adapter
        reason = validate_adapter_can_predict(*where, [objective])
        if reason is not None:
            return reason
        relevant = extract_relevant_adapter(*where)
        if isinstance(relevant, SurrogateAdapter):
            return None
        name = type(relevant).__name__
        return f"{name} has no surrogate of this package, as anasod-bo and two-level-bo have."

    @staticmethod
    def fitted(searched: CardInput) -> SurrogateAdapter:
        """The fitted adapter, which the strategy may have to fit first.

        Raises:
            OptionError: There is none; :meth:`why_not` says so in a sentence.
        """
        relevant = extract_relevant_adapter(
            searched.experiment, searched.generation_strategy, searched.adapter
        )
        if not (isinstance(relevant, SurrogateAdapter) and relevant.can_predict):
            raise OptionError(
                f"{type(relevant).__name__} has no surrogate of this package",
                "use strategy anasod-bo or two-level-bo",
            )
        return relevant


def values_beside(
    experiment: Experiment, adapter: SurrogateAdapter, series: SearchSeries, row: int
) -> dict[str, Any]:
    """The parameters of a trial beside its encoding."""
    arm = experiment.trials[int(series.trial_indices[row])].arms[0]
    return {name: arm.parameters[name] for name in adapter.generator.hyperparameters.names}
