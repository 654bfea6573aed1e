"""The user's repo on the host: the base tree, the contents by hash, the history of edits, and the way back as a patch.

Nothing here runs code or configuration that the repo brings; `git.py` is the only place that starts git.
"""

from nightlab.controller.repo.blobs import BlobStore, StoredBlob
from nightlab.controller.repo.export import (
    BranchExport,
    ExportStep,
    PatchExport,
    Provenance,
    export_branch,
    export_patch_series,
)
from nightlab.controller.repo.history import History, RecordedEdit
from nightlab.controller.repo.revision import Revision, has_commit, read_revision
from nightlab.controller.repo.snapshot import BaseTree, SnapshotLimits, snapshot

__all__ = [
    "BaseTree",
    "BlobStore",
    "BranchExport",
    "ExportStep",
    "History",
    "PatchExport",
    "Provenance",
    "RecordedEdit",
    "Revision",
    "SnapshotLimits",
    "StoredBlob",
    "export_branch",
    "export_patch_series",
    "has_commit",
    "read_revision",
    "snapshot",
]
