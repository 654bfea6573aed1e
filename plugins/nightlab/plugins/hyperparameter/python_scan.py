"""Finds the literals of a Python file that something could be named after: assignments, fields, defaults, calls.

Which of them may change is not decided here. Literals inside calls are `calls`' part.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from nightlab.plugins.hyperparameter.calls import default_of, literals_in_call
from nightlab.plugins.hyperparameter.found import Found, stated_choices
from nightlab.plugins.hyperparameter.literals import Form, Kind, Literal, kind_of, with_unique_names
from nightlab.plugins.hyperparameter.names import word_set, words
from nightlab.plugins.hyperparameter.source import Source, callee, constant, dotted

CONFIG_WORDS: Final = word_set(
    "config configs cfg conf hparams hp params param hyperparameters hyperparams hyper settings options opts args "
    "defaults kwargs model optim optimizer train training"
)
CONFIG_CALLS: Final = word_set(
    "dict SimpleNamespace Namespace EasyDict AttrDict ConfigDict DotMap Box DictConfig create Munch edict"
)
_ANNOTATED: Final[dict[str, Kind]] = {"float": "number", "int": "integer", "bool": "boolean", "str": "string"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def scan_python(source: Source) -> list[Literal]:
    """List a file's literals in source order, with unique names."""
    finder = _Finder(source)
    finder.visit(source.tree)
    return with_unique_names(finder.found)


class _Finder(ast.NodeVisitor):
    def __init__(self, source: Source) -> None:
        self._source = source
        self._scope: list[str] = []
        self._in_function = False
        self._in_class = False
        self._shared = _moving_anywhere(source.tree)
        self._moving = _moving_in(source.tree.body)
        self.found: list[Literal] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._inside(node.name, node.body, function=False)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=False)
                for each, value in pairs:
                    self._assigned(each, value, None)
            else:
                self._assigned(target, node.value, None)
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assigned(node.target, node.value, node.annotation)
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        for found in literals_in_call(node):
            self._add(found)
        self.generic_visit(node)

    def _function(self, node: Function) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        positional = node.args.posonlyargs + node.args.args
        defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
        pairs = [
            *zip(positional, defaults, strict=True),
            *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
        ]
        for argument, default in pairs:
            if default is not None:
                self._values(f"{node.name}.{argument.arg}", argument.arg, default, "parameter", argument.annotation)
        self._inside(node.name, node.body, function=True)

    def _inside(self, name: str, body: Sequence[ast.stmt], *, function: bool) -> None:
        before = self._in_function, self._in_class, self._moving
        self._moving = _moving_in(body)
        self._scope.append(name)
        self._in_function, self._in_class = function or self._in_function, not function
        for statement in body:
            self.visit(statement)
        self._scope.pop()
        self._in_function, self._in_class, self._moving = before

    def _assigned(self, target: ast.expr, value: ast.expr, annotation: ast.expr | None) -> None:
        name = dotted(target)
        if not name or name in self._moving or name in self._shared:
            return
        if isinstance(target, ast.Name):
            form: Form = "field" if self._in_class else "local" if self._in_function else "constant"
        else:
            form = "attribute"
        if isinstance(value, ast.Dict) or (isinstance(value, ast.Call) and callee(value) in CONFIG_CALLS):
            self._dictionary(name, value)
        else:
            self._values(name, name.split(".")[-1], value, form, annotation)

    def _values(
        self,
        name: str,
        word: str,
        node: ast.expr,
        form: Form,
        annotation: ast.expr | None,
        context: tuple[str, ...] = (),
    ) -> None:
        inner = default_of(node) if isinstance(node, ast.Call) else node
        if inner is None:
            return
        choices = stated_choices(annotation)
        kind = _annotated_kind(annotation)
        if isinstance(inner, ast.Tuple | ast.List):
            for index, element in enumerate(inner.elts[:8]):
                self._add(
                    Found(f"{name}[{index}]", word, element, form, context=context or tuple(name.split(".")[:-1]))
                )
            return
        self._add(Found(name, word, inner, form, kind, context or tuple(name.split(".")[:-1]), choices=choices))

    def _dictionary(self, name: str, node: ast.Dict | ast.Call) -> None:
        items = list(_items(node))
        if not set(words(name)) & CONFIG_WORDS and not any(isinstance(value, ast.Dict) for _, value in items):
            return
        for key, value in items:
            inner = f"{name}.{key}"
            if isinstance(value, ast.Dict) or (isinstance(value, ast.Call) and callee(value) in CONFIG_CALLS):
                self._dictionary(inner, value)
            else:
                self._values(inner, key, value, "dict", None, tuple(name.split(".")))

    def _add(self, found: Found) -> None:
        value = constant(found.node)
        kind = kind_of(value)
        if value is None or kind is None or (isinstance(value, str) and found.name.endswith("]")):
            return
        start, end = self._source.span(found.node)
        self.found.append(
            Literal(
                path=self._source.path,
                name=".".join([*self._scope, found.name]) if found.scoped else found.name,
                form=found.form,
                kind=found.wanted_kind(kind, value),
                value=value,
                text=self._source.text(found.node),
                start=start,
                end=end,
                line=found.node.lineno,
                word=found.word,
                context=(*self._scope, *found.context),
                callee=found.callee,
                choices=found.choices,
            )
        )


def _items(node: ast.Dict | ast.Call) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Call):
        yield from ((each.arg, each.value) for each in node.keywords if each.arg)
        if node.args and isinstance(node.args[0], ast.Dict):
            yield from _items(node.args[0])
        return
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value, value


def _annotated_kind(annotation: ast.expr | None) -> Kind | None:
    """The type that an annotation names, through Optional and Annotated."""
    if annotation is None:
        return None
    named = [
        _ANNOTATED[each.id] for each in ast.walk(annotation) if isinstance(each, ast.Name) and each.id in _ANNOTATED
    ]
    return named[0] if len(set(named)) == 1 else None


def _moving_in(body: Iterable[ast.stmt]) -> frozenset[str]:
    """Names that this scope counts up or loops over: their first value is no setting. Inner scopes have their own."""
    moving: set[str] = set()
    open_ends: list[ast.AST] = list(body)
    while open_ends:
        node = open_ends.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.AugAssign):
            moving.add(dotted(node.target))
        elif isinstance(node, ast.For | ast.AsyncFor):
            moving.update(dotted(each) for each in ast.walk(node.target) if isinstance(each, ast.expr))
        open_ends.extend(ast.iter_child_nodes(node))
    return frozenset(moving)


def _moving_anywhere(tree: ast.Module) -> frozenset[str]:
    """Names that one scope counts up for another: attributes, and what `global` reaches."""
    moving: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and not isinstance(node.target, ast.Name):
            moving.add(dotted(node.target))
        elif isinstance(node, ast.Global | ast.Nonlocal):
            moving.update(node.names)
    return frozenset(moving)
