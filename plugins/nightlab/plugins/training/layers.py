"""Finds where a model's forward runs a list of blocks: `for block in self.blocks: x = block(x)`; `self.blocks(x)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nightlab.plugins.hyperparameter.source import callee, dotted
from nightlab.plugins.training.model import Models
from nightlab.plugins.training.script import Function, Script, stored

_LISTS: Final = frozenset({"torch.nn.ModuleList", "torch.nn.Sequential"})


@dataclass(frozen=True)
class Stack:
    """A run over a list of blocks.

    Attributes:
        script: Where it is.
        loop: The loop; None where an nn.Sequential is called as a whole.
        call: The call of one block, or of the nn.Sequential.
        blocks: The list as written: "self.transformer.h".
        index: The name that counts the blocks in the loop; empty without one.
    """

    script: Script
    loop: ast.For | None
    call: ast.Call
    blocks: str
    index: str


def stacks(models: Models) -> Iterator[Stack]:
    """Find all runs over lists of blocks in the forward methods of modules."""
    for script, owner in models.classes.values():
        for method in owner.body:
            if isinstance(method, Function) and method.name.startswith("forward"):
                yield from _in_forward(script, owner, method)


def block_lists(script: Script, owner: ast.ClassDef) -> dict[str, ast.Call]:
    """The lists of blocks that a module makes: {"self.blocks": nn.ModuleList(...)}; nested in a ModuleDict too."""
    found: dict[str, ast.Call] = {}
    for node in ast.walk(owner):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            for target in node.targets:
                found |= _lists(script, dotted(target), node.value)
    return found


def is_repeated(call: ast.Call) -> bool:
    """Tell whether a list is of blocks of one kind: written as a comprehension, or a repetition."""
    parts = [each.value if isinstance(each, ast.Starred) else each for each in call.args]
    return len(parts) == 1 and isinstance(parts[0], ast.ListComp | ast.GeneratorExp)


def _lists(script: Script, target: str, value: ast.Call) -> dict[str, ast.Call]:
    name = script.qualified(value.func)
    if name in _LISTS:
        return {target: value}
    if name != "torch.nn.ModuleDict" or not value.args:
        return {}
    found: dict[str, ast.Call] = {}
    for key, each in _items(value.args[0]):
        if isinstance(each, ast.Call) and script.qualified(each.func) in _LISTS:
            found |= {f"{target}.{key}": each}
    return found


def _items(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Call) and callee(node) == "dict":
        yield from ((each.arg, each.value) for each in node.keywords if each.arg)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def _in_forward(script: Script, owner: ast.ClassDef, method: ast.AST) -> Iterator[Stack]:
    lists = block_lists(script, owner)
    for node in ast.walk(method):
        if isinstance(node, ast.For):
            yield from _loop(script, node, lists)
        elif isinstance(node, ast.Call) and _is_whole(script, lists.get(dotted(node.func))):
            yield Stack(script, None, node, dotted(node.func), "")


def _is_whole(script: Script, made: ast.Call | None) -> bool:
    return made is not None and is_repeated(made) and script.qualified(made.func) == "torch.nn.Sequential"


def _loop(script: Script, loop: ast.For, lists: dict[str, ast.Call]) -> Iterator[Stack]:
    blocks, index, block = _iterated(loop)
    if blocks not in lists:
        return
    inner = [each for part in loop.body for each in ast.walk(part)]
    if any(block in stored(each) for each in inner):
        return
    for call in inner:
        if isinstance(call, ast.Call) and ast.unparse(call.func) == block:
            yield Stack(script, loop, call, blocks, index)


def _iterated(loop: ast.For) -> tuple[str, str, str]:
    """The list, the counting name and the block of a loop over blocks; of `range(len(...))` too."""
    over, target = loop.iter, loop.target
    if isinstance(target, ast.Name) and dotted(over):
        return dotted(over), "", target.id
    if not (isinstance(over, ast.Call) and len(over.args) == 1):
        return "", "", ""
    inner = over.args[0]
    if callee(over) == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
        return dotted(inner), dotted(target.elts[0]), dotted(target.elts[1])
    if callee(over) == "range" and isinstance(inner, ast.Call) and callee(inner) == "len" and len(inner.args) == 1:
        blocks = dotted(inner.args[0])
        return blocks, dotted(target), f"{blocks}[{dotted(target)}]"
    return "", "", ""
