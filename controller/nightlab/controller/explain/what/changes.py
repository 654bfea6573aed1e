"""What changed, file by file: picks the way to read each, and says what the change may do."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from nightlab.controller.explain.plain import plain_change
from nightlab.controller.explain.what.parsing import parse
from nightlab.controller.explain.what.unified import unified
from nightlab.controller.model.change import Effect, Fact, FileChange


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes], rest: Mapping[str, bytes]) -> list[FileChange]:
    """Say what changed in each file, by path."""
    return [_change(path, before.get(path), after.get(path)) for path in sorted(before.keys() | after.keys())]


def _change(path: str, before: bytes | None, after: bytes | None) -> FileChange:
    if before is None or after is None:
        return plain_change(path, before, after, "")
    old, new = parse(before).tree, parse(after).tree
    if path.endswith(".py") and old is not None and new is not None and ast.dump(old) == ast.dump(new):
        return FileChange(
            path, Effect.SAME_PROGRAM, (Fact(path, None, "format only, same AST"),), unified(path, before, after)
        )
    return plain_change(path, before, after, "")
