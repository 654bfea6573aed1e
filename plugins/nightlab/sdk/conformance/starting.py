"""Checks of what a plugin says about itself: its name, its list of actions, and what each of them declares."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import grpc
from google.protobuf.message import Message

from nightlab.api.digest import path_error
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.conformance.failed import CallFailed
from nightlab.sdk.conformance.session import MOST_ACTIONS, Session, names, usable_schema
from nightlab.sdk.conformance.verdict import Broken

PLUGIN_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,47}")
ACTION_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
QUANTITY: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
DESCRIPTION_BYTES: Final = 4096
PAGE: Final = 100
MOST_GLOBS: Final = 100
Asked = TypeVar("Asked", bound=Message)
# Field 2047 of type bytes: no version of the protocol has it.
UNKNOWN_FIELD: Final = b"\xfa\x7f\x03new"


def info(session: Session) -> str:
    """The first call is answered with a usable name and a version."""
    answer = session.info()
    if not PLUGIN_NAME.fullmatch(answer.name):
        raise Broken(f"the plugin calls itself {answer.name[:80]!r}; use {PLUGIN_NAME.pattern}")
    if not answer.version.strip() or len(answer.version) > 60 or not answer.version.isprintable():
        raise Broken(f"the version is {answer.version[:80]!r}; use 1 to 60 printable characters")
    if any(session.get_info() != answer for _ in range(session.budget.repeat)):
        raise Broken("GetPluginInfo has different answers in one life; answer with constants")
    return f"{answer.name} {answer.version}"


def unknown_values(session: Session) -> str:
    """Fields and enum values of a newer host are ignored."""
    action = session.actions()[0]
    newer = pb.GetPluginInfoRequest(host_version="999.0", host_features=[99])  # type: ignore[list-item]
    _same("GetPluginInfo", session.info(), session.get_info(_from_future(newer)))
    check, apply = session.check_request(action), session.apply_request(action)
    _same("CheckAction", session.check(check), session.check(_from_future(check)))
    if action.deterministic:
        _same("ApplyAction", session.apply(apply), session.apply(_from_future(apply)))
    return "ignored"


def _from_future(message: Asked) -> Asked:
    return type(message).FromString(message.SerializeToString() + UNKNOWN_FIELD)


def _same(method: str, before: Message, after: Message) -> None:
    if before != after:
        raise Broken(f"{method} answers otherwise when the request has an unknown field or value; ignore what is new")


def actions_named(session: Session) -> str:
    """Actions have usable names, each its own."""
    found = names(session.actions())
    for name in found:
        if not ACTION_NAME.fullmatch(name):
            raise Broken(f"an action is named {name[:80]!r}; use {ACTION_NAME.pattern}, which models can call")
        if found.count(name) > 1:
            raise Broken(f"two actions are named {name}; give each its own name")
    if len(found) > MOST_ACTIONS:
        raise Broken(f"there are {len(found)} actions; list at most {MOST_ACTIONS}")
    return ", ".join(found[:20])


def actions_stable(session: Session) -> str:
    """The list of actions is the same for the life of the process."""
    first = list(session.actions())
    for _ in range(session.budget.repeat):
        if [action for page in session.pages() for action in page.actions] != first:
            raise Broken("the list of actions changed between two calls; make it once, at start, in a fixed order")
    return f"{len(first)} actions, {session.budget.repeat} times the same"


def paging(session: Session) -> str:
    """Pages of any size hold the same actions in the same order."""
    whole = names(session.actions())
    for size in (1, 1000, 0):
        pages = session.pages(size)
        most = min(size or PAGE, PAGE)
        longest = max(len(page.actions) for page in pages)
        if longest > most:
            raise Broken(f"a page has {longest} actions; page_size {size} allows at most {most}")
        if [action.name for page in pages for action in page.actions] != whole:
            raise Broken(f"pages of size {size} hold other actions than the whole list; continue where page_token says")
    return f"{len(whole)} actions, one at a time too"


def page_token(session: Session) -> str:
    """A page token that the plugin never gave is refused or ignored."""
    for token in ("no such token", "-1", "99999999999999999999", "\u0663"):
        try:
            session.list_actions(pb.ListActionsRequest(page_token=token))
        except CallFailed as failed:
            if failed.code not in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND):
                raise Broken(f"page_token {token!r}: {failed}; answer INVALID_ARGUMENT") from failed
    return "refused or ignored"


def descriptions(session: Session) -> str:
    """Every action says what it does, in at most 4 KiB."""
    for action in session.actions():
        size = len(action.description.encode())
        if not action.description.strip():
            raise Broken(f"{action.name} has no description; people and models choose by it")
        if size > DESCRIPTION_BYTES:
            raise Broken(f"the description of {action.name} has {size} bytes; at most {DESCRIPTION_BYTES} are shown")
        if len(action.title) > 120 or "\n" in action.title:
            raise Broken(f"the title of {action.name} is not a few words in one line")
    return "present"


def schemas(session: Session) -> str:
    """Parameters are described in nightlab-params/1."""
    for action in session.actions():
        schema = usable_schema(action, action.parameters_schema)
        if action.schema_from_workspace and schema.get("properties"):
            raise Broken(f"{action.name} has schema_from_workspace and lists properties; leave them to narrowed_schema")
    return "in nightlab-params/1"


def globs(session: Session) -> str:
    """Every action declares what it reads and writes, inside the tree."""
    for action in session.actions():
        if not action.writes:
            raise Broken(f"{action.name} declares no writes; name the files that it may change")
        for kind, patterns in (("reads", action.reads), ("writes", action.writes)):
            if len(patterns) > MOST_GLOBS:
                raise Broken(f"{action.name} has {len(patterns)} {kind}; at most {MOST_GLOBS}")
            for pattern in patterns:
                _glob(action.name, kind, pattern)
    return "inside the tree"


def _glob(action: str, kind: str, pattern: str) -> None:
    wrong = path_error(pattern)
    if wrong is None and any(part.lower() == ".git" for part in pattern.split("/")):
        wrong = "must not lead into .git"
    if wrong:
        raise Broken(f"{action}: {kind} has the glob {pattern[:80]!r}, which {wrong}; write it relative to the root")


def effects(session: Session) -> str:
    """Expected effects name a quantity and a direction, each quantity once."""
    for action in session.actions():
        quantities = [effect.quantity for effect in action.effects]
        for effect in action.effects:
            if not QUANTITY.fullmatch(effect.quantity):
                raise Broken(f"{action.name} has an effect on {effect.quantity[:80]!r}; use {QUANTITY.pattern}")
            if effect.direction == pb.DIRECTION_UNSPECIFIED:
                raise Broken(f"{action.name}: the effect on {effect.quantity} has no direction; say down or up")
            if quantities.count(effect.quantity) > 1:
                raise Broken(f"{action.name} has two effects on {effect.quantity}; state one")
    return "well formed"
