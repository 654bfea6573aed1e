"""Finds what sets the learning rate of a script already."""

from __future__ import annotations

import ast

from nightlab.plugins.hyperparameter.source import callee, dotted
from nightlab.plugins.schedule.code import FUNCTION, written_function
from nightlab.plugins.training.rates import assignments, schedulers
from nightlab.plugins.training.script import Script
from nightlab.plugins.training.workspace import Scripts


def written(found: Scripts) -> tuple[Script, ast.FunctionDef] | None:
    """The schedule that this action wrote into a workspace, with its file; None if there is none."""
    for script in found:
        function = written_function(script)
        if function is not None:
            return script, function
    return None


def refuse_other(found: Scripts) -> None:
    """Refuse scripts that have a schedule of their own.

    Raises:
        Unmet: One has; the text says where.
    """
    for script in found:
        for call in schedulers(script):
            script.refuse(call, f"makes a {callee(call)} already; a second schedule would fight with it")
        for each in assignments(script):
            if not _is_ours(each.value):
                script.refuse(each.statement, "sets the learning rate already")
        for call in script.calls:
            owner = dotted(call.func).rpartition(".")[0]
            if callee(call) in ("step", "step_update") and "sched" in owner.lower():
                script.refuse(call, f"steps {owner}, a schedule that this action does not know")
        if FUNCTION in script.imported or (script.stores(FUNCTION) and written_function(script) is None):
            script.refuse(script.tree, f"the name {FUNCTION} stands for something else")


def _is_ours(value: ast.expr) -> bool:
    calls = [each for each in ast.walk(value) if isinstance(each, ast.Call)]
    return any(dotted(each.func) == FUNCTION for each in calls)
