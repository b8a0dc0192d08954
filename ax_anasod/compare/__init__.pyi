from ax_anasod.compare.comparison import Comparison as Comparison
from ax_anasod.compare.comparison import compare_strategies as compare_strategies
from ax_anasod.compare.comparison_plan import Plan as Plan
from ax_anasod.compare.contender import Contender as Contender
from ax_anasod.compare.contender_summary import Summary as Summary
from ax_anasod.compare.progress import Observer as Observer
