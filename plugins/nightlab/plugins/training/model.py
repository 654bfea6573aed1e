"""Models in training scripts: classes of modules, names that hold a module, calls that run one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from nightlab.plugins.hyperparameter.source import callee, dotted
from nightlab.plugins.training.script import Function, Script
from nightlab.plugins.training.workspace import Scripts

MODULE: Final = "torch.nn.Module"
_TELLS: Final = frozenset({"parameters", "named_parameters", "train", "eval"})
_NOT_FORWARD: Final = _TELLS | frozenset(
    {"to", "cuda", "cpu", "zero_grad", "state_dict", "load_state_dict", "requires_grad_", "children", "modules"}
    | {"named_modules", "apply", "register_buffer", "configure_optimizers", "compile", "share_memory"}
)
_WRAPPERS: Final = frozenset({"compile", "DataParallel", "DistributedDataParallel", "DDP", "to", "cuda", "prepare"})
_DEEPEST: Final = 4


class Models:
    """What the files of a workspace say about modules."""

    def __init__(self, found: Scripts) -> None:
        self._scripts = tuple(found)

    @cached_property
    def classes(self) -> dict[str, tuple[Script, ast.ClassDef]]:
        """Classes that are modules, by name; a class may derive from another one of the workspace."""
        every = {n.name: (s, n) for s in self._scripts for n in s.every if isinstance(n, ast.ClassDef)}
        found: dict[str, tuple[Script, ast.ClassDef]] = {}
        for _ in range(_DEEPEST):
            for name, (script, node) in every.items():
                if any(_is_module(script.qualified(base), found) for base in node.bases):
                    found[name] = (script, node)
        return found

    @cached_property
    def functions(self) -> dict[str, tuple[Script, Function]]:
        """Functions and methods by name; a name with two different ones is left out."""
        found: dict[str, list[tuple[Script, Function]]] = {}
        for script in self._scripts:
            for node in script.every:
                if isinstance(node, Function):
                    found.setdefault(node.name, []).append((script, node))
        return {name: each[0] for name, each in found.items() if len(each) == 1}

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that hold a module, as they are written: "model", "self.net"."""
        found = {name for script in self._scripts for name in self._told(script)}
        for _ in range(_DEEPEST):
            found |= {name for script in self._scripts for name in self._assigned(script, found)}
        return frozenset(found - {"", "self"})

    def runs(self, script: Script, node: ast.AST, depth: int = _DEEPEST) -> bool:
        """Tell whether a piece of code runs a model, directly or through functions of the workspace."""
        return any(self._runs(script, each, depth) for each in ast.walk(node) if isinstance(each, ast.Call))

    def is_forward(self, call: ast.Call) -> bool:
        """Tell whether a call is a model's own: model(x), or model.loss(x)."""
        if dotted(call.func) in self.names:
            return True
        is_method = isinstance(call.func, ast.Attribute) and call.func.attr not in _NOT_FORWARD
        return is_method and dotted(call.func.value) in self.names  # type: ignore[attr-defined]

    def uses(self, prefix: str) -> Iterator[tuple[Script, ast.Call]]:
        """Calls of what a resolved name starts with: "torch.nn.BatchNorm"."""
        for script in self._scripts:
            yield from ((script, call) for call in script.calls if script.qualified(call.func).startswith(prefix))

    def _runs(self, script: Script, call: ast.Call, depth: int) -> bool:
        if self.is_forward(call):
            return True
        known = self.functions.get(callee(call))
        if known is None or depth == 0 or known[1].name in _NOT_FORWARD or script.scope(call) is known[1]:
            return False
        inside, function = known
        return any(self._runs(inside, each, depth - 1) for each in ast.walk(function) if isinstance(each, ast.Call))

    def _told(self, script: Script) -> Iterator[str]:
        for node in script.every:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TELLS:
                yield dotted(node.func.value)
            elif isinstance(node, ast.arg) and _is_module(script.qualified(node.annotation), self.classes):
                yield node.arg

    def _assigned(self, script: Script, known: set[str]) -> Iterator[str]:
        for node in script.every:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and self._is_model(script, node.value, known):
                yield dotted(node.targets[0])

    def _is_model(self, script: Script, value: ast.expr, known: set[str]) -> bool:
        if dotted(value) in known:
            return True
        if not isinstance(value, ast.Call):
            return False
        name = script.qualified(value.func)
        if name.split(".")[-1] in self.classes or name.startswith("torchvision.models."):
            return not self._inside_module(script, value)
        wrapped = [*value.args[:1], *([value.func.value] if isinstance(value.func, ast.Attribute) else [])]
        return callee(value) in _WRAPPERS and any(self._is_model(script, each, known) for each in wrapped)

    def _inside_module(self, script: Script, node: ast.AST) -> bool:
        """Layers of a model are not the model that is trained."""
        owner = next((each for each in script.above(node) if isinstance(each, ast.ClassDef)), None)
        return owner is not None and owner.name in self.classes


def _is_module(name: str, known: dict[str, tuple[Script, ast.ClassDef]]) -> bool:
    return name == MODULE or name.split(".")[-1] in known
