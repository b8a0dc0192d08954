"""BoTorch models and GPyTorch kernels; nothing here knows of Ax."""

from ax_anasod.surrogates.bayesian_linear import BayesianLinearRegression
from ax_anasod.surrogates.closed_form import fit_encoding_gp
from ax_anasod.surrogates.gcn import (
    GCNOptions,
    GraphConvolutionalNetwork,
    GraphInputs,
    fit_gcn,
    graph_inputs,
)
from ax_anasod.surrogates.gp import EncodingGP
from ax_anasod.surrogates.kernels import OperationDistributionKernel
from ax_anasod.surrogates.levels import Level, LevelFeatures, LevelName, levels_of
from ax_anasod.surrogates.neural_ensemble import (
    EnsembleOptions,
    NeuralEnsemble,
    fit_neural_ensemble,
)
from ax_anasod.surrogates.operation_graphs import OperationGraphs, operation_graphs, simplified
from ax_anasod.surrogates.paths import effective_paths, num_paths
from ax_anasod.surrogates.posterior import log_expected_improvement, predict_posterior
from ax_anasod.surrogates.subtree_features import SubtreeFeatures, subtree_features
from ax_anasod.surrogates.two_level import ObservedLevels, TwoLevelGP
from ax_anasod.surrogates.two_level_model import TwoLevelModel
from ax_anasod.surrogates.weisfeiler_lehman import WeisfeilerLehmanGP, WeisfeilerLehmanKernel

__all__ = [
    "BayesianLinearRegression",
    "EncodingGP",
    "EnsembleOptions",
    "GCNOptions",
    "GraphConvolutionalNetwork",
    "GraphInputs",
    "Level",
    "LevelFeatures",
    "LevelName",
    "NeuralEnsemble",
    "ObservedLevels",
    "OperationDistributionKernel",
    "OperationGraphs",
    "SubtreeFeatures",
    "TwoLevelGP",
    "TwoLevelModel",
    "WeisfeilerLehmanGP",
    "WeisfeilerLehmanKernel",
    "effective_paths",
    "fit_encoding_gp",
    "fit_gcn",
    "fit_neural_ensemble",
    "graph_inputs",
    "levels_of",
    "log_expected_improvement",
    "num_paths",
    "operation_graphs",
    "predict_posterior",
    "simplified",
    "subtree_features",
]
