"""What the host holds of a plugin's answers, as frozen values. Texts come from plugins and are untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from nightlab.api.params import is_sampleable
from nightlab.api.plugin.v1 import plugin_pb2 as pb

Severity = Literal["error", "warning", "note"]
LITERALS: Final = "hyperparameter"
MAX_SUMMARY: Final = 400
MAX_DETAIL: Final = 4096
_SEVERITY: Final[Mapping[int, Severity]] = {
    pb.SEVERITY_ERROR: "error",
    pb.SEVERITY_WARNING: "warning",
    pb.SEVERITY_NOTE: "note",
}
_DIRECTION: Final[Mapping[int, str]] = {pb.DIRECTION_DOWN: "down", pb.DIRECTION_UP: "up"}
MAX_EFFECTS: Final = 16
MAX_QUANTITY: Final = 60


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a plugin or the host tells a person or a model.

    Attributes:
        severity: "error", "warning" or "note".
        summary: One line.
        detail: More, if there is more.
        pointer: JSON Pointer into the arguments, or "path:line".
    """

    severity: Severity
    summary: str
    detail: str = ""
    pointer: str = ""

    @classmethod
    def of(cls, message: pb.Diagnostic) -> Note:
        """Read a plugin's diagnostic, cut to what is shown; an unknown severity is a warning."""
        return cls(
            _SEVERITY.get(message.severity, "warning"),
            " ".join(message.summary.split())[:MAX_SUMMARY],
            message.detail[:MAX_DETAIL],
            message.pointer[:MAX_SUMMARY],
        )

    def __str__(self) -> str:
        return f"{self.pointer}: {self.summary}" if self.pointer else self.summary


@dataclass(frozen=True, slots=True)
class OfferedAction:
    """An enabled action and what it offers for one tree.

    Attributes:
        plugin: Name of the plugin.
        action: Name of the action.
        schema: Its parameters for this tree, in nightlab-params/1.
        schema_digest: Names the schema; see nightlab.api.params.
        diagnostics: What the plugin tells about it: frozen literals, seeds, what is missing.
        applicable: Whether it may be applied.
        description: The plugin's own words.
        effects: Where the plugin expects a quantity to go: {"peak_memory": "down"}.
    """

    plugin: str
    action: str
    schema: Mapping[str, Any]
    schema_digest: str
    diagnostics: tuple[Note, ...]
    applicable: bool
    description: str = ""
    effects: Mapping[str, str] = field(default_factory=dict)

    @property
    def default_is_base(self) -> bool:
        """Whether its default arguments leave the tree as it is: true of literals, which are described as they are."""
        return self.plugin == LITERALS

    @property
    def sampleable(self) -> bool:
        """Whether a policy without a language model can propose it; without parameters there is its one use."""
        is_one_use = not self.schema["properties"] and not self.default_is_base
        return self.applicable and (is_one_use or is_sampleable(self.schema))

    @property
    def defaults(self) -> dict[str, Any]:
        """The value that each parameter has in the tree."""
        return {name: spec["default"] for name, spec in self.schema["properties"].items() if "default" in spec}


@dataclass(frozen=True, slots=True)
class AppliedEdits:
    """Edits that were checked and may be written, or why there are none.

    Attributes:
        writes: New content by path. A file that exists keeps its mode.
        deletes: Paths to remove.
        summary: One line for people.
        rejection: Not empty: no edits, and this goes back to who asked.
    """

    writes: Mapping[str, bytes]
    deletes: tuple[str, ...] = ()
    summary: str = ""
    rejection: tuple[Note, ...] = ()


def effects_of(action: pb.Action) -> dict[str, str]:
    """Read what an action is expected to change, as far as it is understood."""
    known = [effect for effect in action.effects[:MAX_EFFECTS] if effect.direction in _DIRECTION]
    return {effect.quantity[:MAX_QUANTITY]: _DIRECTION[effect.direction] for effect in known}
