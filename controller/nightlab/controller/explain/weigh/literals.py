"""Weighs findings on literals: keys and fields that are there twice, commas and an f that are missing or too many."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Final

from nightlab.controller.explain.weigh.source import Source, last_part, same
from nightlab.controller.explain.weigh.weighed import Found, Kept, keep

_WORD: Final = re.compile(r"[\w./:*@+-]{1,40}")
_PRINTS: Final = {
    "print",
    "info",
    "debug",
    "warning",
    "error",
    "critical",
    "exception",
    "write",
    "log",
    "echo",
    "tqdm_write",
}
_PLURAL: Final = re.compile(r"(s|shape|size|args|tuple|betas|dims|axes|axis)$")


def key_twice(found: Found, source: Source) -> Kept:
    """F601, F602: another value for the same key."""
    for node in source.at(found.line, found.column):
        holder = source.parent(node)
        if isinstance(holder, ast.Dict):
            values = [
                value
                for key, value in zip(holder.keys, holder.values, strict=True)
                if key is not None and same(key, node)
            ]
            return None if all(same(value, values[0]) for value in values) else keep()
    return None


def field_twice(found: Found, source: Source) -> Kept:
    """PIE794: another value for the same field."""
    for node in source.at(found.line, found.column):
        statement = next((p for p in (node, *source.parents(node)) if isinstance(p, (ast.Assign, ast.AnnAssign))), None)
        owner = source.parent(statement) if statement else None
        if statement is None or not isinstance(owner, ast.ClassDef):
            continue
        name = _target(statement)
        values = [s.value for s in owner.body if isinstance(s, (ast.Assign, ast.AnnAssign)) and _target(s) == name]
        return None if all(same(value, values[0]) for value in values) else keep()
    return None


def comma_makes_tuple(found: Found, source: Source) -> Kept:
    """COM818: a single value of a single name, which nothing takes for a tuple."""
    for statement in source.nodes:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.end_lineno != found.line:
            continue
        value = statement.value
        if not isinstance(value, ast.Tuple) or len(value.elts) != 1 or isinstance(value.elts[0], ast.Starred):
            continue
        name = _target(statement)
        if not name or name.startswith("__") or _PLURAL.search(name):
            return None
        annotation = ast.unparse(statement.annotation).lower() if isinstance(statement, ast.AnnAssign) else ""
        return None if "tuple" in annotation or _is_used_as_tuple(name, source) else f": `{name}` becomes a tuple"
    return None


def comma_is_missing(found: Found, source: Source) -> Kept:
    """ISC004: words, not parts of a sentence, and one of them alone beside them."""
    text = source.segment(found.line, found.column, found.end_line, found.end_column)
    words = _strings(text)
    if len(words) < 2 or not all(_WORD.fullmatch(word) for word in words):
        return None
    for node in source.at(found.line, found.column):
        holder = source.parent(node)
        if isinstance(holder, (ast.List, ast.Tuple, ast.Set)):
            others = [
                e for e in holder.elts if e is not node and isinstance(e, ast.Constant) and isinstance(e.value, str)
            ]
            if others and all(_WORD.fullmatch(str(e.value)) for e in others if isinstance(e, ast.Constant)):
                return f"; did you mean {', '.join(map(repr, words))}?"
    return None


def f_is_missing(found: Found, source: Source) -> Kept:
    """RUF027: the string is shown to somebody as it is."""
    for node in source.at(found.line, found.column):
        for outer in source.parents(node):
            if isinstance(outer, ast.Raise) or (isinstance(outer, ast.Assert) and outer.msg is node):
                return keep()
            if isinstance(outer, ast.Call):
                if last_part(outer.func) in _PRINTS:
                    return keep()
                if isinstance(source.parent(outer), ast.Raise):
                    continue
            if not isinstance(outer, (ast.JoinedStr, ast.BinOp, ast.Call)) or isinstance(outer, ast.Call):
                break
    return None


def all_is_a_string(found: Found, source: Source) -> Kept:
    """PLE0605: a string in parentheses without a comma, a number."""
    for node in source.at(found.line, found.column):
        statement = next((p for p in (node, *source.parents(node)) if isinstance(p, ast.Assign)), None)
        if statement is not None:
            return keep() if isinstance(statement.value, ast.Constant) else None
    return None


def _target(statement: ast.Assign | ast.AnnAssign) -> str:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return last_part(targets[0]) if len(targets) == 1 else ""


def _is_used_as_tuple(name: str, source: Source) -> bool:
    for node in source.nodes:
        if last_part(node) != name or not isinstance(getattr(node, "ctx", None), ast.Load):
            continue
        parent = source.parent(node)
        if isinstance(parent, (ast.Starred, ast.For, ast.comprehension, ast.BinOp)) and not _is_arithmetic(parent):
            return True
        if isinstance(parent, ast.Subscript) and parent.value is node:
            return True
        if isinstance(parent, ast.keyword) and parent.arg and _PLURAL.search(parent.arg):
            return True
        if isinstance(parent, ast.Call) and last_part(parent.func) in {
            "len",
            "tuple",
            "list",
            "isinstance",
            "set",
            "Thread",
            "issubclass",
        }:
            return True
        if isinstance(parent, ast.Compare) and any(isinstance(op, (ast.In, ast.NotIn)) for op in parent.ops):
            return True
        if isinstance(parent, ast.Assign) and any(isinstance(t, (ast.Tuple, ast.List)) for t in parent.targets):
            return True
    return False


def _is_arithmetic(node: ast.AST) -> bool:
    """A sum or a `%` may well want a tuple; other operators cannot."""
    return isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.Mod))


def _strings(text: str) -> list[str]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline))
        strings = [ast.literal_eval(t.string) for t in tokens if t.type == tokenize.STRING]
    except (tokenize.TokenError, SyntaxError, ValueError, IndentationError):
        return []
    return [each for each in strings if isinstance(each, str)]
