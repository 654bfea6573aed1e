"""Finds programs that read their docstrings: as prompts, help texts, grammars or schemas."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from nightlab.controller.explain.what.parsing import is_python, parse
from nightlab.controller.explain.what.shape import docstring

MOST_REASONS: Final = 20
_NAMES: Final = frozenset({"__doc__", "getdoc", "docopt", "docstring_parser", "doctest", "_doc", "use_docstrings"})
_WORDS: Final = tuple(name.encode() for name in _NAMES)
# Decorators and bases that leave a docstring alone. Any other may read it: a command's help, a tool's description.
_DECORATORS: Final = frozenset(
    {
        *("property", "cached_property", "setter", "getter", "deleter", "staticmethod", "classmethod", "cache"),
        *("lru_cache", "wraps", "dataclass", "define", "frozen", "total_ordering", "contextmanager", "override"),
        *("asynccontextmanager", "abstractmethod", "overload", "final", "runtime_checkable", "singledispatch"),
        *("no_grad", "inference_mode", "enable_grad", "compile", "jit", "njit", "script", "vmap", "pmap", "custom_vjp"),
        *("custom_fwd", "custom_bwd", "fixture", "parametrize", "register", "unique", "typechecked", "jaxtyped"),
        *("autocast", "checkpoint", "export", "ignore", "unused", "profile", "record", "deprecated"),
    }
)
_BASES: Final = frozenset(
    {
        *("object", "Module", "Function", "Dataset", "IterableDataset", "Sampler", "BatchSampler", "Optimizer"),
        *("LRScheduler", "_LRScheduler", "ABC", "Enum", "IntEnum", "StrEnum", "Flag", "Protocol", "Generic"),
        *("NamedTuple", "TypedDict", "Exception", "ValueError", "RuntimeError", "KeyError", "TypeError", "Callback"),
        *("LightningModule", "LightningDataModule", "dict", "list", "tuple", "str", "int", "float", "set", "Thread"),
        *("Process", "PreTrainedModel", "PretrainedConfig", "TestCase", "Trainer", "nn.Module", "Layer", "Model"),
    }
)


def reads_docstrings(before: bytes, after: bytes, sources: Mapping[str, bytes]) -> tuple[str, ...]:
    """Say why docstrings that changed may matter to what a program does.

    Args:
        before: A file before only docstrings changed.
        after: The same file later.
        sources: All Python sources of the tree.

    Returns:
        "`__doc__` in train.py:7", "`Answer` is a `Signature`"; the first 20, empty if none.
    """
    found: list[str] = []
    for path in sorted(sources):
        if is_python(path) and any(word in sources[path] for word in _WORDS):
            found += _uses(path, sources[path])
    return tuple([*found, *_owners(before, after, _own_classes(sources, after))][:MOST_REASONS])


def _uses(path: str, content: bytes) -> Iterator[str]:
    tree = parse(content).tree
    for node in ast.walk(tree) if tree is not None else ():
        names = [_last(node)] if isinstance(node, ast.Attribute | ast.Name) else []
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name.partition(".")[0] for alias in node.names]
        if isinstance(node, ast.Constant) and node.value == "__doc__":
            names = ["__doc__"]
        yield from (f"`{name}` in {path}:{getattr(node, 'lineno', 1)}" for name in names if name in _NAMES)


def _owners(before: bytes, after: bytes, own: frozenset[str]) -> Iterator[str]:
    """Yield whose docstring changed, where a decorator or a base may read it."""
    old, new = parse(before).tree, parse(after).tree
    assert old is not None
    assert new is not None
    for one, other in zip(_documented(old), _documented(new), strict=False):
        if _text(one) == _text(other) or isinstance(other, ast.Module):
            continue
        for decorator in other.decorator_list:
            name = _last(decorator)
            if name not in _DECORATORS:
                yield f"`{other.name}` is decorated with `{name or 'an expression'}`"
        if isinstance(other, ast.ClassDef):
            names = [_last(base) for base in other.bases]
            yield from (f"`{other.name}` is a `{name}`" for name in names if name not in _BASES | own)
            yield from (f"`{other.name}` has `{each.arg}=`" for each in other.keywords if each.arg == "metaclass")


def _own_classes(sources: Mapping[str, bytes], after: bytes) -> frozenset[str]:
    """Return the tree's own classes whose bases are harmless all the way down."""
    bases: dict[str, list[str]] = {}
    for content in (after, *(content for path, content in sources.items() if is_python(path))):
        tree = parse(content).tree if b"class " in content else None
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, []).extend([*map(_last, node.bases), *("?" for _ in node.keywords)])
    harmless = frozenset(_BASES)
    while True:
        more = harmless | {name for name, found in bases.items() if harmless.issuperset(found)}
        if more == harmless:
            return harmless
        harmless = more


def _documented(
    tree: ast.Module,
) -> list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def _text(node: ast.AST) -> object:
    found = docstring(node)
    return found.value if found is not None else None


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _last(node.func)
    if isinstance(node, ast.Subscript):
        return _last(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
