"""What the code of the workspace does with a name: which settings it feeds, what it is compared with, who overrides it.

Evidence is by the last part of a name ("lr" of args.lr), because a setting travels through objects and files.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nightlab.plugins.hyperparameter.calls import SEED_CALLS, settings_of, takes_settings
from nightlab.plugins.hyperparameter.found import strings
from nightlab.plugins.hyperparameter.names import words
from nightlab.plugins.hyperparameter.source import callee, constant, dotted

Function = ast.FunctionDef | ast.AsyncFunctionDef
EVALUATION_WORDS = frozenset({"eval", "evaluate", "evaluation", "validate", "validation", "val", "test", "estimate"})


@dataclass(slots=True)
class Evidence:
    """Uses of names, over all files that count.

    Attributes:
        passed: Name -> (callee, parameter) pairs it is passed to.
        options: Name -> strings it is compared with or looked up among.
        seeds: Names that seed a random generator.
        trains: Names that bound a loop which steps an optimizer.
        evaluates: Names read inside an evaluation function.
        calls: Function or class -> for each call, the parameters it passes; None for one that unpacks.
        accumulates: Whether gradient accumulation is computed from batch sizes.
    """

    passed: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    options: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    seeds: set[str] = field(default_factory=set)
    trains: set[str] = field(default_factory=set)
    evaluates: dict[str, str] = field(default_factory=dict)
    calls: dict[str, list[tuple[int, frozenset[str]] | None]] = field(default_factory=lambda: defaultdict(list))
    parameters: dict[str, list[str]] = field(default_factory=dict)
    accumulates: bool = False

    def always_passed(self, function: str, parameter: str) -> bool:
        """Tell whether every call of a function or class gives that parameter, so that its default has no effect."""
        calls = self.calls.get(function, [])
        order = self.parameters.get(function, [])
        index = order.index(parameter) if parameter in order else len(order)
        return bool(calls) and all(call is not None and (parameter in call[1] or index < call[0]) for call in calls)


def gather(trees: Iterable[ast.Module]) -> Evidence:
    """Read the evidence of several files."""
    evidence = Evidence()
    for tree in trees:
        for node in ast.walk(tree):
            _read(evidence, node)
    return evidence


def _read(evidence: Evidence, node: ast.AST) -> None:
    if isinstance(node, ast.Call):
        _read_call(evidence, node)
    elif isinstance(node, ast.Compare):
        _read_comparison(evidence, node)
    elif isinstance(node, ast.Match):
        _read_match(evidence, node)
    elif isinstance(node, ast.Subscript):
        _read_lookup(evidence, node)
    elif isinstance(node, ast.For | ast.While):
        _read_loop(evidence, node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        _read_definition(evidence, node)


def _read_call(evidence: Evidence, node: ast.Call) -> None:
    name = callee(node)
    unpacks = any(each.arg is None for each in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args)
    keywords = frozenset(each.arg for each in node.keywords if each.arg)
    evidence.calls[name].append(None if unpacks else (len(node.args), keywords))
    if name in SEED_CALLS and node.args:
        evidence.seeds.update(_leaves(node.args[0]))
    if takes_settings(name):
        for parameter, argument in settings_of(node):
            elements = argument.elts if isinstance(argument, ast.Tuple | ast.List) else [argument]
            for name_passed in filter(None, map(_last, elements)):
                evidence.passed[name_passed].add((name, parameter))


def _read_comparison(evidence: Evidence, node: ast.Compare) -> None:
    name = _last(node.left)
    if name:
        for operator, other in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                evidence.options[name].update(strings(other))


def _read_match(evidence: Evidence, node: ast.Match) -> None:
    name = _last(node.subject)
    for pattern in (each for case in node.cases for each in ast.walk(case.pattern)):
        if name and isinstance(pattern, ast.MatchValue):
            evidence.options[name].update(strings(pattern.value))


def _read_lookup(evidence: Evidence, node: ast.Subscript) -> None:
    name = _last(node.slice)
    if name and isinstance(node.value, ast.Dict):
        keys = [constant(key) for key in node.value.keys if key is not None]
        evidence.options[name].update(key for key in keys if isinstance(key, str))


def _read_loop(evidence: Evidence, node: ast.For | ast.While) -> None:
    steps = any(isinstance(each, ast.Call) and callee(each) in ("backward", "step") for each in ast.walk(node))
    bound = node.iter if isinstance(node, ast.For) else node.test
    if steps:
        evidence.trains.update(_leaves(bound))


def _read_definition(evidence: Evidence, node: Function | ast.ClassDef) -> None:
    if isinstance(node, ast.ClassDef):
        evidence.parameters[node.name] = _class_parameters(node)
        return
    evidence.parameters.setdefault(node.name, [each.arg for each in (*node.args.posonlyargs, *node.args.args)])
    found = set(words(node.name))
    if found & EVALUATION_WORDS and "train" not in found:
        for name in _names(node):
            evidence.evaluates.setdefault(name, node.name)
    if any(isinstance(each, ast.FloorDiv) for each in ast.walk(node)) and "accum" in " ".join(_names(node)):
        evidence.accumulates = True


def _class_parameters(node: ast.ClassDef) -> list[str]:
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return [argument.arg for argument in each.args.args[1:]]
    return [
        each.target.id for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    ]


def _names(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Subscript):
            yield from filter(None, [_last(each)])


def _leaves(node: ast.AST) -> Iterator[str]:
    """The quantities in an expression: of cfg.seed + rank, seed and rank."""
    if isinstance(node, ast.expr) and (name := _last(node)):
        yield name
        return
    for child in ast.iter_child_nodes(node):
        yield from _leaves(child)


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and callee(node) in ("float", "int", "str", "lower") and (node.args or node.keywords):
        return _last(node.args[0]) if node.args else ""
    if isinstance(node, ast.Call) and callee(node) == "lower" and isinstance(node.func, ast.Attribute):
        return _last(node.func.value)
    return dotted(node).split(".")[-1]
