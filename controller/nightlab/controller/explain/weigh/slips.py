"""NL005 to NL009: text used as a number, code that no path reaches, `:` for `=`, lost lists, lost coroutines."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from nightlab.controller.explain.weigh.calls import at
from nightlab.controller.explain.weigh.signatures import Resolver
from nightlab.controller.explain.weigh.source import Source, dotted, last_part
from nightlab.controller.explain.weigh.weighed import Found

_IN_PLACE: Final = frozenset({"append", "extend", "insert", "sort", "reverse", "clear"})
_LEAVES: Final = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def text_as_number(source: Source) -> Iterator[Found]:
    """NL005: an argument of argparse without a type, whose default is a number in quotes, in arithmetic."""
    texts: dict[str, ast.Call] = {}
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            name = _text_argument(node)
            if name:
                texts[name] = node
    if not texts:
        return
    for node in source.nodes:
        if not isinstance(node, ast.Attribute) or node.attr not in texts:
            continue
        if _is_parsed(node.value, source) and _is_number_here(node, source):
            default = next(k.value for k in texts[node.attr].keywords if k.arg == "default")
            text = f"`{ast.unparse(node)}` is text, {ast.unparse(default)}: its argument has no type="
            yield at("NL005", node, source, text)


def unreachable(source: Source) -> Iterator[Found]:
    """NL006: statements that do something, after one that always leaves the block."""
    for node in source.nodes:
        for body in _bodies(node):
            for number, statement in enumerate(body[:-1]):
                if isinstance(statement, _LEAVES):
                    rest = body[number + 1 :]
                    if not _is_idle(rest, source):
                        word = type(statement).__name__.lower()
                        text = f"never runs: line {statement.lineno} leaves by `{word}` before it"
                        yield at("NL006", rest[0], source, text)
                    break


def colon_for_equals(source: Source) -> Iterator[Found]:
    """NL007: an annotation that is a number, and no value."""
    for node in source.nodes:
        if isinstance(node, ast.AnnAssign) and node.value is None and _is_number(node.annotation):
            name, value = ast.unparse(node.target), ast.unparse(node.annotation)
            yield at("NL007", node, source, f"`{name}: {value}` assigns nothing; did you mean `{name} = {value}`?")


def lost_list(source: Source) -> Iterator[Found]:
    """NL008: a list is replaced by what its own method returns, which is none."""
    for node in source.nodes:
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.Call)):
            continue
        func, name = node.value.func, dotted(node.targets[0])
        in_place = isinstance(func, ast.Attribute) and func.attr in _IN_PLACE and dotted(func.value) == name
        if name and in_place and _is_list(name, source):
            text = f"`{name}` becomes None: .{last_part(func)}() changes the list and returns none"
            yield at("NL008", node, source, text)


def lost_coroutine(source: Source, resolver: Resolver) -> Iterator[Found]:
    """NL009: an async function of the tree is called, and nobody waits for it."""
    for node in source.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            target = resolver.target(node.value, source)
            if target and isinstance(target.function, ast.AsyncFunctionDef) and not _yields(target.function):
                name = target.function.name
                yield at("NL009", node, source, f"`{name}()` is never awaited, so it never runs")


def _text_argument(call: ast.Call) -> str:
    """Return the attribute's name of an argument that stays text although its default is a number."""
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    if options.keys() & {"type", "action", "nargs", "choices"} or None in options:
        return ""
    default = options.get("default")
    if not isinstance(default, ast.Constant) or not isinstance(default.value, str) or not _parses(default.value):
        return ""
    dest = options.get("dest")
    if isinstance(dest, ast.Constant):
        return str(dest.value)
    flags = [str(a.value) for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    best = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")
    return best.lstrip("-").replace("-", "_")


def _is_parsed(node: ast.expr, source: Source) -> bool:
    """Tell whether a name holds what parse_args returned, or is called as such."""
    if not isinstance(node, ast.Name):
        return False
    made = (n.value for n in source.nodes if isinstance(n, ast.Assign) and any(dotted(t) == node.id for t in n.targets))
    calls = [value for value in made if isinstance(value, ast.Call)]
    return any(last_part(value.func) == "parse_args" for value in calls) or node.id in {"args", "opt", "opts"}


def _is_number_here(node: ast.Attribute, source: Source) -> bool:
    parent = source.parent(node)
    if isinstance(parent, ast.BinOp):
        other = parent.right if parent.left is node else parent.left
        if isinstance(parent.op, (ast.Add, ast.Mod)):
            return isinstance(parent.op, ast.Add) and _is_number(other)
        return True
    if isinstance(parent, ast.Compare):
        ordered = all(isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for op in parent.ops)
        return ordered and any(_is_number(each) for each in (parent.left, *parent.comparators))
    return isinstance(parent, ast.Call) and parent.func is not node and last_part(parent.func) == "range"


def _bodies(node: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        body = getattr(node, field, None)
        if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
            yield body


def _is_idle(rest: Sequence[ast.stmt], source: Source) -> bool:
    """Tell whether dead statements are there for a reader or a tool: no value is made and nothing is called."""
    idle = (
        ast.Pass,
        ast.Return,
        ast.Raise,
        ast.Break,
        ast.Continue,
        ast.Assert,
        ast.FunctionDef,
        ast.ClassDef,
        ast.Import,
    )
    for statement in rest:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Yield, ast.YieldFrom)):
            return True  # what makes a function a generator
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        if not isinstance(statement, idle):
            return False
    return True


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float, complex))


def _is_list(name: str, source: Source) -> bool:
    for node in source.nodes:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            listed = isinstance(node.value, (ast.List, ast.ListComp))
            made = isinstance(node.value, ast.Call) and dotted(node.value.func) in {"list", "sorted"}
            if any(dotted(target) == name for target in targets) and (listed or made):
                return True
    return False


def _yields(function: ast.AsyncFunctionDef) -> bool:
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in ast.walk(function))


def _parses(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
