"""Asks the image's interpreter what it imports without the repo. What it answers is checked: it is the image's word."""

from __future__ import annotations

import json
import posixpath
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from nightlab.api.digest import SYMLINK
from nightlab.controller.gate.repo_config import MOST_BYTES, read_repo_config
from nightlab.controller.model.tree import Tree
from nightlab.controller.repo.blobs import BlobStore

SETTINGS: Final = ("pyproject.toml", "setup.cfg")
MODULES_KEPT: Final = 20_000
PATHS_KEPT: Final = 100
NAME: Final = re.compile(r"[^\W\d]\w{0,99}(?:\.[^\W\d]\w{0,99})?")
# Modules and packages of every directory of sys.path outside of the repo; of a directory without __init__ what is in
# it, because a namespace package is put together from all of sys.path.
CODE: Final = """
import json, os, pkgutil, site, sys
workspace = sys.argv[1].rstrip("/") + "/"
names = set(sys.builtin_module_names) | set(getattr(sys, "stdlib_module_names", ()))
for path in sys.path[1:]:
    if (path + "/").startswith(workspace) or not os.path.isdir(path):
        continue
    names.update(found.name for found in pkgutil.iter_modules([path]))
    for entry in os.scandir(path):
        if entry.name.isidentifier() and entry.name not in names and entry.is_dir():
            names.update(entry.name + "." + found.name for found in pkgutil.iter_modules([entry.path]))
user = site.getusersitepackages()
print(json.dumps([sorted(names), sys.path[1:], user if os.path.isdir(user) else ""]))
"""


@dataclass(frozen=True, slots=True)
class Imports:
    """What an interpreter imports without the repo.

    Attributes:
        modules: Names, dotted in namespace packages, sorted.
        search_path: Its sys.path without the script's own directory, absolute.
        user_site: Its user's own directory of packages; "" if that does not exist.
    """

    modules: tuple[str, ...] = ()
    search_path: tuple[str, ...] = ()
    user_site: str = ""


def requires_python(tree: Tree, blobs: BlobStore) -> str:
    """Return the repo's own word on its Python, for where no interpreter tells; empty if it says nothing."""
    files = {}
    for path in SETTINGS:
        entry = tree.by_path.get(path)
        if entry is not None and entry.mode != SYMLINK and entry.size <= MOST_BYTES:
            with suppress(KeyError):
                files[path] = blobs.read(entry.sha256, MOST_BYTES)
    return read_repo_config(files).requires_python


def parse_imports(output: bytes) -> Imports | None:
    """Read what CODE printed on its last line; None if that is something else."""
    lines = output.strip().splitlines()
    try:
        modules, search_path, user_site = json.loads(lines[-1])
        names = tuple(name for name in modules if NAME.fullmatch(name))[:MODULES_KEPT]
        paths = tuple(posixpath.normpath(path) for path in search_path if path.startswith("/"))[:PATHS_KEPT]
        return Imports(names, paths, str(user_site)[:4096])
    except (IndexError, ValueError, TypeError, AttributeError, RecursionError):
        return None
