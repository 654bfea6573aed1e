"""Finds the training step: where the loss is made, `loss.backward()`, `optimizer.step()`, `zero_grad()`.

A step is understood when there is exactly one `backward()` and the loss comes from statements beside it. All else is
refused with the place and the reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nightlab.plugins.hyperparameter.source import callee, dotted
from nightlab.plugins.training.model import Models
from nightlab.plugins.training.script import Script, loaded, stored
from nightlab.plugins.training.workspace import Scripts
from nightlab.sdk import Unmet

_FRAMEWORKS: Final = {
    "lightning": "Lightning",
    "pytorch_lightning": "Lightning",
    "transformers.Trainer": "the Hugging Face Trainer",
    "deepspeed": "DeepSpeed",
    "accelerate": "Accelerate",
    "fastai": "fastai",
}


@dataclass(frozen=True)
class Step:
    """One training step.

    Attributes:
        script: Where it is.
        backward: The statement that is `loss.backward()`.
        loss: The name of the loss, as written.
        scaler: The gradient scaler around the loss, as written; empty without one.
        block: The statements among which `backward` stands.
        forward: The run of these that makes the loss, first to last.
    """

    script: Script
    backward: ast.stmt
    loss: str
    scaler: str
    block: list[ast.stmt]
    forward: tuple[ast.stmt, ...]


def backwards(found: Scripts) -> list[tuple[Script, ast.Call]]:
    """All calls of `backward`."""
    calls = ((script, call) for script in found for call in script.calls)
    return [(script, call) for script, call in calls if callee(call) == "backward"]


def training_step(found: Scripts, models: Models) -> Step:
    """Find the training step.

    Raises:
        Unmet: There is none, there are several, or it is not understood.
    """
    script, call = _only_backward(found)
    loss, scaler = _loss_of(script, call)
    backward = script.statement(call)
    if not isinstance(backward, ast.Expr) or backward.value is not call:
        script.refuse(call, "backward() is part of a larger expression")
    block = script.block(backward)
    forward = _forward(script, models, block, backward, loss)
    return Step(script, backward, loss, scaler, block, forward)


def optimizers(found: Scripts) -> frozenset[str]:
    """Names that hold an optimizer: from torch.optim, or named so and asked to step."""
    names = set()
    for script in found:
        for node in script.every:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _makes(script, node.value):
                names |= {dotted(target) for target in node.targets}
            elif isinstance(node, ast.Call) and callee(node) in ("step", "zero_grad") and _is_called_optimizer(node):
                names.add(dotted(node.func.value))  # type: ignore[attr-defined]
    return frozenset(names - {""})


def steps(found: Scripts) -> Iterator[tuple[Script, ast.Call, str]]:
    """Calls that step an optimizer: optimizer.step(), scaler.step(optimizer); with the optimizer's name."""
    known = optimizers(found)
    for script in found:
        for call in script.calls:
            if callee(call) == "step" and isinstance(call.func, ast.Attribute):
                scaled = dotted(call.args[0]) if call.args else ""
                name = next((each for each in (dotted(call.func.value), scaled) if each in known), "")
                if name:
                    yield script, call, name


def only_step(found: Scripts) -> tuple[Script, ast.Call, str]:
    """Find the one call that steps the one optimizer.

    Raises:
        Unmet: There is none, there are several, or a closure runs inside of it.
    """
    every = list(steps(found))
    if not every:
        raise Unmet(f"no optimizer.step() was found{_why_none(found)}")
    if len(every) > 1:
        script, call, _ = every[1]
        script.refuse(call, f"the optimizer steps here and at {every[0][0].where(every[0][1])}; only one is understood")
    script, call, name = every[0]
    if dotted(call.func.value) == name and (call.args or call.keywords):  # type: ignore[attr-defined]
        script.refuse(call, f"{name}.step() is given a closure, which runs the model several times")
    return every[0]


def mentioned(found: Scripts, words: frozenset[str]) -> Iterator[tuple[Script, ast.AST, str]]:
    """Names, attributes and keywords that are one of some words, with the word."""
    for script in found:
        for node in script.every:
            word = str(getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None) or "")
            resolved = script.imported.get(word, "").split(".")[-1] if isinstance(node, ast.Name) else ""
            if word in words or resolved in words:
                yield script, node, word if word in words else resolved


def _only_backward(found: Scripts) -> tuple[Script, ast.Call]:
    every = backwards(found)
    if not every:
        raise Unmet(f"no loss.backward() was found{_why_none(found)}")
    if len(every) > 1:
        script, call = every[1]
        script.refuse(
            call, f"backward() is called here and at {every[0][0].where(every[0][1])}; only one is understood"
        )
    return every[0]


def _why_none(found: Scripts) -> str:
    for script in found:
        for name in script.imported.values():
            known = next((each for each in _FRAMEWORKS if name == each or name.startswith(f"{each}.")), None)
            if known:
                return f": {script.path} leaves the training loop to {_FRAMEWORKS[known]}"
    return ""


def _loss_of(script: Script, call: ast.Call) -> tuple[str, str]:
    assert isinstance(call.func, ast.Attribute)
    value, scaler = call.func.value, ""
    if call.args and not call.keywords:
        script.refuse(call, f"{script.text(call.func)}() is given the loss; only loss.backward() is understood")
    if call.args or call.keywords:
        script.refuse(call, "backward() has arguments")
    if isinstance(value, ast.Call) and callee(value) == "scale" and len(value.args) == 1:
        scaler, value = dotted(value.func.value), value.args[0]  # type: ignore[attr-defined]
    if not dotted(value):
        script.refuse(call, "the loss is made in the same statement; give it a name")
    return dotted(value), scaler


def _forward(
    script: Script, models: Models, block: list[ast.stmt], backward: ast.stmt, loss: str
) -> tuple[ast.stmt, ...]:
    place = next(index for index, each in enumerate(block) if each is backward)
    needed, first, last = {loss}, None, None
    for index in range(place - 1, -1, -1):
        if stored(block[index]) & needed:
            last = index if last is None else last
            needed |= loaded(block[index])
            first = index if models.runs(script, block[index]) else first
    if first is None or last is None:
        script.refuse(backward, f"where the model makes {loss} is not among the statements before it")
    return tuple(block[first : last + 1])


def _makes(script: Script, call: ast.Call) -> bool:
    name = script.qualified(call.func)
    return name.startswith("torch.optim.") and "lr_scheduler" not in name and name.count(".") == 2


def _is_called_optimizer(call: ast.Call) -> bool:
    name = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    last = name.split(".")[-1].lower()
    return "optim" in last or last in ("opt", "optimizer_")
