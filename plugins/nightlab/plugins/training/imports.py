"""Edits the imports of a file: only one name at a time, the others stay as they are written."""

from __future__ import annotations

import ast

from nightlab.plugins.training.program import Module
from nightlab.plugins.training.splice import Splice
from nightlab.sdk import Unmet


def torch_name(module: Module) -> str | None:
    """What torch is called at the top level of a file; None if it is not imported there."""
    return next((name for name, full in module.top_imports.items() if full == "torch"), None)


def import_module(splice: Splice, name: str) -> None:
    """Import a module before the first other import; nothing if it is there by that name."""
    module = splice.module
    if module.top_imports.get(name) == name:
        return
    imports = [each for each in module.tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    first = [each for each in imports if not (isinstance(each, ast.ImportFrom) and each.module == "__future__")]
    if not first:
        raise Unmet(f"{module.path} imports nothing at its top level", pointer=module.path)
    splice.insert_before(first[0], f"import {name}")


def import_torch(splice: Splice) -> None:
    """Import torch before the first import from it."""
    module = splice.module
    imports = [each for each in module.tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    from_torch = [each for each in imports if _source(each).partition(".")[0] == "torch"]
    if not from_torch:
        import_module(splice, "torch")
        return
    splice.insert_before(from_torch[0], "import torch")


def rename_import(splice: Splice, old: str, new: str, *, keep_old: bool) -> None:
    """Import a class of the same module in the place of another one, or beside it.

    Raises:
        Unmet: The name comes from no `from ... import` of the file.
    """
    _, alias = _import_of(splice.module, old)
    text = _alias_text(alias)
    splice.replace_alias(alias, f"{text}, {new}" if keep_old else new)


def drop_import(splice: Splice, name: str) -> None:
    """Take a name out of the import that brings it; the whole statement if it brings nothing else."""
    if name not in splice.module.imported:
        return
    statement, alias = _import_of(splice.module, name)
    if len(statement.names) == 1:
        splice.remove(statement)
        return
    index = statement.names.index(alias)
    if index:
        splice.cut(statement.names[index - 1], alias, from_end=True)
    else:
        splice.cut(alias, statement.names[1], from_end=False)


def _import_of(module: Module, name: str) -> tuple[ast.Import | ast.ImportFrom, ast.alias]:
    statements: list[ast.Import | ast.ImportFrom] = [*module.nodes(ast.ImportFrom), *module.nodes(ast.Import)]
    for statement in statements:
        for alias in statement.names:
            if (alias.asname or alias.name) == name:
                return statement, alias
    raise Unmet(f"{module.path} does not import {name} by that name", pointer=module.path)


def _source(node: ast.Import | ast.ImportFrom) -> str:
    return (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name


def _alias_text(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def insert_behind_imports(splice: Splice, text: str, before: ast.AST) -> None:
    """Write a class or function behind the imports of a file, two blank lines apart.

    Raises:
        Unmet: Nothing is imported at the top level before the place that needs it.
    """
    module = splice.module
    top = [each for each in module.tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    top = [each for each in top if each.lineno < getattr(before, "lineno", 0)]
    if not top:
        raise Unmet(f"{module.path} imports nothing at its top level", pointer=module.path)
    splice.insert_after(top[-1], "\n\n" + text.rstrip("\n"))
