"""The modules that a server of processes loads once, quietly, before they are forked from it.

To import it silences the process, so that only such a server should.
"""

from ax_anasod.compare.process import be_quiet

be_quiet()

from ax_anasod.compare import run_worker  # noqa: E402

__all__ = ["run_worker"]
