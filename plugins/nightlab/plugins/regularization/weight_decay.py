"""Keeps weight decay away from biases, norms and other one-dimensional parameters."""

from __future__ import annotations

import ast
from typing import Final

from nightlab.plugins.hyperparameter.source import callee, dotted
from nightlab.plugins.training.patch import Patch
from nightlab.plugins.training.script import Script, loaded
from nightlab.plugins.training.settings import named_values, number
from nightlab.plugins.training.workspace import READS, WRITES, Scripts, scripts
from nightlab.sdk import Edits, Effect, Unmet, action

_DECAYS: Final = {
    **dict.fromkeys(("SGD", "Adam", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta"), False),
    "AdamW": True,
}


def check(ws: Edits) -> None:
    """Refuse what is not understood."""
    _understood(scripts(ws))


@action(reads=READS, writes=WRITES, check=check, effects=(Effect("generalization_gap", "down"),))
def weight_decay_groups(ws: Edits) -> str:
    """Apply weight decay to matrices only.

    Splits model.parameters() at the optimizer's construction into two groups: parameters with two or more dimensions
    keep the weight decay, biases, norms and other vectors get none.
    """
    script, call, parameters = _understood(scripts(ws))
    patch = Patch(script)
    inner = patch.margin(parameters) + patch.step()
    written = script.text(parameters)
    target = parameters if call.args else next(k.value for k in call.keywords if k.arg == "params")
    patch.replace(
        target,
        f'[\n{inner}{{"params": [p for p in {written} if p.dim() >= 2]}},\n'
        f'{inner}{{"params": [p for p in {written} if p.dim() < 2], "weight_decay": 0.0}},\n'
        f"{patch.margin(parameters)}]",
    )
    patch.save(ws)
    return f"{script.where(call)}: no weight decay for parameters of one dimension"


def _understood(found: Scripts) -> tuple[Script, ast.Call, ast.expr]:
    script, call = _only_optimizer(found)
    _refuse_no_decay(found, script, call)
    parameters = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "params"), None)
    if parameters is None or not _is_all_parameters(parameters):
        script.refuse(call, "the optimizer is not given model.parameters(); its groups are the script's own")
    for other in found:
        for node in other.every:
            if isinstance(node, ast.Subscript) and _reaches_group(node):
                _refuse_index(other, node)
    return script, call, parameters


def _only_optimizer(found: Scripts) -> tuple[Script, ast.Call]:
    every = [(s, c) for s in found for c in s.calls if _is_optimizer(s, c)]
    if not every:
        raise Unmet("no construction of an optimizer of torch.optim was found")
    if len(every) > 1:
        (first, one), (script, two) = every[:2]
        script.refuse(two, f"an optimizer is made here and at {first.where(one)}; only one is understood")
    return every[0]


def _is_optimizer(script: Script, call: ast.Call) -> bool:
    name = script.qualified(call.func)
    return name.startswith("torch.optim.") and callee(call) != "" and name.split(".")[-1] in _DECAYS


def _refuse_no_decay(found: Scripts, script: Script, call: ast.Call) -> None:
    name = script.qualified(call.func).split(".")[-1]
    given = next((each.value for each in call.keywords if each.arg == "weight_decay"), None)
    if any(each.arg is None for each in call.keywords):
        return
    if given is None and not _DECAYS[name]:
        script.refuse(call, f"{name} is given no weight decay to keep away from anything")
    if given is not None and _value(found, given) == 0:
        script.refuse(call, "the weight decay is 0")


def _value(found: Scripts, node: ast.expr) -> float | None:
    """The number behind an expression, where one constant or default of that name has it."""
    value = number(node)
    if value is not None or not dotted(node):
        return value
    name = dotted(node).split(".")[-1]
    known = {number(each) for script in found for word, each in named_values(script) if word == name}
    known.discard(None)
    return known.pop() if len(known) == 1 else None


def _is_all_parameters(node: ast.expr) -> bool:
    """model.parameters(), also inside filter(...) or list(...), of which each use makes a new list."""
    if not isinstance(node, ast.Call):
        return False
    if callee(node) in ("filter", "list") and node.args:
        return _is_all_parameters(node.args[-1])
    return isinstance(node.func, ast.Attribute) and node.func.attr == "parameters" and bool(loaded(node.func.value))


def _reaches_group(node: ast.Subscript) -> bool:
    return isinstance(node.value, ast.Attribute) and node.value.attr == "param_groups"


def _refuse_index(script: Script, node: ast.Subscript) -> None:
    parent = script.parent(node)
    is_written = isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store)
    if is_written or not isinstance(parent, ast.Subscript):
        script.refuse(node, "one parameter group is set by its number; a second one would be left behind")
