"""The journal of a run: every event of every trial, on the disk before the run goes on.

It knows nothing of Ax, so that looking at a run needs none of it.
"""

from ax_anasod.journal.content import (
    CONFIG,
    JOURNAL,
    TRACKED,
    Content,
    Record,
    check_quantities,
    extend,
    is_being_written,
    read_content,
    read_records,
)
from ax_anasod.journal.events import (
    BETWEEN_LAYERS,
    Completed,
    Event,
    Failed,
    Started,
    Stopped,
    plain_entries,
)
from ax_anasod.journal.journal import Journal, all_trials, write_records

__all__ = [
    "BETWEEN_LAYERS",
    "CONFIG",
    "JOURNAL",
    "TRACKED",
    "Completed",
    "Content",
    "Event",
    "Failed",
    "Journal",
    "Record",
    "Started",
    "Stopped",
    "all_trials",
    "check_quantities",
    "extend",
    "is_being_written",
    "plain_entries",
    "read_content",
    "read_records",
    "write_records",
]
