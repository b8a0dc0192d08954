"""What runs a trial."""

from ax_anasod.runners.lookup import LookupRunner
from ax_anasod.runners.query import BenchmarkQuery

__all__ = ["BenchmarkQuery", "LookupRunner"]
