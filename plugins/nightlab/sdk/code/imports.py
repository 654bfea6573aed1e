"""Imports of a file: the name that a thing has there, an import added in its place, an unused one removed."""

from __future__ import annotations

import ast
from typing import Final

from nightlab.sdk.code.text import Text

_HEADS: Final = (ast.Import, ast.ImportFrom)


def name_for(text: Text, dotted: str, seen_from: ast.AST | None = None) -> str:
    """Spell an importable thing with the imports there are, adding one if there is none.

    Args:
        text: The file.
        dotted: As "torch.optim.AdamW": "optim.AdamW" is returned where `from torch import optim` is there.
        seen_from: A node that uses it; a name that means something else there does not count.

    Raises:
        Unmet: The file uses the names that an import would bind for something else.
    """
    for name, target in _known(text, dotted):
        if seen_from is None or text.names.means(seen_from, name, target):
            return name + dotted.removeprefix(target)
    module, _, last = dotted.rpartition(".")
    if module and not text.names.is_taken(last):
        add_import(text, f"from {module} import {last}")
        return last
    root = dotted.partition(".")[0]
    if module and not text.names.is_taken(root):
        add_import(text, f"import {module}")
        return dotted
    if not module and not text.names.is_taken(root):
        add_import(text, f"import {dotted}")
        return dotted
    raise text.unmet(f"{text.path} uses the name {last} for something else than {dotted}")


def add_import(text: Text, statement: str) -> None:
    """Add an import below the docstring, the __future__ imports and the other imports; none that is there already.

    Args:
        text: The file.
        statement: As "import torch" or "from torch import nn".

    Raises:
        Unmet: It is no import.
    """
    wanted = _import_in(text, statement)
    there = {ast.unparse(part) for node in text.tree.body if isinstance(node, _HEADS) for part in _parts(node)}
    missing = [part for part in _parts(wanted) if ast.unparse(part) not in there | text.added]
    for part in missing:
        line = ast.unparse(part)
        text.added.add(line)
        offset, lead = _place(text, _is_future(part))
        text.edits.insert(offset, (lead + line + text.ending).encode())


def remove_unused_import(text: Text, name: str) -> bool:
    """Remove what a module-level import binds to a name, if nothing in the file uses that name.

    Returns:
        Whether it was removed; false as well where the import shares its line with another statement.
    """
    if _is_used(text, name):
        return False
    for node in text.tree.body:
        if isinstance(node, _HEADS) and any((alias.asname or alias.name) == name for alias in node.names):
            return _remove(text, node, name)
    return False


def _known(text: Text, dotted: str) -> list[tuple[str, str]]:
    """Module-level names that reach a thing, the one that reaches furthest first."""
    found = [
        (name, target)
        for name, target in text.names.module_level().items()
        if dotted == target or dotted.startswith(target + ".")
    ]
    plain = [each for each in found if _is_reachable(text, *each, dotted)]
    return sorted(plain, key=lambda each: -len(each[1]))


def _is_reachable(text: Text, name: str, target: str, dotted: str) -> bool:
    """`import a` alone does not import a.b; but torch brings all of its usual parts along."""
    module = dotted.rpartition(".")[0]
    imported = {alias.name for node in text.tree.body if isinstance(node, ast.Import) for alias in node.names}
    return target in (dotted, module) or name != target or module in imported or target == "torch"


def _import_in(text: Text, statement: str) -> ast.Import | ast.ImportFrom:
    try:
        node = ast.parse(statement).body[0]
    except (SyntaxError, IndexError, ValueError):
        node = ast.Pass()
    if not isinstance(node, _HEADS):
        raise text.unmet(f"{statement!r} is no import", detail='allowed: "import a.b as c" or "from a import b"')
    return node


def _parts(node: ast.Import | ast.ImportFrom) -> list[ast.Import | ast.ImportFrom]:
    if isinstance(node, ast.Import):
        return [ast.Import([alias]) for alias in node.names]
    return [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _place(text: Text, is_future: bool) -> tuple[int, str]:
    """Offset for a new import, and what separates it from what stands before."""
    body = text.tree.body
    last = body[0] if body and ast.get_docstring(text.tree, clean=False) is not None else None
    docstring = last
    for node in body[: 1 if is_future else None]:
        if isinstance(node, _HEADS) and (not is_future or _is_future(node)):
            last = node
        elif node is not docstring and not isinstance(node, _HEADS):
            break
    if last is None:
        return _after_leading_comments(text), ""
    end = text.line_span(last.lineno, last.end_lineno or last.lineno)[1]
    lead = "" if text.content[:end].endswith((b"\n", b"\r")) else text.ending
    return end, lead + (text.ending if last is docstring else "")


def _after_leading_comments(text: Text) -> int:
    """Behind a shebang, an encoding line and a licence, which are the comments before the first blank line."""
    offset = 0
    for line in text.content.splitlines(keepends=True):
        if not line.lstrip().startswith(b"#"):
            break
        offset += len(line)
    return offset


def _is_used(text: Text, name: str) -> bool:
    root = name.partition(".")[0]
    for node in ast.walk(text.tree):
        if isinstance(node, ast.Name) and node.id == root:
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and root in node.value.split():
            return True  # a quoted annotation, or __all__
    return False


def _remove(text: Text, node: ast.Import | ast.ImportFrom, name: str) -> bool:
    span = text.line_span(node.lineno, node.end_lineno or node.lineno)
    if ast.unparse(ast.parse(text.content[span[0] : span[1]].decode().strip())) != ast.unparse(node):
        return False
    left = [alias for alias in node.names if (alias.asname or alias.name) != name]
    if not left:
        text.edits.replace(span, b"")
        return True
    start, end = text.span(node)
    kept = ast.Import(left) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, left, node.level)
    text.edits.replace((start, end), ast.unparse(kept).encode())
    return True
