"""NL001, NL002: calls that the called function of the same tree plainly does not take."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from nightlab.controller.explain.weigh.signatures import Resolver, Signature
from nightlab.controller.explain.weigh.source import FUNCTIONS, Source, last_part
from nightlab.controller.explain.weigh.typos import likely
from nightlab.controller.explain.weigh.weighed import Found

_EXPECTS: Final = re.compile(r"raises|suppress|warns", re.IGNORECASE)


def wrong_calls(source: Source, resolver: Resolver) -> Iterator[Found]:
    """Yield calls with a keyword that is not there, too many values, or too few."""
    for node in source.nodes:
        if not isinstance(node, ast.Call) or _is_tried(node, source):
            continue
        target = resolver.target(node, source)
        if target is not None:
            yield from _unknown_keyword(node, target.signature, source)
            yield from _wrong_count(node, target.signature, source)


def at(code: str, node: ast.expr | ast.stmt | ast.keyword, source: Source, message: str) -> Found:
    """Make a finding that covers a node, with ruff's way to count columns."""
    column = _column(source, node.lineno, node.col_offset)
    end_line, end_offset = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    return Found(code, source.path, node.lineno, column, end_line, _column(source, end_line, end_offset), message)


def _unknown_keyword(call: ast.Call, taken: Signature, source: Source) -> Iterator[Found]:
    if taken.takes_names:
        return
    names = {*taken.positional[taken.only_positional :], *taken.by_name}
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in names:
            meant = likely(keyword.arg, names)
            hint = f"; did you mean `{meant}`?" if meant else _takes(taken)
            yield at("NL001", keyword, source, f"`{taken.name}()` has no argument `{keyword.arg}`{hint}")


def _wrong_count(call: ast.Call, taken: Signature, source: Source) -> Iterator[Found]:
    starred = any(isinstance(arg, ast.Starred) for arg in call.args)
    doubled = any(keyword.arg is None for keyword in call.keywords)
    given = len(call.args)
    if not starred and not taken.takes_more and given > len(taken.positional):
        text = f"`{taken.name}()` takes {_count(len(taken.positional))} by position, and gets {given}"
        yield at("NL002", call, source, text)
        return
    if starred or doubled:
        return
    named = {keyword.arg for keyword in call.keywords}
    missing = taken.required - named - set(taken.positional[:given])
    if missing:
        ordered = [name for name in (*taken.positional, *taken.by_name) if name in missing]
        yield at("NL002", call, source, f"`{taken.name}()` is called without {_listed(ordered)}")
    twice = [
        name for name in taken.positional[:given] if name in named and name in taken.positional[taken.only_positional :]
    ]
    if twice:
        yield at("NL002", call, source, f"`{taken.name}()` gets {_listed(twice)} twice")


def _is_tried(node: ast.AST, source: Source) -> bool:
    """Tell whether a TypeError of the call is what somebody waits for."""
    for outer in source.parents(node):
        if isinstance(outer, (ast.With, ast.AsyncWith)):
            if any(_EXPECTS.search(ast.unparse(item.context_expr)) for item in outer.items):
                return True
        elif isinstance(outer, (ast.Try, ast.TryStar)):
            if any(h.type is None or "TypeError" in ast.unparse(h.type) for h in outer.handlers):
                return True
        elif isinstance(outer, FUNCTIONS):
            return any(
                last_part(d.func if isinstance(d, ast.Call) else d) == "expectedFailure" for d in outer.decorator_list
            )
    return False


def _takes(taken: Signature) -> str:
    names = [*taken.positional[taken.only_positional :], *taken.by_name]
    return f"; it has {_listed(names[:8])}" if names else "; it has none"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:8])


def _count(number: int) -> str:
    return f"{number} argument" + ("" if number == 1 else "s")


def _column(source: Source, line: int, offset: int) -> int:
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    return len(text.encode(errors="replace")[:offset].decode(errors="replace")) + 1
