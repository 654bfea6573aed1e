"""Finds programs whose own text matters to what they do: there a change of format alone may change behaviour.

Docstrings are `docstring_reading`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from nightlab.controller.explain.what.parsing import is_python, parse

MOST_REASONS: Final = 20
# Source text, line numbers, positions and frames, whatever module they are taken from.
_NAMES: Final = frozenset(
    {
        *("getsource", "getsourcelines", "getsourcefile", "get_source", "get_source_segment", "findsource"),
        *("getcomments", "getblock", "linecache", "getline", "getlines", "open_code", "source_to_code"),
        *("co_firstlineno", "co_lines", "co_positions", "co_lnotab", "co_linetable", "findlinestarts"),
        *("f_lineno", "tb_lineno", "lineno", "end_lineno", "colno", "col_offset", "end_col_offset", "f_lasti"),
        *("_getframe", "currentframe", "getframeinfo", "getinnerframes", "getouterframes", "_current_frames"),
        *("extract_stack", "extract_tb", "walk_stack", "walk_tb", "StackSummary", "TracebackException", "findCaller"),
    }
)
_TRACES: Final = frozenset({"format_exc", "format_exception", "format_tb", "format_stack", "format_list"})
_OWN: Final = frozenset({"__file__", "co_filename"})
_WORDS: Final = tuple(name.encode() for name in (*_NAMES, *_TRACES, *_OWN, "argv", ".py", "stack", "__spec__"))
# What only takes a path apart, shows it, or keeps a copy of the file.
_HARMLESS: Final = frozenset(
    {
        *("dirname", "abspath", "realpath", "basename", "relpath", "normpath", "expanduser", "splitext", "split"),
        *("Path", "PurePath", "PurePosixPath", "PosixPath", "str", "fspath", "resolve", "absolute", "join", "joinpath"),
        *("print", "debug", "info", "warning", "error", "exception", "log", "write", "append", "insert", "isinstance"),
        *("exists", "isfile", "is_file", "samefile", "format", "copy", "copy2", "copyfile", "copyfileobj", "save"),
        *("log_artifact", "with_name", "with_suffix", "relative_to", "as_posix", "spec_from_file_location", "replace"),
        *("add_argument", "ArgumentParser", "startswith", "endswith", "removesuffix", "getLogger", "rstrip", "strip"),
    }
)
_ELSEWHERE: Final = frozenset({"parent", "parents", "with_name", "with_suffix", "stem", "name", "suffix", "parts"})
_READERS: Final = frozenset(
    {
        *("open", "read_text", "read_bytes", "get_data", "getsize", "stat", "getmtime", "glob", "rglob", "iglob"),
        *("read", "fnmatch", "filter", "match", "file_digest"),
    }
)
_SHOWING: Final = frozenset({"print", "debug", "info", "warning", "error", "exception", "critical", "log", "write"})


def reads_itself(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Say where a tree's Python sources look at source text, line numbers or their own files.

    Args:
        files: All Python sources of the tree, by path; others are passed over.

    Returns:
        "`inspect.getsource` in train.py:7"; the first 20, empty if none.
    """
    found: list[str] = []
    for path in sorted(files):
        if is_python(path) and any(word in files[path] for word in _WORDS):
            found += _reasons(path, files[path])
    return tuple(found[:MOST_REASONS])


def _reasons(path: str, content: bytes) -> Iterator[str]:
    tree = parse(content).tree
    if tree is None:
        return
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    own = _own_names(tree, parents)
    for node in ast.walk(tree):
        what = _reason(node, parents, own)
        if what:
            yield f"`{what}` in {path}:{getattr(node, 'lineno', 1)}"


def _reason(node: ast.AST, parents: Mapping[int, ast.AST], own: frozenset[str]) -> str:
    name = _name(node)
    if isinstance(node, ast.alias):
        return node.name if node.name.rpartition(".")[2] in _NAMES else ""
    if name in _NAMES and isinstance(node, ast.Attribute | ast.Name) and not isinstance(node.ctx, ast.Store):
        return name
    if isinstance(node, ast.Call):
        if name in _TRACES and not _is_shown(node, parents):
            return name
        if name == "stack" and isinstance(node.func, ast.Attribute) and _name(node.func.value) == "inspect":
            return "inspect.stack"
        if name in _READERS and any(_names_source(each) for each in _given(node)):
            return f"{name}({ast.unparse(node.args[0])[:40] if node.args else ''})"
    if _is_own(node, own) and not isinstance(getattr(node, "ctx", None), ast.Store):
        return _read_of(node, parents)
    return ""


def _own_names(tree: ast.Module, parents: Mapping[int, ast.AST]) -> frozenset[str]:
    """Return names that are given the path of the program's own file."""
    own: set[str] = set()
    while True:
        found = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name) and _is_own_path(node.value, frozenset(own), parents)
        }
        if found <= own:
            return frozenset(own)
        own |= found


def _is_own_path(value: ast.expr, own: frozenset[str], parents: Mapping[int, ast.AST]) -> bool:
    """Tell whether a value is the own file's path still, only wrapped."""
    node: ast.AST = value
    while not _is_own(node, own):
        if isinstance(node, ast.Call) and _name(node) in _HARMLESS - {"dirname", "join", "joinpath", "relpath"}:
            inner = node.args[0] if node.args else None
            node = inner if inner is not None else node.func
        elif isinstance(node, ast.Attribute) and node.attr not in _ELSEWHERE:
            node = node.value
        else:
            return False
    return True


def _is_own(node: ast.AST, own: frozenset[str]) -> bool:
    if isinstance(node, ast.Subscript):
        return _name(node.value) == "argv" and isinstance(node.slice, ast.Constant) and node.slice.value == 0
    return _name(node) in _OWN or (isinstance(node, ast.Name) and node.id in own)


def _read_of(node: ast.AST, parents: Mapping[int, ast.AST]) -> str:
    """Follow a path outwards: return the call that it is given to, unless that only handles paths."""
    outer = parents.get(id(node))
    while outer is not None:
        if isinstance(outer, ast.Attribute) and outer.attr in _ELSEWHERE:
            return ""
        if isinstance(outer, ast.Call):
            name = _name(outer)
            if name not in _HARMLESS:
                return f"{name or 'a call'}(__file__)"
            if name in ("dirname", "print"):
                return ""
        elif not isinstance(outer, ast.Attribute | ast.Starred | ast.keyword):
            return ""
        outer = parents.get(id(outer))
    return ""


def _is_shown(call: ast.AST, parents: Mapping[int, ast.AST]) -> bool:
    """Tell whether a text goes straight to a person: printed or logged."""
    outer = parents.get(id(call))
    while isinstance(outer, ast.JoinedStr | ast.FormattedValue | ast.BinOp):
        outer = parents.get(id(outer))
    return isinstance(outer, ast.Expr) or (isinstance(outer, ast.Call) and _name(outer) in _SHOWING)


def _given(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    if isinstance(call.func, ast.Attribute):
        yield call.func.value


def _names_source(node: ast.expr) -> bool:
    return any(
        isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value.endswith((".py", ".py$"))
        for each in ast.walk(node)
    )


def _name(node: ast.AST) -> str:
    """Return the last part of what a node is called: "getsource" of `inspect.getsource(f)`."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
