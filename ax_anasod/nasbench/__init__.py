"""Real benchmarks behind one protocol: values looked up instead of trained."""

from ax_anasod.nasbench.benchmark import (
    Benchmark,
    from_dict,
    get_class,
    make,
    names,
    register_benchmark,
)
from ax_anasod.nasbench.hybrid import HybridLMBenchmark
from ax_anasod.nasbench.lookup_benchmark import LookupBenchmark
from ax_anasod.nasbench.nasbench201 import NASBench201Benchmark
from ax_anasod.nasbench.nasbench301 import NASBench301Benchmark
from ax_anasod.nasbench.nasbench_graph import NASBenchGraphBenchmark
from ax_anasod.nasbench.table import TableBenchmark
from ax_anasod.objectives import Objective

__all__ = [
    "Benchmark",
    "HybridLMBenchmark",
    "LookupBenchmark",
    "NASBench201Benchmark",
    "NASBench301Benchmark",
    "NASBenchGraphBenchmark",
    "Objective",
    "TableBenchmark",
    "from_dict",
    "get_class",
    "make",
    "names",
    "register_benchmark",
]
