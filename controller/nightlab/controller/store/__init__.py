"""The state directory: studies, trials, attempts and what was measured, in one SQLite file with one writer."""

from nightlab.controller.store.database import Lock, holder_pid, open_reader, open_writer
from nightlab.controller.store.records import (
    ApprovalRecord,
    AttemptRecord,
    EditRecord,
    EventRecord,
    PluginRecord,
    ProofKind,
    ProofRecord,
    ProofState,
    QuarantineRecord,
    StudyRecord,
    TrialRecord,
)
from nightlab.controller.store.store import Store

__all__ = [
    "ApprovalRecord",
    "AttemptRecord",
    "EditRecord",
    "EventRecord",
    "Lock",
    "PluginRecord",
    "ProofKind",
    "ProofRecord",
    "ProofState",
    "QuarantineRecord",
    "Store",
    "StudyRecord",
    "TrialRecord",
    "holder_pid",
    "open_reader",
    "open_writer",
]
