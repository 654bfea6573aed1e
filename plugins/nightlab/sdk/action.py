"""What an action and a plugin are to the SDK, and how an action says no.

Making an action of a typed function belongs to `function`, the wire to `service`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from nightlab.api.params import schema_problems
from nightlab.sdk.completion import Completion
from nightlab.sdk.edits import Edits
from nightlab.sdk.observe import Observe

Severity = Literal["error", "warning", "note"]
NO_PARAMETERS: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {},
    "required": [],
    "additionalProperties": False,
}
DESCRIPTION_BYTES: Final = 4096
_ACTION_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_PLUGIN_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,47}")


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell a person or a model.

    Attributes:
        severity: "error" for what keeps the action from being used.
        summary: One line.
        detail: More, if there is more.
        pointer: JSON Pointer into the arguments ("/lr"), or "path:line".
    """

    severity: Severity
    summary: str
    detail: str = ""
    pointer: str = ""


class Unmet(Exception):
    """Raised by an action whose arguments or workspace do not fit; becomes a rejection, never a crash.

    Attributes:
        notes: At least one of severity "error".
    """

    def __init__(self, summary: str, *, detail: str = "", pointer: str = "", more: Sequence[Note] = ()) -> None:
        super().__init__(summary)
        self.notes = (Note("error", summary, detail, pointer), *more)


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether an action fits a workspace.

    Attributes:
        applicable: Whether it may be applied.
        notes: What to tell about it.
        schema: Its parameters here; None: those of the action itself.
    """

    applicable: bool
    notes: tuple[Note, ...] = ()
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What else a call brings.

    Attributes:
        settings: The user's settings for this action.
        seed: For free choices inside the action.
        request_id: The same id with the same request has the same answer.
        state: What the plugin's `observe` made of earlier trials; empty before the first one.
        completion: The model's answer to an `Ask`; None in a first call.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    request_id: str = ""
    state: bytes = b""
    completion: Completion | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """A direction in which the author expects a quantity to go; a hint, never a fact."""

    quantity: str
    direction: Literal["down", "up"]


class Action(ABC):
    """One search move: a pure function of a workspace, arguments and settings.

    Attributes:
        name: [a-z][a-z0-9_]{0,47}
        title: A few words.
        description: For people and models, at most 4 KiB.
        reads: Globs of the files that it is given.
        writes: Globs of the files that it may change.
        schema: Its parameters in nightlab-params/1.
        schema_from_workspace: The parameters depend on the workspace; `check` returns them.
        deterministic: The same call has the same edits.
        effects: What the author expects of it.
        asks: It may raise `Ask`.
    """

    name: str
    title: str
    description: str
    reads: Sequence[str]
    writes: Sequence[str]
    schema: Mapping[str, Any] = NO_PARAMETERS
    schema_from_workspace: ClassVar[bool] = False
    deterministic: bool = True
    effects: Sequence[Effect] = ()
    asks: bool = False

    @abstractmethod
    def check(self, ws: Edits, context: Context) -> Checked:
        """Tell whether the action fits the workspace. No edits."""

    @abstractmethod
    def apply(self, ws: Edits, arguments: Mapping[str, Any], context: Context) -> str:
        """Edit the workspace and return one line for people.

        Raises:
            Unmet: The arguments or the workspace do not fit.
            Ask: The host's model is needed first.
        """


@dataclass(frozen=True)
class Plugin:
    """Actions that are served together.

    Attributes:
        name: [a-z][a-z0-9-]{0,47}
        version: For people and the record.
        actions: With different names.
        observe: Makes a new state of the old one and of outcomes; see `remember`. None: it learns nothing.

    Raises:
        ValueError: A name, a description or a schema is not what the host takes.
    """

    name: str
    version: str
    actions: tuple[Action, ...]
    observe: Observe | None = None

    def __post_init__(self) -> None:
        if not _PLUGIN_NAME.fullmatch(self.name):
            raise ValueError(f"plugin name {self.name!r} does not match {_PLUGIN_NAME.pattern}")
        names = [each.name for each in self.actions]
        wrong = [name for name in names if not _ACTION_NAME.fullmatch(name) or names.count(name) > 1]
        if wrong:
            raise ValueError(f"plugin {self.name}: action name {wrong[0]!r} is repeated or not {_ACTION_NAME.pattern}")
        for each in self.actions:
            _check(self.name, each)

    def find(self, name: str) -> Action | None:
        """Return the action of that name."""
        return next((each for each in self.actions if each.name == name), None)


def _check(plugin: str, action: Action) -> None:
    size = len(action.description.encode())
    if not action.description.strip() or size > DESCRIPTION_BYTES:
        found = f"has {size} bytes" if size else "is empty"
        raise ValueError(
            f"plugin {plugin}: the description of {action.name} {found}; write 1 to {DESCRIPTION_BYTES} bytes, because "
            "people and models choose by it"
        )
    problems = schema_problems(dict(action.schema))
    if problems:
        first = problems[0]
        raise ValueError(
            f"plugin {plugin}: schema of {action.name}{first.pointer}: {first.summary}; use {first.allowed}"
        )
