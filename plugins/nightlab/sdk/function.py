"""Makes an action of a typed function: schema from the annotations, description from the docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from nightlab.sdk.action import Action, Checked, Context, Effect, Unmet
from nightlab.sdk.annotations import context_parameter, schema_of
from nightlab.sdk.edits import Edits

Move = Callable[..., str | None]
Check = Callable[[Edits], None] | Callable[[Edits, Context], None]

_NO_DOCSTRING: Final = (
    "action {name} needs a docstring: people and models choose by it. Write below the def what it changes and when it "
    'helps, for example """Set the weight decay; helps a model that overfits."""'
)


class FunctionAction(Action):
    """An action around a function; calling it calls the function, so that it is tested without a server."""

    def __init__(self, function: Move, *, reads: Sequence[str], writes: Sequence[str], check: Check | None) -> None:
        text = inspect.getdoc(function)
        if not text or not text.strip():
            raise TypeError(_NO_DOCSTRING.format(name=function.__name__))
        self.function = function
        self.name = function.__name__
        self.title = text.splitlines()[0].rstrip(".")
        self.description = text
        self.reads, self.writes = tuple(reads), tuple(writes)
        self.schema = schema_of(function)
        self._check = check
        self._context = context_parameter(function)

    def __call__(self, ws: Edits, **arguments: Any) -> str | None:
        """Edit a workspace directly."""
        return self.function(ws, **arguments)

    def check(self, ws: Edits, context: Context) -> Checked:
        """Run the author's own check; without one, every workspace with a file to read fits."""
        if self._check is not None:
            _call_check(self._check, ws, context)
        elif not ws.paths():
            raise Unmet(f"none of {', '.join(self.reads)} is in the workspace")
        return Checked(applicable=True)

    def apply(self, ws: Edits, arguments: Mapping[str, Any], context: Context) -> str:
        """Call the function."""
        given = {self._context: context} if self._context else {}
        return self.function(ws, **arguments, **given) or self.title


def action(
    *,
    reads: Sequence[str],
    writes: Sequence[str] | None = None,
    check: Check | None = None,
    effects: Sequence[Effect] = (),
    deterministic: bool = True,
    asks: bool = False,
) -> Callable[[Move], FunctionAction]:
    """Make an action of `function(ws: Edits, **parameters)`; one with a parameter of type Context is given that too.

    Args:
        reads: Globs of the files that the function is given.
        writes: Globs of the files that it may change; None: the same.
        check: Called with the workspace, and with the Context if it takes two; raises Unmet when it does not fit.
        effects: What the author expects of it.
        deterministic: The same call has the same edits.
        asks: The function may raise Ask, to be called again with the model's answer in its Context.

    Raises:
        TypeError: The function has no docstring, or a parameter without annotation of this SDK.
    """

    def make(function: Move) -> FunctionAction:
        made = FunctionAction(function, reads=reads, writes=reads if writes is None else writes, check=check)
        made.effects, made.deterministic = tuple(effects), deterministic
        made.asks = asks
        return made

    return make


def _call_check(check: Callable[..., None], ws: Edits, context: Context) -> None:
    if len(inspect.signature(check).parameters) > 1:
        check(ws, context)
    else:
        check(ws)
