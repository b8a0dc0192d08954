from ax_anasod.runs.execution import Execution as Execution
from ax_anasod.runs.folder import RunFolder as RunFolder
from ax_anasod.runs.loop import Search as Search
from ax_anasod.runs.planning import plan_run as plan_run
from ax_anasod.runs.results import Results as Results
from ax_anasod.runs.run_config import RunConfig as RunConfig
from ax_anasod.runs.training_search import TrainingSearch as TrainingSearch
from ax_anasod.runs.view import RunView as RunView
