"""Weighs F405: whether a star import provably brings the name."""

from __future__ import annotations

import ast
import re

from nightlab.controller.explain.weigh.modules import Modules
from nightlab.controller.explain.weigh.source import Source
from nightlab.controller.explain.weigh.typos import likely
from nightlab.controller.explain.weigh.weighed import Found, Kept

_NAME = re.compile(r"`([^`]+)`")


def not_in_star(found: Found, source: Source, modules: Modules) -> Kept:
    """Drop the finding if one of the file's star imports has the name; else name a near one, or ask for an import."""
    if any(isinstance(node, ast.Constant) for node in source.at(found.line, found.column)):
        return None  # in __all__: nothing is looked up until somebody imports it from here
    match = _NAME.search(found.message)
    name = match[1] if match else ""
    stars = [n for n in source.nodes if isinstance(n, ast.ImportFrom) and any(a.name == "*" for a in n.names)]
    brought: set[str] = set()
    unknown = []
    for node in stars:
        names = modules.star(source.path, node)
        if names is None:
            unknown.append("." * node.level + (node.module or ""))
        else:
            brought |= names
    if name in brought:
        return None
    meant = likely(name, brought)
    if meant:
        return f"; did you mean `{meant}`?"
    where = ", ".join(f"`{each}`" for each in unknown[:3])
    return (
        f"; import it by name: what {where} has cannot be known before it runs" if unknown else "; none of them has it"
    )
