"""Which files of an installed distribution make a plugin: its own importable ones, wherever pip has put them.

A wheel is asked by its RECORD. An editable install leaves its files in the project; the paths that it added and the
module of the entry point say which.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from nightlab.api.digest import REGULAR, path_error, tree_digest
from nightlab.controller.errors import ConfigError

MOST_FILES: Final = 2000
MOST_BYTES: Final = 16 * 2**20
_COMPILED: Final = (".so", ".pyd", ".dylib", ".dll")
_MAPPING: Final = re.compile(r"^MAPPING(?:\s*:[^=]*)?\s*=\s*(\{.*\})\s*$", re.MULTILINE)
_IMAGE: Final = "give the plugin an image instead"


def files_of(dist: Distribution, target: str) -> dict[str, Path]:
    """List the files of a distribution that can be imported, and its METADATA.

    Args:
        dist: Installed.
        target: "module:attribute" of the plugin.

    Returns:
        Path below the import root -> regular file on the host.

    Raises:
        ConfigError: They cannot be told, are compiled, or are too many.
    """
    project = _editable_project(dist)
    found = dict(_of_record(dist) if project is None else _of_project(dist, target, project))
    _check(dist.name, target, found)
    return dict(sorted(found.items()))


def digest_of(files: Mapping[str, Path]) -> str:
    """Return the tree digest of a package's files, lowercase hex."""
    hashed = ((path, REGULAR, hashlib.sha256(file.read_bytes()).digest()) for path, file in files.items())
    return tree_digest(hashed).hex()


def _of_record(dist: Distribution) -> Iterator[tuple[str, Path]]:
    root = Path(str(dist.locate_file(""))).resolve()
    if dist.files is None:
        raise ConfigError(
            f"package {dist.name} does not say which files it has", hint=f"install it with pip, or {_IMAGE}"
        )
    for listed in dist.files:
        path = str(listed)
        if _is_wanted(path):
            file = root / path
            # a RECORD is written by whoever made the wheel: a link out of the import root is not the package's
            if file.is_symlink() or not file.resolve().is_relative_to(root) or not file.is_file():
                raise ConfigError(
                    f"package {dist.name} lists {path[:200]!r}, which is no file of it", hint="install it again"
                )
            yield path, file


def _is_wanted(path: str) -> bool:
    if path_error(path) or path.endswith((".pyc", ".pth")):
        return False
    first, _, rest = path.partition("/")
    return rest == "METADATA" if first.endswith(".dist-info") else "__pycache__" not in path.split("/")


def _editable_project(dist: Distribution) -> Path | None:
    try:
        told = json.loads(dist.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    is_editable = isinstance(told, dict) and (told.get("dir_info") or {}).get("editable")
    return Path(unquote(urlsplit(str(told.get("url"))).path)).resolve() if is_editable else None


def _of_project(dist: Distribution, target: str, project: Path) -> Iterator[tuple[str, Path]]:
    for name, place in _places(dist, target):
        if not place.resolve().is_relative_to(project):
            raise ConfigError(
                f"package {dist.name} is installed from {project}, but {name} lies in {place}", hint=_IMAGE
            )
        base = name.replace(".", "/")
        if place.is_file():
            yield f"{base}{place.suffix}", place
        yield from _below(base, place)


def _places(dist: Distribution, target: str) -> Iterator[tuple[str, Path]]:
    """Yield (dotted name, file or directory) of what an editable install made importable."""
    tops = {target.partition(":")[0].partition(".")[0], *(dist.read_text("top_level.txt") or "").split()}
    for listed in dist.files or ():
        file = Path(str(dist.locate_file(listed)))
        if file.suffix == ".pth" and file.is_file():
            lines = [line.strip() for line in file.read_text(errors="replace").splitlines()]
            roots = [Path(line) for line in lines if line and not line.startswith(("#", "import ", "import\t"))]
            yield from ((top, place) for root in roots for top in sorted(tops) for place in _module(root, top))
        elif file.name.startswith("__editable__") and file.suffix == ".py" and file.is_file():
            yield from _mapped(file.read_text(errors="replace"))


def _module(root: Path, top: str) -> Iterator[Path]:
    yield from (place for place in (root / top, root / f"{top}.py") if place.exists())


def _mapped(text: str) -> Iterator[tuple[str, Path]]:
    """Read the mapping of a finder that a build backend wrote; as data, it is not run."""
    match = _MAPPING.search(text)
    try:
        mapping = ast.literal_eval(match[1]) if match else {}
    except (ValueError, SyntaxError, RecursionError):
        mapping = {}
    for name, place in mapping.items():
        path = Path(place)
        yield name, path if path.exists() else path.with_suffix(".py")


def _below(base: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each != "__pycache__")
        for name in sorted(names):
            file = Path(directory, name)
            path = f"{base}/{file.relative_to(folder).as_posix()}"
            if not name.startswith(".") and not file.is_symlink() and file.is_file() and _is_wanted(path):
                yield path, file


def _check(name: str, target: str, files: Mapping[str, Path]) -> None:
    if len(files) > MOST_FILES or sum(file.stat().st_size for file in files.values()) > MOST_BYTES:
        raise ConfigError(f"package {name} has more than {MOST_FILES} files or {MOST_BYTES} bytes", hint=_IMAGE)
    compiled = [path for path in files if path.endswith(_COMPILED)]
    if compiled:
        raise ConfigError(f"package {name} has compiled modules ({compiled[0][:200]})", hint=_IMAGE)
    if any(path.startswith("nightlab/") for path in files):
        raise ConfigError(f"package {name} has files in the namespace nightlab", hint="the author has to move them")
    module = target.partition(":")[0].replace(".", "/")
    if not {f"{module}.py", f"{module}/__init__.py"} & files.keys():
        raise ConfigError(
            f"package {name} does not have the module of its entry point {target!r}", hint="install it again"
        )
