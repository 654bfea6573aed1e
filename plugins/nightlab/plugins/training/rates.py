"""Finds what sets the learning rate after the optimizer is made: assignments to its groups, torch's schedulers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nightlab.plugins.hyperparameter.source import callee, constant
from nightlab.plugins.training.program import Module, is_optimizer_class

_RATES: Final = ("lr", "initial_lr")
_OPTIONS: Final = ("momentum", "betas", "eps", "dampening", "nesterov", "amsgrad", "weight_decay")
_STATE: Final = ("exp_avg", "exp_avg_sq", "momentum_buffer")
# Parameters of torch's schedulers that are learning rates of their own, with their place.
_ABSOLUTE: Final = {
    "OneCycleLR": {"max_lr": 1},
    "CyclicLR": {"base_lr": 1, "max_lr": 2},
    "CosineAnnealingLR": {"eta_min": 2},
    "CosineAnnealingWarmRestarts": {"eta_min": 3},
    "ReduceLROnPlateau": {"min_lr": 6},
    "SWALR": {"swa_lr": 1},
}


@dataclass(frozen=True, slots=True)
class Assignment:
    """`group["lr"] = ...` on a group of an optimizer.

    Attributes:
        statement: It.
        value: What is assigned.
        is_relative: Whether the new rate follows from the old one, so that it scales by itself.
    """

    statement: ast.Assign | ast.AugAssign
    value: ast.expr
    is_relative: bool


def assignments(module: Module) -> list[Assignment]:
    """All assignments of learning rates in a file."""
    found = []
    nodes: list[ast.Assign | ast.AugAssign] = [*module.nodes(ast.Assign), *module.nodes(ast.AugAssign)]
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(_is_rate(module, target) for target in targets):
            relative = isinstance(node, ast.AugAssign) or any(_is_rate_read(each) for each in ast.walk(node.value))
            found.append(Assignment(node, node.value, relative))
    return found


def schedulers(module: Module) -> list[ast.Call]:
    """Calls that make a learning-rate schedule: torch's classes and the functions of transformers."""
    return [call for call in module.nodes(ast.Call) if is_scheduler(module, call)]


def is_scheduler(module: Module, call: ast.Call) -> bool:
    """Tell whether a call makes a schedule that is stepped like torch's."""
    name = module.qualified(call.func)
    last = name.rpartition(".")[2]
    if name.startswith("torch.optim."):
        return last[:1].isupper() and (".lr_scheduler." in name or last == "SWALR")
    return name.startswith("transformers.") and last.startswith("get_") and "schedule" in last


def own_rates(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a scheduler that are learning rates of their own, such as OneCycleLR's max_lr."""
    for parameter, place in _ABSOLUTE.get(callee(call), {}).items():
        written = [each.value for each in call.keywords if each.arg == parameter]
        yield from written or call.args[place : place + 1]


def group_values(module: Module, key: str) -> Iterator[ast.expr]:
    """What parameter groups set for themselves: the values of a key in {"params": ..., "lr": ...}."""
    for node in module.nodes(ast.Dict):
        pairs = {constant(name): value for name, value in zip(node.keys, node.values, strict=True) if name}
        if "params" in pairs and key in pairs:
            yield pairs[key]
    for call in module.nodes(ast.Call):
        given = {each.arg: each.value for each in call.keywords}
        if callee(call) == "dict" and "params" in given and key in given:
            yield given[key]


def touched_state(module: Module) -> ast.Subscript | None:
    """A use of what only some optimizers keep: group["betas"], state["exp_avg"]; None if there is none."""
    for node in module.nodes(ast.Subscript):
        key = constant(node.slice)
        if any(isinstance(each, ast.ClassDef) and is_optimizer_class(module, each) for each in module.above(node)):
            continue
        if key in _STATE or (key in _OPTIONS and _on_group(module, node)):
            return node
    return None


def _is_rate(module: Module, target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and constant(target.slice) in _RATES and _on_group(module, target)


def _on_group(module: Module, node: ast.Subscript) -> bool:
    if _names_groups(node.value):
        return True
    loops = (each for each in module.above(node) if isinstance(each, ast.For))
    names = {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
    return any(_names_groups(loop.iter) and names & _bound(loop) for loop in loops)


def _bound(loop: ast.For) -> set[str]:
    return {each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)}


def _names_groups(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == "param_groups" for each in ast.walk(node))


def _is_rate_read(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and constant(node.slice) in _RATES
