"""Checks of edits: the same call has the same ones, and they are where and on what they say."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.conformance.answers import asked, based, changes, fitting, inside, judge
from nightlab.sdk.conformance.arguments import example, samples
from nightlab.sdk.conformance.failed import CallFailed
from nightlab.sdk.conformance.session import Session, shorten
from nightlab.sdk.conformance.target import MESSAGE_BYTES
from nightlab.sdk.conformance.verdict import Broken, Skipped

Look = Callable[[pb.Action, pb.EditSet], None]
PARALLEL: Final = 16
TRIED: Final = 6
_NO_FIT: Final = "no action is applicable to this workspace; name one by --workspace DIR that fits"


def apply_answers(session: Session) -> str:
    """Every action answers an example of its own arguments."""
    kinds = [judge(session, action, session.apply(session.apply_request(action))) for action in asked(session)]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))


def apply_repeatable(session: Session) -> str:
    """The same call has the same answer; a deterministic action's under another request_id, too."""
    for action in asked(session):
        first = session.apply(session.apply_request(action))
        for number in range(session.budget.repeat):
            request_id = f"kit-again-{number}" if action.deterministic else "kit-1"
            if session.apply(session.apply_request(action, request_id=request_id)) != first:
                said = "deterministic" if action.deterministic else "the same request_id"
                raise Broken(
                    f"{action.name} ({said}) answered the same call in two ways; use only the request: no clock, no "
                    "global, no randomness but from seed"
                )
    return f"{session.budget.repeat} times the same"


def check_harmless(session: Session) -> str:
    """CheckAction has the same answer each time and no effect on ApplyAction."""
    for action in asked(session):
        before = session.apply(session.apply_request(action))
        checked = session.check(session.check_request(action))
        session.check(session.check_request(action, {}))
        if session.check(session.check_request(action)) != checked:
            raise Broken(f"CheckAction of {action.name} has two answers for one workspace; keep nothing between calls")
        if session.apply(session.apply_request(action)) != before:
            raise Broken(f"{action.name} applies otherwise after CheckAction; keep nothing between calls")
    return "no effect"


def edits_inside_writes(session: Session) -> str:
    """Edits stay inside the tree and the declared writes."""
    return f"{_each_edit(session, inside)} edits"


def edits_on_base(session: Session) -> str:
    """Edits name the content that they were made from, and say what they do."""
    count = _each_edit(session, lambda action, edits: based(action, edits, session.files))
    return f"{count} edits"


def edits_change(session: Session) -> str:
    """An action that accepts every call changes something in at least one; otherwise it says why not."""
    silent = []
    tried = False
    for action in fitting(session):
        tried = True
        calls = [example(session.schema(action)), *samples(session.schema(action), action.name, TRIED)]
        answers = [session.apply(session.apply_request(action, arguments)) for arguments in calls]
        edits = [answer.edits for answer in answers if answer.WhichOneof("result") == "edits"]
        if len(edits) == len(answers) and not any(changes(each, session.files) for each in edits):
            silent.append(action.name)
    if silent:
        raise Broken(f"{silent[0]} is applicable, accepts all arguments and changes nothing; reject and say why")
    if not tried:
        raise Skipped(_NO_FIT)
    return "they do something"


def parallel(session: Session) -> str:
    """Sixteen calls at once have the answers that they have one after the other."""
    requests = [
        session.apply_request(action, arguments)
        for action in asked(session)
        for arguments in samples(session.schema(action), f"parallel {action.name}", PARALLEL)
        if action.deterministic
    ][:PARALLEL]
    if not requests:
        raise Skipped("no action is deterministic")
    requests = (requests * PARALLEL)[:PARALLEL]
    one_by_one = [session.apply(request) for request in requests]
    with ThreadPoolExecutor(PARALLEL) as pool:
        at_once = list(pool.map(session.apply, requests))
    for request, before, after in zip(requests, one_by_one, at_once, strict=True):
        if before != after:
            call = f"{request.action} with {shorten(request.arguments_json)}"
            raise Broken(f"{call} answers otherwise among {PARALLEL} calls at once; share nothing between calls")
    return f"{PARALLEL} at once"


def unknown_action(session: Session) -> str:
    """An action that is not in the list is NOT_FOUND."""
    name = "no_such_action"
    for method, call in (
        ("CheckAction", lambda: session.check(pb.CheckActionRequest(action=name))),
        ("ApplyAction", lambda: session.apply(pb.ApplyActionRequest(action=name, arguments_json="{}"))),
    ):
        try:
            call()
        except CallFailed as failed:
            if failed.code is grpc.StatusCode.NOT_FOUND:
                continue
            raise Broken(f"{method} of an unknown action ended with {failed.code.name}; use NOT_FOUND") from failed
        raise Broken(f"{method} answers for an action that is not in the list; end the call with NOT_FOUND")
    return "NOT_FOUND"


def large_message(session: Session) -> str:
    """A request just under 4 MiB is taken."""
    action = asked(session)[0]
    request = session.apply_request(action)
    room = MESSAGE_BYTES - request.ByteSize() - 1024
    varint = bytes([room & 127 | 128, (room >> 7) & 127 | 128, (room >> 14) & 127 | 128, room >> 21])
    padded = pb.ApplyActionRequest.FromString(request.SerializeToString() + b"\xfa\x7f" + varint + bytes(room))
    answer = session.apply(padded)
    if action.deterministic and answer != session.apply(request):
        raise Broken(f"{action.name} answers otherwise in a large request; ignore fields that you do not know")
    return f"{padded.ByteSize()} bytes"


def _each_edit(session: Session, look: Look) -> int:
    count, tried = 0, False
    for action in fitting(session):
        tried = True
        calls = [example(session.schema(action)), *samples(session.schema(action), action.name, TRIED)]
        for arguments in calls:
            edits = session.apply(session.apply_request(action, arguments)).edits
            look(action, edits)
            count += len(edits.edits)
    if not tried:
        raise Skipped(_NO_FIT)
    return count
