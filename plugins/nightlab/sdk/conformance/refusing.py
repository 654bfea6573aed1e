"""Checks of what a plugin does with input that it cannot use: it says what is wrong and where, and goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import grpc

from nightlab.api.params import argument_problems, complete
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.conformance.answers import asked, errors, judge, shown, sound
from nightlab.sdk.conformance.arguments import Bad, bad_texts, bad_values, example, samples
from nightlab.sdk.conformance.failed import CallFailed
from nightlab.sdk.conformance.session import Session, shorten, usable_schema
from nightlab.sdk.conformance.verdict import Broken, Doubtful
from nightlab.sdk.conformance.workspaces import NOT_UTF8, with_crlf

RANDOM: Final = 20
MOST_BAD: Final = 60
MOST_FILES: Final = 10
_SETTINGS: Final = ("{}", '{"no_such_setting": [1, {"a": null}]}', "not JSON", "[]")


def random_arguments(session: Session) -> str:
    """Any arguments that the schema takes are accepted, or rejected with a pointer to the one that does not fit."""
    count = 0
    for action in asked(session):
        schema = session.schema(action)
        usual = judge(session, action, session.apply(session.apply_request(action)))
        for arguments in samples(schema, f"random {action.name}", RANDOM):
            answer = session.apply(session.apply_request(action, arguments))
            judge(session, action, answer)
            if usual != "rejection" and answer.HasField("rejection"):
                _points(action, answer.rejection, arguments)
            count += 1
    return f"{count} arguments"


def _points(action: pb.Action, rejection: pb.Rejection, arguments: Mapping[str, Any]) -> None:
    if not any(each.pointer for each in errors(action.name, rejection)):
        raise Broken(
            f"{action.name} rejects {shorten(arguments)}, which its schema takes, without a pointer; point at the "
            "argument or the file that does not fit, or narrow the schema"
        )


def bad_arguments(session: Session) -> str:
    """A missing, unknown, mistyped or too large argument is rejected by name, with what is allowed."""
    count = 0
    for action in asked(session):
        good = example(session.schema(action))
        for bad in list(bad_values(session.declared(action), good))[:MOST_BAD]:
            _refused(session, action, bad)
            count += 1
    return f"{count} refused"


def bad_json(session: Session) -> str:
    """Arguments that are no JSON object, or a huge one, are rejected."""
    actions = asked(session)[:3]
    for action in actions:
        for bad in bad_texts(session.schema(action)):
            _refused(session, action, bad)
    return f"refused by {len(actions)} actions"


def _refused(session: Session, action: pb.Action, bad: Bad) -> None:
    what = f"{action.name} with {bad.what} ({shorten(bad.text, 80)})"
    try:
        answer = session.apply(session.apply_request(action, bad.text))
    except CallFailed as failed:
        raise Broken(f"{what}: {failed}; answer with a Rejection") from failed
    if answer.WhichOneof("result") != "rejection":
        raise Broken(f"{what} was answered with {answer.WhichOneof('result')}; validate arguments and reject these")
    found = errors(action.name, answer.rejection)
    pointers = [each.pointer for each in found]
    if bad.pointer is not None and bad.pointer not in pointers:
        raise Broken(f"{what}: the rejection points at {pointers}; set pointer to {bad.pointer!r}")
    if bad.pointer is not None and not any(each.detail.strip() for each in found if each.pointer == bad.pointer):
        raise Broken(f"{what}: the rejection does not say what is allowed; put that into detail")


def narrowed_schema(session: Session) -> str:
    """A narrowed schema takes only what the action's own schema takes."""
    count = 0
    for action in asked(session):
        text = session.check(session.check_request(action)).narrowed_schema
        if not text:
            continue
        count += 1
        narrowed = usable_schema(action, text)
        if not action.schema_from_workspace:
            _subset(action, narrowed)
    return f"{count} narrowed"


def _subset(action: pb.Action, narrowed: Mapping[str, Any]) -> None:
    whole = usable_schema(action, action.parameters_schema)
    for arguments in (example(narrowed), *samples(narrowed, f"narrowed {action.name}", RANDOM)):
        problems = argument_problems(whole, complete(narrowed, arguments))
        if problems:
            raise Broken(
                f"narrowed_schema of {action.name} takes {shorten(arguments)}, parameters_schema does not "
                f"({problems[0].summary}); narrow it further or widen that one"
            )


def missing_files(session: Session) -> str:
    """With any one of its files gone, an action answers."""
    count = 0
    for action in asked(session):
        for path in list(shown(action, session.files))[:MOST_FILES]:
            rest = {name: content for name, content in session.files.items() if name != path}
            sound(session, action, rest, example(session.schema(action)))
            count += 1
    return f"{count} files left out"


def empty_workspace(session: Session) -> str:
    """With no file at all, an action answers."""
    for action in asked(session):
        sound(session, action, {}, example(session.schema(action)))
    return "answered"


def not_utf8(session: Session) -> str:
    """With files that are no text, an action answers."""
    for action in asked(session):
        broken = dict.fromkeys(session.files, NOT_UTF8)
        sound(session, action, broken, example(session.schema(action)))
        mixed = {path: content + NOT_UTF8 for path, content in session.files.items()}
        sound(session, action, mixed, example(session.schema(action)))
    return "answered"


def line_ends(session: Session) -> str:
    """Files with CRLF are answered, and their edits keep it."""
    files = with_crlf(session.files)
    lost = ""
    for action in asked(session):
        arguments = example(session.schema(action))
        sound(session, action, files, arguments)
        edits = session.apply(session.apply_request(action, arguments, files)).edits
        for edit in edits.edits:
            if b"\r\n" in files.get(edit.path, b"") and b"\r\n" not in edit.write and edit.write:
                lost = f"{action.name} gives {edit.path} other line ends; keep CRLF, or each line of a diff has changed"
    if lost:
        raise Doubtful(lost)
    return "kept"


def settings(session: Session) -> str:
    """Settings that an action does not know are ignored or told of."""
    for action in asked(session):
        for text in _SETTINGS:
            request = session.apply_request(action)
            request.settings_json = text
            judge(session, action, session.apply(request))
            check = session.check_request(action)
            check.settings_json = text
            session.check(check)
    return "answered"


def garbage_state(session: Session) -> str:
    """A state that the plugin did not write is ignored or FAILED_PRECONDITION."""
    for state in (b"\x00\xff garbage", b"{", bytes(range(256)) * 64):
        for action in asked(session)[:3]:
            apply, check = session.apply_request(action), session.check_request(action)
            apply.state = check.state = state
            _unusable(partial(session.apply, apply))
            _unusable(partial(session.check, check))
        if session.has(pb.FEATURE_OBSERVE):
            _unusable(partial(session.observe, pb.ObserveOutcomesRequest(state=state)))
    return "ignored or refused"


def _unusable(call: Callable[[], object]) -> None:
    try:
        call()
    except CallFailed as failed:
        if failed.code is not grpc.StatusCode.FAILED_PRECONDITION:
            raise Broken(f"garbage as state: {failed}; ignore it or end the call with FAILED_PRECONDITION") from failed
