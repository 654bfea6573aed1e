"""Wraps the forward pass and the loss of the training step in `torch.autocast` to bfloat16; backward stays outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from nightlab.plugins.hyperparameter.source import callee, constant, dotted
from nightlab.plugins.training.loops import Step, mentioned, training_step
from nightlab.plugins.training.model import Models
from nightlab.plugins.training.patch import Patch
from nightlab.plugins.training.script import Function, Script, stored
from nightlab.plugins.training.workspace import READS, WRITES, Scripts, scripts
from nightlab.sdk import Edits, Effect, action

_CHOSEN: Final = {
    "autocast": "autocast is in use already",
    "GradScaler": "a gradient scaler is in use, so the script chooses its precision itself",
    "half": "the script chooses half precision itself",
    "bfloat16": "the script chooses bfloat16 itself",
    "float16": "the script chooses float16 itself",
    "set_default_dtype": "the script sets the default type itself",
    "float64": "the script needs double precision",
    "double": "the script needs double precision",
    "binary_cross_entropy": "binary_cross_entropy refuses to run under autocast",
    "BCELoss": "BCELoss refuses to run under autocast",
    "view_as_complex": "complex numbers cannot be made of bfloat16",
    "fft": "Fourier transforms do not run in bfloat16",
}
_ONLY_OF_TORCH: Final = frozenset({"half", "double", "fft", "float16", "bfloat16", "float64"})
_ON_DEVICE: Final = frozenset({"cuda", "device", "to", "mps", "xpu"})


def check(ws: Edits) -> None:
    """Refuse what is not understood."""
    _understood(scripts(ws))


@action(
    reads=READS,
    writes=WRITES,
    check=check,
    effects=(Effect("peak_memory", "down"), Effect("wall_time", "down")),
)
def autocast(ws: Edits) -> str:
    """Run the training step's forward pass and loss in bfloat16.

    Wraps them in torch.autocast; weights, gradients and the optimizer stay in float32, backward and evaluation are
    left alone. Saves memory and time on a GPU that has bfloat16; on a CPU it often costs time. Not where the script
    chooses its precision itself.
    """
    step, models = _understood(scripts(ws))
    patch = Patch(step.script)
    torch = patch.use("torch")
    device = _device_type(step, models, torch)
    patch.before(step.forward[0], [f"with {torch}.autocast(device_type={device}, dtype={torch}.bfloat16):"])
    patch.shift(step.forward[0], step.forward[-1])
    patch.save(ws)
    return f"{step.script.where(step.forward[0])}: forward pass under autocast to bfloat16"


def _understood(found: Scripts) -> tuple[Step, Models]:
    models = Models(found)
    step = training_step(found, models)
    for script, node, word in mentioned(found, frozenset(_CHOSEN)):
        if word not in _ONLY_OF_TORCH or _is_of_torch(script, node):
            script.refuse(node, _CHOSEN[word])
    _refuse_jumps(step)
    _refuse_numpy(step)
    Patch(step.script).text(step.forward[0])
    return step, models


def _is_of_torch(script: Script, node: ast.AST) -> bool:
    """x.half() and torch.float16 count; a variable named half and numpy's float64 do not."""
    if not isinstance(node, ast.Attribute | ast.Name):
        return False
    parent = script.parent(node)
    is_method = isinstance(node, ast.Attribute) and isinstance(parent, ast.Call) and parent.func is node
    name = script.qualified(node)
    return name.startswith("torch.") or (is_method and not name.startswith(("numpy.", "math.", "scipy.")))


def _refuse_jumps(step: Step) -> None:
    for statement in step.forward:
        for node in ast.walk(statement):
            if isinstance(node, ast.Return | ast.Yield | Function):
                step.script.refuse(node, "the forward pass is left in between")


def _refuse_numpy(step: Step) -> None:
    """numpy has no bfloat16."""
    made = {name for each in step.forward for name in stored(each)} - {step.loss}
    for call in _inside(step.script, step.script.scope(step.backward)):
        if callee(call) == "numpy" and any(
            dotted(each) in made for each in ast.walk(call) if isinstance(each, ast.expr)
        ):
            step.script.refuse(call, "an output of the model becomes a numpy array, which has no bfloat16")


def _inside(script: Script, scope: ast.AST) -> Iterator[ast.Call]:
    return (call for call in script.calls if scope in script.above(call))


def _device_type(step: Step, models: Models, torch: str) -> str:
    """Write where the model runs: a device the code names, else that of the model's weights."""
    script = step.script
    if not any(mentioned(Scripts({script.path: script}), _ON_DEVICE)):
        return '"cpu"'
    device = next(_devices(step), "")
    if device:
        return f"{torch}.device({device}).type"
    calls = (node for each in step.forward for node in ast.walk(each) if isinstance(node, ast.Call))
    model = next((dotted(call.func) for call in calls if dotted(call.func) in models.names), "")
    return f"next({model}.parameters()).device.type" if model else f'"cuda" if {torch}.cuda.is_available() else "cpu"'


def _devices(step: Step) -> Iterator[str]:
    """What batches of the same function are moved to: x.to(device)."""
    for call in _inside(step.script, step.script.scope(step.backward)):
        target = call.args[0] if callee(call) == "to" and call.args else None
        if target is not None and "device" in dotted(target).lower() and call.lineno < step.backward.lineno:
            yield dotted(target)
        elif isinstance(value := constant(target), str):
            yield repr(value).replace("'", '"')
