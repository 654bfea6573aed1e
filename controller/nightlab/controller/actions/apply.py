"""Checks the edits that a plugin returned; the plugin's word is not enough.

An edit outside what the action declared, on a stale base or over a limit is a broken contract (PluginError). One on a
file that the user protects is a rejection, which goes back to who asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.api.digest import path_error
from nightlab.api.globs import matches_any
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.grant import Grant
from nightlab.controller.actions.model import AppliedEdits, Note
from nightlab.controller.actions.select import sha256
from nightlab.controller.errors import PluginError

MAX_EDITS: Final = 200
EDIT_BYTES: Final = 2 * 2**20
_KEPT: Final = "the action wants to change a file that the config keeps"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an action may change.

    Attributes:
        writes: Globs that the action declared.
        editable: Globs of the config.
        protected: Globs of the config; they win.
        grant: What the user lets its plugin change; None: whatever is editable.
    """

    writes: Sequence[str]
    editable: Sequence[str]
    protected: Sequence[str]
    grant: Grant | None = None

    def refusal(self, path: str) -> str | None:
        """Say which setting keeps a path from being changed."""
        if not matches_any(path, self.editable):
            return "is not matched by train.editable"
        if matches_any(path, self.protected):
            return "is matched by train.protected"
        if self.grant is not None and not matches_any(path, self.grant.writes):
            return f"is not matched by {self.grant.setting}.writes"
        return None

    def hides(self, path: str) -> str | None:
        """Say which setting keeps a path from being shown."""
        if self.grant is None or matches_any(path, self.grant.reads):
            return None
        return f"is there, but not matched by {self.grant.setting}.reads, so that its content was not shown"


def checked_edits(
    author: str, response: pb.ApplyActionResponse, files: Mapping[str, bytes], bounds: Bounds
) -> AppliedEdits:
    """Turn a plugin's answer into edits that may be written.

    Args:
        author: "action:plugin/name", for the error's text.
        response: What the plugin answered.
        files: The tree's editable files.
        bounds: What may be changed.

    Raises:
        PluginError: The answer breaks the contract.
    """
    kind = response.WhichOneof("result")
    if kind == "rejection":
        return AppliedEdits({}, rejection=_rejection(author, response.rejection))
    if kind != "edits":
        raise PluginError(f"{author} answered {kind or 'nothing'}, which this host does not take")
    refused = tuple(_refusals(response.edits, files, bounds))
    changes = _changes(author, response.edits, files, bounds.writes, {note.pointer for note in refused})
    if refused:
        return AppliedEdits({}, rejection=refused)
    writes = {path: new for path, new in changes.items() if new is not None and new != files.get(path)}
    deletes = tuple(path for path, new in changes.items() if new is None)
    return AppliedEdits(writes, deletes, " ".join(response.edits.summary.split())[:400])


def _refusals(edit_set: pb.EditSet, files: Mapping[str, bytes], bounds: Bounds) -> Iterator[Note]:
    for edit in edit_set.edits[:MAX_EDITS]:
        reason = bounds.refusal(edit.path) or (bounds.hides(edit.path) if edit.path in files else None)
        if reason:
            yield Note("error", f"{edit.path} {reason}", _KEPT, edit.path)


def _changes(
    author: str, edit_set: pb.EditSet, files: Mapping[str, bytes], writes: Sequence[str], refused: Collection[str]
) -> dict[str, bytes | None]:
    """Return new contents by path, None for a deleted file. A refused path may have a base that was not shown."""
    if len(edit_set.edits) > MAX_EDITS or sum(len(edit.write) for edit in edit_set.edits) > EDIT_BYTES:
        raise PluginError(f"{author} returned more than {MAX_EDITS} edits or {EDIT_BYTES} bytes")
    changes: dict[str, bytes | None] = {}
    for edit in edit_set.edits:
        wrong = _path_error(edit, writes) or (None if edit.path in refused else _base_error(edit, files))
        if wrong or edit.path in changes:
            raise PluginError(
                f"{author}: its edit of {edit.path[:200]!r} {wrong or 'occurs twice'}; nothing was changed"
            )
        changes[edit.path] = edit.write if edit.WhichOneof("change") == "write" else None
    return dict(sorted(changes.items()))


def _path_error(edit: pb.FileEdit, writes: Sequence[str]) -> str | None:
    reason = path_error(edit.path)
    if reason:
        return reason
    if any(part.lower() == ".git" for part in edit.path.split("/")):
        return "is inside a .git directory"
    if not matches_any(edit.path, writes):
        return f"is outside the files it declared to write ({', '.join(writes)})"
    if edit.WhichOneof("change") is None or (edit.WhichOneof("change") == "delete" and not edit.delete):
        return "says neither write nor delete"
    return None


def _base_error(edit: pb.FileEdit, files: Mapping[str, bytes]) -> str | None:
    base = files.get(edit.path)
    if edit.base_sha256 != ("" if base is None else sha256(base)):
        return "was made from other content than the tree has"
    return "deletes a file that does not exist" if base is None and edit.WhichOneof("change") == "delete" else None


def _rejection(author: str, rejection: pb.Rejection) -> tuple[Note, ...]:
    notes = tuple(map(Note.of, rejection.diagnostics[:100]))
    return notes or (Note("error", f"{author} refused without a reason"),)
