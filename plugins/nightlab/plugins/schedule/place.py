"""Puts a schedule into a script: its function below the imports, the rate before each step of the optimizer."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from nightlab.plugins.schedule.code import FUNCTION, Schedule, function_text
from nightlab.plugins.schedule.passes import INDEX
from nightlab.plugins.schedule.progress import Level
from nightlab.plugins.training.patch import Patch
from nightlab.plugins.training.script import Script
from nightlab.sdk import Edits

BEGIN: Final = "pass_begin"
LENGTH: Final = "pass_length"


def put(ws: Edits, levels: Sequence[Level], schedule: Schedule) -> None:
    """Write a schedule into a script that has none.

    Args:
        ws: To write to.
        levels: Loops around the step, those of its own function first.
        schedule: What to write.

    Raises:
        Unmet: There is no place for it as the file is written.
    """
    inner = levels[0]
    patches = {each.script.path: Patch(each.script) for each in levels}
    _function(patches[inner.script.path], inner, schedule)
    for level in levels:
        for each in level.passes:
            if each.uncounted is not None:
                _count(patches[level.script.path], each.uncounted)
    progress = inner.done(after=True)
    if len(levels) > 1:
        outer, group = levels[1], inner.script.free_name("group")
        progress = f'{group}["{BEGIN}"] + {group}["{LENGTH}"] * ({progress})'
        patches[outer.script.path].before(outer.statement, _told(outer))
    patches[inner.script.path].before(inner.statement, _rate(inner, progress))
    for patch in patches.values():
        patch.save(ws)


def rewrite(ws: Edits, script: Script, function: ast.FunctionDef, schedule: Schedule) -> None:
    """Write another schedule in the place of the one that this action wrote before."""
    patch = Patch(script)
    patch.instead(function, _lines(script, schedule))
    patch.save(ws)


def _function(patch: Patch, level: Level, schedule: Schedule) -> None:
    script = level.script
    top = next(each for each in (level.statement, *script.above(level.statement)) if script.parent(each) is script.tree)
    imports = [each for each in script.tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    before = [each for each in imports if each.lineno < getattr(top, "lineno", 0)]
    if not before:
        script.refuse(top, "nothing is imported above the training loop")
    patch.after(before[-1], ["", "", *_lines(script, schedule), ""])


def _lines(script: Script, schedule: Schedule) -> list[str]:
    has_math = script.top_imports.get("math") == "math"
    return function_text(schedule, has_math=has_math).rstrip("\n").split("\n")


def _rate(level: Level, progress: str) -> list[str]:
    group = level.script.free_name("group")
    return [
        f"for {group} in {level.optimizer}.param_groups:",
        f'    {group}["lr"] = {group}.setdefault("initial_lr", {group}["lr"]) * {FUNCTION}({progress})',
    ]


def _told(level: Level) -> list[str]:
    """Lines that tell the step, which is in another function, where the run is."""
    group = level.script.free_name("group")
    return [
        f"for {group} in {level.optimizer}.param_groups:",
        f'    {group}["{BEGIN}"], {group}["{LENGTH}"] = {level.done(after=False)}, {level.part}',
    ]


def _count(patch: Patch, loop: ast.For) -> None:
    """Give a loop an index."""
    target = patch.module.text(loop.target)
    target = f"({target})" if isinstance(loop.target, ast.Tuple) and not target.startswith("(") else target
    patch.replace(loop.target, f"{INDEX}, {target}")
    patch.replace(loop.iter, f"enumerate({patch.module.text(loop.iter)})")

