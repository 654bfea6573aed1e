"""Clips the norm of gradients before the optimizer steps."""

from __future__ import annotations

import ast
from typing import Annotated, Final

from nightlab.plugins.hyperparameter.source import callee, dotted
from nightlab.plugins.training.loops import only_step
from nightlab.plugins.training.model import Models
from nightlab.plugins.training.patch import Patch
from nightlab.plugins.training.script import Script
from nightlab.plugins.training.settings import named_values, number, shown
from nightlab.plugins.training.workspace import READS, WRITES, Scripts, scripts
from nightlab.sdk import Edits, Effect, Float, Unmet, action

_CLIPS: Final = frozenset({"clip_grad_norm_", "clip_grad_norm"})
_OTHER: Final = frozenset({"clip_grad_value_", "clip_grads_with_norm_", "clip_gradients"})


def check(ws: Edits) -> None:
    """Refuse what is not understood."""
    found = scripts(ws)
    existing = _existing(found)
    if existing is None:
        _place(found)
    else:
        _limit(found, *existing)


@action(reads=READS, writes=WRITES, check=check, effects=(Effect("divergence", "down"),))
def clip(
    ws: Edits,
    max_norm: Annotated[
        float, Float(0.05, 10.0, log=True, description="Largest norm of all gradients together.")
    ] = 1.0,
) -> str:
    """Clip the norm of the gradients before each step of the optimizer.

    Adds clip_grad_norm_ in front of optimizer.step(), behind the scaler's unscale_ under mixed precision. Where the
    script clips already, only the number changes.
    """
    found = scripts(ws)
    existing = _existing(found)
    if existing is not None:
        owner, literal = _limit(found, *existing)
        if number(literal) != max_norm:
            patch = Patch(owner)
            patch.replace(literal, shown(max_norm))
            patch.save(ws)
        return f"{owner.where(literal)}: max_norm {owner.text(literal)} -> {shown(max_norm)}"
    script, call, optimizer = _place(found)
    _insert(ws, found, script, call, optimizer, max_norm)
    return f"{script.where(call)}: gradients clipped to a norm of {max_norm:g}"


def _existing(found: Scripts) -> tuple[Script, ast.Call] | None:
    calls = [(script, call) for script in found for call in script.calls]
    for script, call in calls:
        if callee(call) in _OTHER:
            script.refuse(call, f"{callee(call)} clips gradients already")
    clips = [(script, call) for script, call in calls if callee(call) in _CLIPS]
    if len(clips) > 1:
        (first, one), (script, two) = clips[:2]
        script.refuse(two, f"gradients are clipped here and at {first.where(one)}; only one is understood")
    return clips[0] if clips else None


def _limit(found: Scripts, script: Script, call: ast.Call) -> tuple[Script, ast.expr]:
    """The literal that says how far to clip: in the call, or the one constant or default that it names."""
    given = next((each.value for each in call.keywords if each.arg == "max_norm"), None)
    position = 1 if script.qualified(call.func).startswith("torch.") else 0
    if given is None and len(call.args) > position:
        given = call.args[position]
    if given is None:
        script.refuse(call, "the limit of the existing clipping is not an argument")
    if number(given) is not None:
        return script, given
    name = dotted(given).split(".")[-1]
    known = [(s, value) for s in found for word, value in named_values(s) if name and word == name]
    literal = [(s, value) for s, value in known if number(value) is not None]
    if len(known) != 1 or len(literal) != 1:
        script.refuse(call, f"where the limit {script.text(given)} gets its number is not clear")
    if not number(literal[0][1]):
        literal[0][0].refuse(literal[0][1], f"{name} is 0, which the script may read as no clipping at all")
    return literal[0]


def _place(found: Scripts) -> tuple[Script, ast.Call, str]:
    script, call, optimizer = only_step(found)
    statement = script.statement(call)
    if isinstance(statement, ast.Expr) and statement.value is call:
        Patch(script).text(statement)
    else:
        script.refuse(call, "the step of the optimizer is part of a larger statement")
    if any(callee(each) == "backward" for each in script.calls) or any(_runs_backward(s) for s in found):
        return script, call, optimizer
    raise Unmet("no loss.backward() was found, so there is no gradient to clip")


def _runs_backward(script: Script) -> bool:
    return any(callee(call) == "backward" for call in script.calls)


def _insert(ws: Edits, found: Scripts, script: Script, call: ast.Call, optimizer: str, max_norm: float) -> None:
    patch = Patch(script)
    torch = patch.use("torch")
    scaler = dotted(call.func.value) if call.args else ""  # type: ignore[attr-defined]
    unscaled = any(callee(each) == "unscale_" for each in script.calls)
    lines = [f"{scaler}.unscale_({optimizer})"] if scaler and not unscaled else []
    what = _parameters(found, script, call, optimizer)
    lines.append(f"{torch}.nn.utils.clip_grad_norm_({what}, {shown(max_norm)})")
    patch.before(script.statement(call), lines)
    patch.save(ws)


def _parameters(found: Scripts, script: Script, call: ast.Call, optimizer: str) -> str:
    """The trained parameters, by a model that the same function uses, else by the optimizer."""
    scope = script.scope(call)
    models = Models(found)
    used = (each for each in script.calls if scope in script.above(each) and dotted(each.func) in models.names)
    used_names = dict.fromkeys(dotted(each.func) for each in used if each.lineno < call.lineno)
    if len(used_names) == 1:
        return f"{next(iter(used_names))}.parameters()"
    return f'[p for group in {optimizer}.param_groups for p in group["params"]]'
