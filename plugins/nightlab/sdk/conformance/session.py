"""A plugin under check: its lives, calls with deadlines, and what is asked of it again and again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from nightlab.api.params import load_object, schema_problems
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.conformance.arguments import example
from nightlab.sdk.conformance.budget import Budget
from nightlab.sdk.conformance.failed import CallFailed, no_answer
from nightlab.sdk.conformance.target import CallError, Life, StartError, Target, Watched
from nightlab.sdk.conformance.verdict import Broken
from nightlab.sdk.conformance.workspaces import message

HOST_VERSION: Final = "0.1.0"
MOST_ACTIONS: Final = 1000
Answer = TypeVar("Answer", bound=Message)
Arguments = Mapping[str, Any] | str


class Session:
    """Calls of the kit, on one life of the plugin after the other.

    Attributes:
        target: Starts lives.
        files: The workspace, before an action's `reads` choose from it.
        budget: What is allowed.
        slowest: The slowest call so far, seconds and what it was.
    """

    def __init__(self, target: Target, files: Mapping[str, bytes], budget: Budget) -> None:
        self.target = target
        self.files = dict(files)
        self.budget = budget
        self.slowest: tuple[float, str] = (0.0, "")
        self.peak_memory_bytes: int | None = None
        self.printed_bytes = 0
        self._life: Life | None = None
        self._no_start = False
        self._info: pb.GetPluginInfoResponse | None = None
        self._actions: tuple[pb.Action, ...] | None = None
        self._schemas: dict[str, dict[str, Any]] = {}

    def life(self) -> Life:
        """Return a life that answers; start one if there is none.

        Raises:
            StartError: There is none to be had. It is not tried a second time.
        """
        if self._no_start:
            raise StartError("the plugin does not start, as the first failure says")
        if self._life is None or not self._life.alive:
            self.end()
            self._life = self._started()
        return self._life

    def fresh(self) -> Life:
        """End the life there is and start another one.

        Raises:
            StartError: It does not start again.
        """
        self.end()
        return self.life()

    def end(self) -> None:
        """End the life there is."""
        life, self._life = self._life, None
        if life is not None:
            life.kill()
            self.note(life.watched())

    def note(self, watched: Watched) -> None:
        """Keep the most of what lives took."""
        if watched.peak_memory_bytes is not None:
            self.peak_memory_bytes = max(self.peak_memory_bytes or 0, watched.peak_memory_bytes)
        self.printed_bytes = max(self.printed_bytes, watched.printed_bytes)

    def watched(self) -> Watched:
        """Look at the life there is and keep what it took."""
        watched = self.life().watched()
        self.note(watched)
        return watched

    def forget(self) -> None:
        """Ask anew for what was kept of earlier answers."""
        self._info, self._actions = None, None
        self._schemas.clear()

    def get_info(self, request: pb.GetPluginInfoRequest | None = None) -> pb.GetPluginInfoResponse:
        """Call GetPluginInfo."""
        asked = request or pb.GetPluginInfoRequest(host_version=HOST_VERSION)
        return self._call("GetPluginInfo", "", asked, pb.GetPluginInfoResponse)

    def list_actions(self, request: pb.ListActionsRequest) -> pb.ListActionsResponse:
        """Call ListActions for one page."""
        return self._call("ListActions", "", request, pb.ListActionsResponse)

    def check(self, request: pb.CheckActionRequest) -> pb.CheckActionResponse:
        """Call CheckAction."""
        return self._call("CheckAction", request.action, request, pb.CheckActionResponse)

    def apply(self, request: pb.ApplyActionRequest) -> pb.ApplyActionResponse:
        """Call ApplyAction."""
        return self._call("ApplyAction", request.action, request, pb.ApplyActionResponse)

    def observe(self, request: pb.ObserveOutcomesRequest) -> pb.ObserveOutcomesResponse:
        """Call ObserveOutcomes."""
        return self._call("ObserveOutcomes", "", request, pb.ObserveOutcomesResponse)

    def info(self) -> pb.GetPluginInfoResponse:
        """Return what GetPluginInfo answered first."""
        if self._info is None:
            self._info = self.get_info()
        return self._info

    def has(self, feature: pb.Feature) -> bool:
        """Tell whether the plugin claims an optional ability."""
        return feature in self.info().features

    def pages(self, size: int = 0) -> list[pb.ListActionsResponse]:
        """List all pages.

        Raises:
            Broken: They do not end.
        """
        found: list[pb.ListActionsResponse] = []
        token = ""
        while not found or token:
            found.append(self.list_actions(pb.ListActionsRequest(page_size=size, page_token=token)))
            token = found[-1].next_page_token
            if len(found) > MOST_ACTIONS or (token and not found[-1].actions):
                raise Broken(
                    f"the list of actions does not end; leave next_page_token of the last page empty ({size=})"
                )
        return found

    def actions(self) -> tuple[pb.Action, ...]:
        """Return the actions that were listed first.

        Raises:
            Broken: There is none.
        """
        if self._actions is None:
            self._actions = tuple(action for page in self.pages() for action in page.actions)
        if not self._actions:
            raise Broken("there is no action; a plugin lists at least one")
        return self._actions

    def schema(self, action: pb.Action) -> dict[str, Any]:
        """Return an action's parameters in the workspace of the kit."""
        if action.name not in self._schemas:
            answer = self.check(self.check_request(action))
            self._schemas[action.name] = usable_schema(action, answer.narrowed_schema or action.parameters_schema)
        return self._schemas[action.name]

    def declared(self, action: pb.Action) -> dict[str, Any]:
        """Return the parameters outside of which an action must refuse; outside a narrowed schema it may or may not."""
        return self.schema(action) if action.schema_from_workspace else usable_schema(action, action.parameters_schema)

    def check_request(self, action: pb.Action, files: Mapping[str, bytes] | None = None) -> pb.CheckActionRequest:
        """Ask whether an action fits the kit's workspace, or other files."""
        shown = message(self.files if files is None else files, action.reads)
        return pb.CheckActionRequest(action=action.name, workspace=shown)

    def apply_request(
        self,
        action: pb.Action,
        arguments: Arguments | None = None,
        files: Mapping[str, bytes] | None = None,
        *,
        request_id: str = "kit-1",
    ) -> pb.ApplyActionRequest:
        """Ask for the edits of an action; without arguments, for those of an example."""
        chosen = example(self.schema(action)) if arguments is None else arguments
        return pb.ApplyActionRequest(
            request_id=request_id,
            action=action.name,
            arguments_json=chosen if isinstance(chosen, str) else json.dumps(dict(chosen)),
            workspace=message(self.files if files is None else files, action.reads),
            seed=7,
        )

    def _started(self) -> Life:
        try:
            life = self.target.start()
        except StartError:
            self._no_start = True
            raise
        request = pb.GetPluginInfoRequest(host_version=HOST_VERSION).SerializeToString()
        try:
            life.call("GetPluginInfo", request, timeout_s=self.budget.start_s, wait_for_ready=True)
        except CallError as error:
            life.kill()
            self._no_start = True
            raise StartError(no_answer(error, self.budget.start_s, life.watched().last_words)) from error
        return life

    def _call(self, method: str, action: str, request: Message, kind: type[Answer]) -> Answer:
        life, what = self.life(), f"{method} of {action}" if action else method
        with self._timed(what):
            try:
                return kind.FromString(life.call(method, request.SerializeToString(), timeout_s=self.budget.call_s))
            except CallError as error:
                raise self._asked(error, what) from error
            except DecodeError as error:
                raise Broken(
                    f"{what} was answered with what is no {kind.DESCRIPTOR.name}; send that message"
                ) from error

    def _asked(self, error: CallError, what: str) -> CallFailed:
        if error.code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE):
            self.end()  # what hangs in it would delay every later call
        return CallFailed(what, error)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.slowest = max(self.slowest, (time.monotonic() - began, what))


def read_schema(action: pb.Action, text: str) -> dict[str, Any]:
    """Read a schema's text.

    Raises:
        Broken: It is no JSON object.
    """
    try:
        return load_object(text)
    except ValueError as error:
        raise Broken(f"the schema of {action.name} {error}; write a JSON object") from error


def usable_schema(action: pb.Action, text: str) -> dict[str, Any]:
    """Read a schema that arguments are made from.

    Raises:
        Broken: It is not in the subset.
    """
    schema = read_schema(action, text)
    problems = schema_problems(schema)
    if problems:
        first = problems[0]
        where = f"the schema of {action.name}{first.pointer}"
        raise Broken(f"{where}: {first.summary}; allowed: {first.allowed}")
    return schema


def shorten(value: object, most: int = 160) -> str:
    """Write a value in at most so many characters."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def names(actions: Sequence[pb.Action]) -> list[str]:
    """Name actions in their order."""
    return [action.name for action in actions]
