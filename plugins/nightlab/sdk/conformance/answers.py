"""What the checks of calls share: which actions they ask, and what an answer to ApplyAction must be in itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from nightlab.api.digest import path_error
from nightlab.api.globs import matches_any
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.conformance.session import Session
from nightlab.sdk.conformance.verdict import Broken
from nightlab.sdk.conformance.workspaces import message, sha256

MOST_ASKED: Final = 25
MOST_EDITS: Final = 200
EDIT_BYTES: Final = 2 * 2**20
RESUME_BYTES: Final = 64 * 2**10


def asked(session: Session) -> tuple[pb.Action, ...]:
    """Return the actions that calls are made of: all, or 25 spread over a long list."""
    found = session.actions()
    step = -(-len(found) // MOST_ASKED)
    return found[::step]


def fitting(session: Session) -> Iterator[pb.Action]:
    """Yield the actions that call themselves applicable to the kit's workspace."""
    for action in asked(session):
        if session.check(session.check_request(action)).applicable:
            yield action


def judge(session: Session, action: pb.Action, answer: pb.ApplyActionResponse) -> str:
    """Tell which kind of answer it is.

    Raises:
        Broken: It is none, or a rejection or a question that says too little.
    """
    kind = answer.WhichOneof("result")
    if kind == "rejection":
        errors(action.name, answer.rejection)
    elif kind == "needs_completion":
        _question(session, action, answer.needs_completion)
    elif kind is None:
        raise Broken(f"{action.name} answered nothing; answer edits, a rejection or needs_completion")
    return str(kind)


def errors(action: str, rejection: pb.Rejection) -> list[pb.Diagnostic]:
    """Return what a rejection holds against the call.

    Raises:
        Broken: Nothing, or without a summary of one line.
    """
    found = [each for each in rejection.diagnostics if each.severity == pb.SEVERITY_ERROR]
    if not found:
        raise Broken(f"a rejection of {action} has no diagnostic of SEVERITY_ERROR; say what is wrong")
    for each in found:
        if not each.summary.strip() or "\n" in each.summary.strip():
            raise Broken(f"a rejection of {action} has the summary {each.summary[:80]!r}; write one line that says why")
    return found


def inside(action: pb.Action, edits: pb.EditSet) -> None:
    """Check where edits are.

    Raises:
        Broken: One is outside the tree or the action's writes, or they are too many.
    """
    size = sum(len(edit.write) for edit in edits.edits)
    if len(edits.edits) > MOST_EDITS or size > EDIT_BYTES:
        raise Broken(
            f"{action.name} returned {len(edits.edits)} edits of {size} bytes; at most {MOST_EDITS} edits and 2 MiB"
        )
    for edit in edits.edits:
        wrong = path_error(edit.path)
        if wrong is None and any(part.lower() == ".git" for part in edit.path.split("/")):
            wrong = "must not be inside .git"
        if wrong is None and not matches_any(edit.path, action.writes):
            wrong = f"is outside its writes ({', '.join(action.writes)}); declare it or leave the file alone"
        if wrong:
            raise Broken(f"{action.name} edits {edit.path[:120]!r}, which {wrong}")


def based(action: pb.Action, edits: pb.EditSet, files: Mapping[str, bytes]) -> None:
    """Check what edits are made from.

    Raises:
        Broken: One has another base, says no change, changes nothing, or a path occurs twice.
    """
    paths = [edit.path for edit in edits.edits]
    for edit in edits.edits:
        what = f"the edit of {edit.path} by {action.name}"
        base = files.get(edit.path)
        if paths.count(edit.path) > 1:
            raise Broken(f"{what} occurs twice; send one edit a file")
        if edit.WhichOneof("change") is None or (edit.WhichOneof("change") == "delete" and not edit.delete):
            raise Broken(f"{what} says neither write nor delete")
        if edit.base_sha256 != ("" if base is None else sha256(base)):
            raise Broken(f"{what} has another base_sha256; hash the content that came with the request, hex, lowercase")
        if base is None and edit.delete:
            raise Broken(f"{what} deletes a file that is not there")


def changes(edits: pb.EditSet, files: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """Return what edits change: new contents by path, None for a deleted file."""
    new = {edit.path: None if edit.delete else edit.write for edit in edits.edits}
    return {path: content for path, content in new.items() if content != files.get(path)}


def sound(session: Session, action: pb.Action, files: Mapping[str, bytes], arguments: Mapping[str, Any] | None) -> str:
    """Ask for edits in some workspace and check all of the answer; tell its kind.

    Raises:
        Broken: It breaks the contract.
    """
    checked = session.check(session.check_request(action, files))
    if checked.applicable and any(each.severity == pb.SEVERITY_ERROR for each in checked.diagnostics):
        raise Broken(f"CheckAction of {action.name} says applicable and gives an error; say one of both")
    answer = session.apply(session.apply_request(action, arguments, files))
    kind = judge(session, action, answer)
    inside(action, answer.edits)
    based(action, answer.edits, files)
    return kind


def shown(action: pb.Action, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that an action is shown."""
    return {file.path: file.content for file in message(files, action.reads).files}


def _question(session: Session, action: pb.Action, question: pb.CompletionRequest) -> None:
    if not session.has(pb.FEATURE_COMPLETION):
        raise Broken(f"{action.name} asks for a completion; list FEATURE_COMPLETION in GetPluginInfo")
    if not question.prompt.strip():
        raise Broken(f"{action.name} asks for a completion without a prompt")
    if question.max_output_tokens <= 0:
        raise Broken(f"{action.name} asks for a completion of {question.max_output_tokens} tokens; say how many")
    if len(question.resume) > RESUME_BYTES:
        raise Broken(f"{action.name} hands over {len(question.resume)} bytes to resume with; at most {RESUME_BYTES}")
