"""What a proposal carries besides its parameters: the keys of Ax's ``gen_metadata``."""

from __future__ import annotations

from typing import Final

BETA: Final = "beta"
"""Beta of the trust region that it was drawn from."""

EXPECTED_IMPROVEMENT: Final = "expected_improvement_percent"
"""By how much it is expected to improve the best value, in percent of that."""
