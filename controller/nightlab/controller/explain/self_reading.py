"""Finds programs whose own text matters to what they do: there a change of format alone may change behaviour."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from nightlab.controller.explain.what.parsing import parse

MOST_REASONS: Final = 20
_NAMES: Final = frozenset(
    {
        *("getsource", "getsourcelines", "getsourcefile", "getsegment", "get_source_segment", "findsource"),
        *("co_firstlineno", "co_lines", "co_positions", "co_lnotab", "co_linetable"),
        *("f_lineno", "tb_lineno", "lineno", "end_lineno", "col_offset", "_getframe", "currentframe"),
        *("getframeinfo", "extract_stack", "extract_tb", "linecache", "findCaller", "getcomments", "get_source"),
    }
)
_WORDS: Final = tuple(name.encode() for name in (*_NAMES, "__file__", "argv"))


def reads_itself(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Say where a tree's Python sources look at source text, line numbers or their own files.

    Args:
        files: All Python sources of the tree, by path; others are passed over.

    Returns:
        "train.py:7 uses inspect.getsource"; the first 20, empty if none.
    """
    found: list[str] = []
    for path in sorted(files):
        if path.endswith((".py", ".pyi", ".pyw")) and any(word in files[path] for word in _WORDS):
            found += _reasons(path, files[path])
    return tuple(found[:MOST_REASONS])


def _reasons(path: str, content: bytes) -> Iterator[str]:
    tree = parse(content).tree
    for node in ast.walk(tree) if tree is not None else ():
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in _NAMES:
            yield f"{path}:{getattr(node, 'lineno', 1)} uses {name}"
