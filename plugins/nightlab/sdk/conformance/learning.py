"""Checks of the optional abilities: learning from outcomes, and asking the host's language model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

import grpc

from nightlab.api.params import load_object, schema_problems
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.conformance.answers import asked, based, inside, judge
from nightlab.sdk.conformance.arguments import example
from nightlab.sdk.conformance.failed import CallFailed
from nightlab.sdk.conformance.session import Session
from nightlab.sdk.conformance.verdict import Broken, Skipped

STATE_BYTES: Final = 256 * 2**10
MANY: Final = 1000
BATCH: Final = 100
QUESTIONS: Final = 3
"""Whose answers a host still hands to the plugin."""
_NONSENSE: Final = ("", "not what was asked for", '{"no_such_key": 1}', "[" * 5000, "x" * 100_000)
_STATUSES: Final = (pb.OUTCOME_STATUS_SUCCEEDED, pb.OUTCOME_STATUS_FAILED, pb.OUTCOME_STATUS_PRUNED)


def optional_calls(session: Session) -> str:
    """ObserveOutcomes works, or is UNIMPLEMENTED and not claimed."""
    try:
        session.observe(pb.ObserveOutcomesRequest(outcomes=_outcomes(session, 2)))
    except CallFailed as failed:
        if session.has(pb.FEATURE_OBSERVE) or failed.code is not grpc.StatusCode.UNIMPLEMENTED:
            remedy = "answer it, or claim no FEATURE_OBSERVE and end it with UNIMPLEMENTED"
            raise Broken(f"ObserveOutcomes ended with {failed.code.name}; {remedy}") from failed
        return "UNIMPLEMENTED, as claimed"
    return "ObserveOutcomes works"


def observe_idempotent(session: Session) -> str:
    """Folding an outcome in again changes nothing, and the same fold has the same state."""
    _needs(session, pb.FEATURE_OBSERVE, "FEATURE_OBSERVE")
    first, second = _outcomes(session, 2)
    once = _fold(session, [first, second])
    if _fold(session, [first, second]) != once:
        raise Broken("the same outcomes made two states; make the state of the request only, in a fixed order")
    for what, again in (("the last outcome", [second]), ("all outcomes", [first, second]), ("nothing", [])):
        if _fold(session, again, once) != once:
            raise Broken(f"{what} folded in again changed the state; remember each trial_id and count it once")
    if _fold(session, [second], _fold(session, [first])) != once:
        raise Broken("two outcomes one by one make another state than both at once; fold them in order")
    return f"{len(once)} bytes of state"


def state_size(session: Session) -> str:
    """The state of a thousand outcomes is at most 256 KiB."""
    _needs(session, pb.FEATURE_OBSERVE, "FEATURE_OBSERVE")
    outcomes, state = _outcomes(session, MANY), b""
    for first in range(0, MANY, BATCH):
        state = _fold(session, outcomes[first : first + BATCH], state)
        if len(state) > STATE_BYTES:
            seen = first + BATCH
            raise Broken(f"the state has {len(state)} bytes after {seen} outcomes; at most {STATE_BYTES}: keep sums")
    for action in asked(session)[:3]:
        request = session.apply_request(action)
        request.state = state
        judge(session, action, session.apply(request))
    return f"{len(state)} bytes"


def completion(session: Session) -> str:
    """A question to the language model is answered by an answer: in the end there are edits or a rejection."""
    _needs(session, pb.FEATURE_COMPLETION, "FEATURE_COMPLETION")
    rounds = [_talk(session, request) for request in _questions(session)]
    if not rounds:
        raise Skipped("no action asked for a completion in this workspace; --workspace DIR names another")
    return f"{len(rounds)} questions, at most {max(rounds)} rounds"


def completion_nonsense(session: Session) -> str:
    """An answer that is not what was asked for ends in a rejection or another question, never in a crash."""
    _needs(session, pb.FEATURE_COMPLETION, "FEATURE_COMPLETION")
    count = 0
    for request in _questions(session):
        action = _named(session, request.action)
        resume = session.apply(request).needs_completion.resume
        for text in _NONSENSE:
            request.completion.CopyFrom(pb.Completion(text=text, resume=resume))
            answer = session.apply(request)
            judge(session, action, answer)
            inside(action, answer.edits)
            count += 1
        request.completion.CopyFrom(pb.Completion(text="{}", resume=b"\xff\x00 garbage"))
        _resumed(partial(session.apply, request))
    if not count:
        raise Skipped("no action asked for a completion in this workspace")
    return f"{count} answers"


def _needs(session: Session, feature: pb.Feature, name: str) -> None:
    if not session.has(feature):
        raise Skipped(f"the plugin does not claim {name}")


def _fold(session: Session, outcomes: Sequence[pb.Outcome], state: bytes = b"") -> bytes:
    return session.observe(pb.ObserveOutcomesRequest(outcomes=outcomes, state=state)).state


def _outcomes(session: Session, count: int) -> list[pb.Outcome]:
    actions = session.actions()
    return [
        pb.Outcome(
            trial_id=f"kit-trial-{number:05d}",
            action=actions[number % len(actions)].name,
            arguments_json=json.dumps(example(session.schema(actions[number % len(actions)]))),
            status=_STATUSES[number % 3],
            metrics={"val_loss": 2.0 - number / 1000} if number % 3 == 0 else {},
            baseline_delta=0.001 * number if number % 3 == 0 else 0.0,
        )
        for number in range(count)
    ]


def _questions(session: Session) -> Iterator[pb.ApplyActionRequest]:
    """Yield calls that are answered by a question."""
    for action in asked(session):
        request = session.apply_request(action)
        if session.apply(request).HasField("needs_completion"):
            yield request


def _talk(session: Session, request: pb.ApplyActionRequest) -> int:
    """Answer questions until there are edits or a rejection; tell how many there were."""
    action = _named(session, request.action)
    for number in range(1, QUESTIONS + 1):
        question = session.apply(request).needs_completion
        request.completion.CopyFrom(pb.Completion(text=_scripted(action, question), resume=question.resume))
        answer = session.apply(request)
        if action.deterministic and session.apply(request) != answer:
            raise Broken(f"{action.name} answers one completion in two ways; use only the request and its resume")
        judge(session, action, answer)
        if not answer.HasField("needs_completion"):
            inside(action, answer.edits)
            based(action, answer.edits, session.files)
            return number
    raise Broken(f"{action.name} asked {QUESTIONS} times and never answered; then reject")


def _scripted(action: pb.Action, question: pb.CompletionRequest) -> str:
    """What a plain model would say: an example of the schema that was asked for, or a word."""
    if not question.response_schema:
        return "yes"
    try:
        schema = load_object(question.response_schema)
    except ValueError as error:
        raise Broken(f"{action.name}: response_schema {error}; write a JSON Schema that is an object") from error
    return json.dumps(example(schema)) if not schema_problems(schema) else "{}"


def _resumed(call: Callable[[], object]) -> None:
    try:
        call()
    except CallFailed as failed:
        if failed.code is not grpc.StatusCode.FAILED_PRECONDITION:
            raise Broken(f"garbage in resume: {failed}; reject it or end with FAILED_PRECONDITION") from failed


def _named(session: Session, name: str) -> pb.Action:
    return next(action for action in session.actions() if action.name == name)
