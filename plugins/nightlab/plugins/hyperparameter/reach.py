"""Which files of the workspace the training command can reach: local imports, and config files that they name.

Tests, documentation, packaging and vendored code never count. Where no entry point is known, everything else does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from nightlab.plugins.hyperparameter.config_scan import SUFFIXES
from nightlab.plugins.hyperparameter.names import word_set
from nightlab.plugins.hyperparameter.source import Source, callee

SKIPPED_PARTS: Final = word_set(
    "test tests testing doc docs vendor vendored third_party thirdparty external node_modules site-packages venv env "
    "build dist wheels benchmarks"
)
SKIPPED_NAMES: Final = word_set(
    "setup.py conftest.py noxfile.py tasks.py pyproject.toml package.json package-lock.json tsconfig.json "
    "mkdocs.yml docker-compose.yml docker-compose.yaml environment.yml environment.yaml ruff.toml nightlab.toml"
)
SCRIPT_WORD: Final = re.compile(r"[\w./-]+\.(?:py|toml|ya?ml|json)|-m\s+[\w.]+")


def counts(path: str) -> bool:
    """Tell whether a file can hold settings of the training at all."""
    parts = path.split("/")
    name = parts[-1]
    hidden = any(part.startswith(".") for part in parts)
    is_test = name.startswith("test_") or name.endswith("_test.py")
    return not (hidden or is_test or set(parts[:-1]) & SKIPPED_PARTS or name in SKIPPED_NAMES)


def reachable(
    paths: Iterable[str],
    sources: Mapping[str, Source],
    scripts: Mapping[str, str],
    entry_points: Sequence[str],
    relevant: Sequence[str] = (),
) -> set[str]:
    """Return the files that count.

    Args:
        paths: All files of the workspace.
        sources: Parsed Python files.
        scripts: Texts of shell scripts.
        entry_points: Files that the training command starts.
        relevant: Files that the user or the host adds.
    """
    known = {path for path in paths if counts(path)} | ({*entry_points, *relevant} & set(paths))
    starts = [path for path in (*entry_points, *relevant) if path in known]
    found: set[str] = set()
    open_ends = list(starts)
    while open_ends:
        path = open_ends.pop()
        if path not in found:
            found.add(path)
            open_ends.extend(set(_named(path, sources, scripts, known)) - found)
    return found if any(path in sources for path in found) else known


def _named(path: str, sources: Mapping[str, Source], scripts: Mapping[str, str], known: set[str]) -> Iterator[str]:
    if path in sources:
        tree = sources[path].tree
        yield from _imported(path, tree, known)
        yield from _config_files(path, tree, known)
    for match in SCRIPT_WORD.findall(scripts.get(path, "")):
        if match.startswith("-m"):
            yield from _module("", match.split()[-1].split("."), known)
        else:
            yield from _file(path, match, known)


def _imported(path: str, tree: ast.Module, known: set[str]) -> Iterator[str]:
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(path, alias.name.split("."), known)
        elif isinstance(node, ast.ImportFrom):
            base = node.module.split(".") if node.module else []
            if node.level:
                above = package[: len(package) - node.level + 1]
                candidates = [[*above, *base], *([*above, *base, alias.name] for alias in node.names)]
                for parts in candidates:
                    yield from _as_file(parts, known)
            else:
                for parts in (base, *([*base, alias.name] for alias in node.names)):
                    yield from _module(path, parts, known)


def _module(path: str, parts: Sequence[str], known: set[str]) -> Iterator[str]:
    """Resolve an absolute import against the importing file's directory, each one above it, and src directories."""
    folder = path.split("/")[:-1]
    roots = [folder[:depth] for depth in range(len(folder), -1, -1)] + [["src"]]
    for root in roots:
        found = [each for depth in range(1, len(parts) + 1) for each in _as_file([*root, *parts[:depth]], known)]
        if found:
            yield from found
            return


def _as_file(parts: Sequence[str], known: set[str]) -> Iterator[str]:
    base = "/".join(parts)
    yield from (path for path in (f"{base}.py", f"{base}/__init__.py", f"{base}/__main__.py") if path in known)


def _config_files(path: str, tree: ast.Module, known: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith((*SUFFIXES, ".py")):
            yield from _file(path, node.value, known)
        elif isinstance(node, ast.Call) and callee(node) == "main":
            given = {each.arg: each.value for each in node.keywords if isinstance(each.value, ast.Constant)}
            folder = given.get("config_path")
            if isinstance(folder, ast.Constant) and isinstance(folder.value, str):
                yield from _below(path, folder.value, known)


def _file(path: str, name: str, known: set[str]) -> Iterator[str]:
    """A file named in a text: relative to the naming file or the root, else the only one that ends like it."""
    clean = str(PurePosixPath(name)).removeprefix("./")
    beside = str(PurePosixPath(path).parent / clean)
    if clean in known or beside in known:
        yield clean if clean in known else beside
        return
    ending = [each for each in known if each.endswith("/" + clean.lstrip("./"))]
    if len(ending) == 1:
        yield ending[0]


def _below(path: str, folder: str, known: set[str]) -> Iterator[str]:
    prefix = str(PurePosixPath(path).parent / folder)
    yield from (each for each in known if each.startswith(prefix.removeprefix("./") + "/") and each.endswith(SUFFIXES))
