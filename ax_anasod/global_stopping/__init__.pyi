from ax_anasod.global_stopping.rule import promises_too_little as promises_too_little
from ax_anasod.global_stopping.rule import stop_reason as stop_reason
from ax_anasod.global_stopping.stopping_strategy import (
    ExpectedImprovementStoppingStrategy as ExpectedImprovementStoppingStrategy,
)
from ax_anasod.global_stopping.stopping_strategy import (
    check_until_improvement_below as check_until_improvement_below,
)
from ax_anasod.global_stopping.stopping_strategy import (
    stopping_strategy_to_dict as stopping_strategy_to_dict,
)
