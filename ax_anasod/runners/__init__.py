"""Runners of trials."""

from ax_anasod.runners.lookup_runner import LookupRunner
from ax_anasod.runners.query import BenchmarkQuery
from ax_anasod.runners.ray_runner import RayRunner
from ax_anasod.runners.training_base import BaseTrainingRunner
from ax_anasod.runners.training_runner import TrainingRunner

__all__ = ["BaseTrainingRunner", "BenchmarkQuery", "LookupRunner", "RayRunner", "TrainingRunner"]
