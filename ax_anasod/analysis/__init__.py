"""The results of a search for people: Ax analysis cards, a self-contained report, and pictures."""

from ax_anasod.analysis.coordinates import ObjectiveCoordinatesPlot, OperationCoordinatesPlot
from ax_anasod.analysis.courses import LearningCurvesPlot, TimeLinePlot
from ax_anasod.analysis.incumbent import IncumbentPlot
from ax_anasod.analysis.model_fit import FeatureTable, ModelFitPlot
from ax_anasod.analysis.operation_distribution import OperationDistributionPlot
from ax_anasod.analysis.report import SearchOverview, write_report
from ax_anasod.analysis.search_pictures import write_pictures
from ax_anasod.analysis.search_summary import SearchSummary, TrialTable
from ax_anasod.analysis.sensitivity import BlockExchangePlot, OperationImportancePlot
from ax_anasod.analysis.series import SearchSeries, best_trial
from ax_anasod.analysis.slice import DistributionSlicePlot
from ax_anasod.analysis.trade_off import FrontFacts, TradeOffPlot

__all__ = [
    "BlockExchangePlot",
    "DistributionSlicePlot",
    "FeatureTable",
    "FrontFacts",
    "IncumbentPlot",
    "LearningCurvesPlot",
    "ModelFitPlot",
    "ObjectiveCoordinatesPlot",
    "OperationCoordinatesPlot",
    "OperationDistributionPlot",
    "OperationImportancePlot",
    "SearchOverview",
    "SearchSeries",
    "SearchSummary",
    "TimeLinePlot",
    "TradeOffPlot",
    "TrialTable",
    "best_trial",
    "write_pictures",
    "write_report",
]
