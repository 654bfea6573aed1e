"""Gives a construction another class: its name where it is called and annotated, its import, a class torch lacks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nightlab.plugins.training.families import Family
from nightlab.plugins.training.imports import (
    drop_import,
    import_torch,
    insert_behind_imports,
    rename_import,
    torch_name,
)
from nightlab.plugins.training.optimizers import Construction
from nightlab.plugins.training.program import Module
from nightlab.plugins.training.splice import Splice
from nightlab.plugins.training.written import class_text, written_class
from nightlab.sdk import Unmet


def rename(splice: Splice, construction: Construction, family: Family) -> None:
    """Write another class in the place of the one that is made.

    Raises:
        Unmet: A name that is needed stands for something else in the file.
    """
    module, old = construction.module, construction.class_name
    if construction.family == family:
        return
    uses = [old, *_annotations(module, old)]
    _remove_written(splice, construction)
    if family.in_torch:
        new = _torch_class(splice, construction, family, uses)
    else:
        new = _written(splice, construction, family)
    for node in uses:
        splice.replace(node, new)
    if isinstance(old, ast.Name) and not family.in_torch and len(module.loads(old.id)) == len(uses):
        drop_import(splice, old.id)


def _torch_class(splice: Splice, construction: Construction, family: Family, uses: list[ast.expr]) -> str:
    module, old = construction.module, construction.class_name
    if isinstance(old, ast.Attribute):
        return f"{ast.unparse(old.value)}.{family.name}"
    wanted = f"torch.optim.{family.name}"
    for name, full in module.top_imports.items():
        if full == wanted:
            if isinstance(old, ast.Name) and len(module.loads(old.id)) == len(uses):
                drop_import(splice, old.id)
            return name
    assert isinstance(old, ast.Name)
    if not construction.family.in_torch:
        return f"{_torch(splice)}.optim.{family.name}"
    _refuse_bound(module, family.name)
    rename_import(splice, old.id, family.name, keep_old=len(module.loads(old.id)) > len(uses))
    return family.name


def _written(splice: Splice, construction: Construction, family: Family) -> str:
    """Write the class behind the imports."""
    module = construction.module
    if not isinstance(construction.class_name, ast.Name) or construction.class_name.id != family.name:
        _refuse_bound(module, family.name)
    torch = _torch(splice)
    insert_behind_imports(splice, class_text(family.name, torch), construction.call)
    return family.name


def _torch(splice: Splice) -> str:
    name = torch_name(splice.module)
    if name is None:
        _refuse_bound(splice.module, "torch")
        import_torch(splice)
    return name or "torch"


def _remove_written(splice: Splice, construction: Construction) -> None:
    """Take out a class that an earlier swap wrote."""
    if not construction.family.in_torch:
        written = written_class(construction.module, construction.family.name)
        if written is not None:
            splice.remove(written, blank_lines=True)


def _annotations(module: Module, class_name: ast.expr) -> Iterator[ast.expr]:
    """Annotations that say the old class."""
    wanted = module.qualified(class_name)
    annotations = [each.annotation for each in module.nodes(ast.arg) if each.annotation]
    annotations += [each.annotation for each in module.nodes(ast.AnnAssign)]
    annotations += [each.returns for each in module.nodes(ast.FunctionDef) if each.returns]
    yield from (each for each in annotations if module.qualified(each) == wanted)


def _refuse_bound(module: Module, name: str) -> None:
    taken = [*module.stores(name), *(each for each in module.nodes(ast.ClassDef) if each.name == name)]
    if taken or name in module.imported:
        place = module.where(taken[0]) if taken else module.path
        raise Unmet(f"{place} has another {name} already", pointer=place)
