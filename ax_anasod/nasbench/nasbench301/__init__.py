"""NAS-Bench-301: surrogates of the DARTS cell, in two forms."""

from ax_anasod.nasbench.nasbench301.surrogate_benchmark import NASBench301Benchmark

__all__ = ["NASBench301Benchmark"]
