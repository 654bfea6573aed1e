"""Makes an action of a typed function: schema from the annotations, description from the docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nightlab.sdk.action import Action, Checked, Context, Effect, Unmet
from nightlab.sdk.annotations import schema_of
from nightlab.sdk.edits import Edits

Move = Callable[..., str | None]
Check = Callable[[Edits], None]


class FunctionAction(Action):
    """An action around a function; calling it calls the function, so that it is tested without a server."""

    def __init__(self, function: Move, *, reads: Sequence[str], writes: Sequence[str], check: Check | None) -> None:
        text = inspect.getdoc(function)
        if not text:
            raise TypeError(f"action {function.__name__} needs a docstring: people and models choose by it")
        self.function = function
        self.name = function.__name__
        self.title = text.splitlines()[0].rstrip(".")
        self.description = text
        self.reads, self.writes = tuple(reads), tuple(writes)
        self.schema = schema_of(function)
        self._check = check

    def __call__(self, ws: Edits, **arguments: Any) -> str | None:
        """Edit a workspace directly."""
        return self.function(ws, **arguments)

    def check(self, ws: Edits, context: Context) -> Checked:
        """Run the author's own check; without one, every workspace with a file to read fits."""
        del context
        if self._check is not None:
            self._check(ws)
        elif not ws.paths():
            raise Unmet(f"none of {', '.join(self.reads)} is in the workspace")
        return Checked(applicable=True)

    def apply(self, ws: Edits, arguments: Mapping[str, Any], context: Context) -> str:
        """Call the function."""
        del context
        return self.function(ws, **arguments) or self.title


def action(
    *,
    reads: Sequence[str],
    writes: Sequence[str] | None = None,
    check: Check | None = None,
    effects: Sequence[Effect] = (),
    deterministic: bool = True,
) -> Callable[[Move], FunctionAction]:
    """Make an action of `function(ws: Edits, **parameters)`.

    Args:
        reads: Globs of the files that the function is given.
        writes: Globs of the files that it may change; None: the same.
        check: Raises Unmet when a workspace does not fit.
        effects: What the author expects of it.
        deterministic: The same call has the same edits.
    """

    def make(function: Move) -> FunctionAction:
        made = FunctionAction(function, reads=reads, writes=reads if writes is None else writes, check=check)
        made.effects, made.deterministic = tuple(effects), deterministic
        return made

    return make
