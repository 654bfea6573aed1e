"""What a function or class of the tree takes, and which one a call means, where there is no doubt."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from nightlab.controller.explain.weigh.modules import Modules
from nightlab.controller.explain.weigh.source import FUNCTIONS, Function, Source, dotted, last_part


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters of a callable, `self` left out.

    Attributes:
        name: As it is defined.
        positional: Names that may be given by position.
        only_positional: How many of them may not be given by name.
        by_name: Names that may be given by name alone.
        required: Names without a default.
        takes_more: Has *args.
        takes_names: Has **kwargs.
    """

    name: str
    positional: tuple[str, ...]
    only_positional: int
    by_name: tuple[str, ...]
    required: frozenset[str]
    takes_more: bool
    takes_names: bool


@dataclass(frozen=True, slots=True)
class Target:
    """What a call means.

    Attributes:
        function: The function; of a class its __init__, None for a dataclass.
        signature: What it takes.
        is_class: Whether the call makes an object.
    """

    function: Function | None
    signature: Signature
    is_class: bool = False


class Resolver:
    """Finds what calls mean. Nothing is said of names that are bound twice, decorated, patched or inherited."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._imports: dict[str, dict[str, tuple[str, int, str]]] = {}
        self._defined: dict[str, dict[str, ast.AST]] = {}
        self._patched: dict[str, set[str]] = {}
        self._methods: dict[int, dict[str, Function]] = {}
        self._bases: dict[str, set[str]] = {}

    def target(self, call: ast.Call, source: Source) -> Target | None:
        """Return what a call means; None if that is not sure."""
        node, owner = self._definition(call.func, source)
        if isinstance(node, FUNCTIONS):
            return None if node.decorator_list else Target(node, signature(node))
        if isinstance(node, ast.ClassDef) and owner is not None:
            return _constructor(node)
        return self._method(call.func, source)

    def _definition(self, func: ast.expr, source: Source) -> tuple[ast.AST | None, Source | None]:
        if isinstance(func, ast.Name):
            if self._modules.bindings(source)[func.id] != 1:
                return None, None
            here = self._top(source).get(func.id)
            if here is not None:
                return here, source
            return self._imported(func.id, source)
        if isinstance(func, ast.Attribute) and isinstance(func.value, (ast.Name, ast.Attribute)):
            return self._member(dotted(func.value), func.attr, source)
        return None, None

    def _imported(self, name: str, source: Source) -> tuple[ast.AST | None, Source | None]:
        module, level, member = self._imports_of(source).get(name, ("", 0, ""))
        if not member:
            return None, None
        found = self._modules.find(source.path, module, level)
        return self._defined_once(found, member) if found else (None, None)

    def _member(self, prefix: str, name: str, source: Source) -> tuple[ast.AST | None, Source | None]:
        if not prefix or self._modules.bindings(source)[prefix.partition(".")[0]] != 1:
            return None, None
        module, level, member = self._imports_of(source).get(prefix, ("", 0, ""))
        if not module and not level:
            return None, None
        full = ".".join(part for part in (module, member) if part)
        found = self._modules.find(source.path, full, level)
        if found is None or self._is_patched(source, name):
            return None, None
        return self._defined_once(found, name)

    def _defined_once(self, found: Source, name: str) -> tuple[ast.AST | None, Source | None]:
        once = self._modules.bindings(found)[name] == 1
        return (self._top(found).get(name), found) if once else (None, None)

    def _method(self, func: ast.expr, source: Source) -> Target | None:
        """`self.name(...)` in a class that nothing known inherits from."""
        if not isinstance(func, ast.Attribute) or dotted(func.value) != "self" or self._is_patched(source, func.attr):
            return None
        method = next((p for p in source.parents(func) if isinstance(p, FUNCTIONS)), None)
        owner = source.parent(method) if method else None
        if not isinstance(owner, ast.ClassDef) or owner.name in self._used_as_base(source):
            return None
        if method is None or not method.args.args or method.args.args[0].arg != "self":
            return None
        found = self._methods_of(owner).get(func.attr)
        return Target(found, signature(found, is_method=True)) if found and not found.decorator_list else None

    def _top(self, source: Source) -> dict[str, ast.AST]:
        if source.path not in self._defined:
            kinds = (*FUNCTIONS, ast.ClassDef)
            self._defined[source.path] = {n.name: n for n in source.tree.body if isinstance(n, kinds)}
        return self._defined[source.path]

    def _imports_of(self, source: Source) -> dict[str, tuple[str, int, str]]:
        if source.path not in self._imports:
            self._imports[source.path] = dict(_imports(source))
        return self._imports[source.path]

    def _is_patched(self, source: Source, name: str) -> bool:
        """Whether the file assigns to an attribute of that name, or has a field of it."""
        if source.path not in self._patched:
            stored = (n.attr for n in source.nodes if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load))
            self._patched[source.path] = set(stored)
        return name in self._patched[source.path]

    def _used_as_base(self, source: Source) -> set[str]:
        if source.path not in self._bases:
            classes = (n for n in source.nodes if isinstance(n, ast.ClassDef))
            self._bases[source.path] = {last_part(base) for n in classes for base in n.bases}
        return self._bases[source.path]

    def _methods_of(self, owner: ast.ClassDef) -> dict[str, Function]:
        if id(owner) not in self._methods:
            found: dict[str, Function] = {}
            twice: set[str] = set()
            for node in ast.walk(owner):
                if isinstance(node, FUNCTIONS) and node in owner.body:
                    twice |= {node.name} & found.keys()
                    found[node.name] = node
            bound = {n.id for n in ast.walk(owner) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            self._methods[id(owner)] = {k: v for k, v in found.items() if k not in twice | bound}
        return self._methods[id(owner)]


def signature(function: Function, *, is_method: bool = False) -> Signature:
    """Return what a function takes."""
    args = function.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    without = names[: len(names) - len(args.defaults)]
    required = {*without, *(a.arg for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is None)}
    skipped = names[:1] if is_method else []
    return Signature(
        function.name,
        tuple(names[len(skipped) :]),
        max(0, len(args.posonlyargs) - len(skipped)),
        tuple(arg.arg for arg in args.kwonlyargs),
        frozenset(required) - frozenset(skipped),
        args.vararg is not None or (is_method and not names),
        args.kwarg is not None,
    )


def _constructor(node: ast.ClassDef) -> Target | None:
    if node.bases or node.keywords:
        return None
    if node.decorator_list:
        return _dataclass(node)
    methods = [n for n in node.body if isinstance(n, FUNCTIONS)]
    if any(m.name == "__new__" for m in methods):
        return None
    inits = [m for m in methods if m.name == "__init__"]
    if len(inits) != 1 or inits[0].decorator_list or inits[0] not in node.body:
        return None
    made = signature(inits[0], is_method=True)
    return Target(inits[0], Signature(node.name, *_rest(made)), is_class=True)


def _rest(found: Signature) -> tuple[tuple[str, ...], int, tuple[str, ...], frozenset[str], bool, bool]:
    return found.positional, found.only_positional, found.by_name, found.required, found.takes_more, found.takes_names


def _dataclass(node: ast.ClassDef) -> Target | None:
    """A plain `@dataclass`, whose fields are its parameters."""
    if len(node.decorator_list) != 1:
        return None
    decorator = node.decorator_list[0]
    options = decorator.keywords if isinstance(decorator, ast.Call) else []
    plain = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator) in {
        "dataclass",
        "dataclasses.dataclass",
    }
    if not plain or any(option.arg not in {"frozen", "slots", "eq", "order", "repr"} for option in options):
        return None
    if any(isinstance(n, FUNCTIONS) and n.name in {"__init__", "__new__"} for n in node.body):
        return None
    names, required = [], set()
    for field in node.body:
        if isinstance(field, (ast.If, ast.Try, ast.For, ast.With)):
            return None
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        annotation = ast.unparse(field.annotation)
        if "ClassVar" in annotation:
            continue
        if "KW_ONLY" in annotation or not _is_plain_default(field.value):
            return None
        names.append(field.target.id)
        required |= set() if field.value is not None else {field.target.id}
    return Target(None, Signature(node.name, tuple(names), 0, (), frozenset(required), False, False), is_class=True)


def _is_plain_default(value: ast.expr | None) -> bool:
    """Tell whether a field's default is a value, or `field()` that says no more than a default."""
    if not isinstance(value, ast.Call) or last_part(value.func) != "field":
        return True
    options = {keyword.arg for keyword in value.keywords}
    return options <= {"default", "default_factory", "metadata", "repr"} and bool(
        options & {"default", "default_factory"}
    )


def _imports(source: Source) -> Iterator[tuple[str, tuple[str, int, str]]]:
    """Yield local name -> (module, level, member or "")."""
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name != "*":
                    yield alias.asname or alias.name, (node.module or "", node.level, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name, (alias.name, 0, "")
