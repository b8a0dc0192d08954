"""Ax's own plots of a surrogate, which leave the simplex."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ax.analysis.plotly.plotly_analysis import PlotlyAnalysisCard
from ax.analysis.plotly.surface.contour import ContourPlot
from ax.analysis.plotly.surface.slice import SlicePlot
from ax.api.client import Client
from ax.core.observation import ObservationFeatures

from ax_anasod.adapter import EncodingAdapter
from ax_anasod.exceptions import EncodingError

ENCODINGS = [(6, 0, 0), (4, 1, 1), (2, 3, 1), (0, 0, 6), (1, 1, 4)]
ERRORS = [3.0, 2.0, 1.0, 6.0, 4.0]


@pytest.fixture
def modelled(run: Callable[..., Client]) -> Client:
    client = run(ENCODINGS, ERRORS, num_initial=3)
    client.get_next_trials(1)
    return client


@pytest.mark.parametrize(
    "analysis",
    [SlicePlot("n_conv"), ContourPlot(x_parameter_name="n_conv", y_parameter_name="n_pool")],
    ids=["slice", "contour"],
)
def test_slices_and_contours_are_drawn(modelled: Client, analysis: SlicePlot | ContourPlot) -> None:
    (card,) = modelled.compute_analyses([analysis], display=False)
    assert isinstance(card, PlotlyAnalysisCard)
    assert np.isfinite(card.df["error_mean"]).all()
    assert card.df["error_mean"].nunique() > 5


def test_a_point_off_the_simplex_is_that_of_the_same_proportions(
    modelled: Client, fit: Callable[[Client], EncodingAdapter]
) -> None:
    def predicted(*counts: float) -> float:
        parameters = dict(zip(("n_conv", "n_pool", "n_skip"), counts, strict=True))
        features = ObservationFeatures(parameters=dict(parameters))
        return float(adapter.predict([features])[0]["error"][0])

    adapter = fit(modelled)
    assert predicted(1, 1, 0) == predicted(3, 3, 0)
    assert predicted(4, 6, 2) == predicted(2, 3, 1)
    assert predicted(0, 0, 0) == predicted(2, 2, 2)
    # Members of the space are predicted as before, anything else is still refused.
    (own,) = modelled.predict([{"n_conv": 2, "n_pool": 3, "n_skip": 1}])
    assert own["error"][0] == predicted(2, 3, 1)
    with pytest.raises(EncodingError):
        modelled.predict([{"n_conv": 1, "n_pool": 1, "n_skip": 0}])


def test_fixed_counts_off_the_simplex_are_still_refused(modelled: Client) -> None:
    fixed = {"n_conv": 1, "n_pool": 1, "n_skip": 0}
    with pytest.raises(EncodingError):
        modelled.get_next_trials(1, fixed_parameters=fixed)
