"""Finds files that Python would import in place of what was sealed, of the standard library or of what is installed.

A copy of the code in an output directory shadows nothing; `json.py` beside the entry point does. Only names are looked
at, never a content: where the files lie and what is installed come in as data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.gate.verify import SITE_DIRECTORIES

SHADOWING_SHOWN: Final = 200
SELF_STARTED: Final = frozenset({"sitecustomize", "usercustomize"})
SOURCES: Final = (".py", ".pyc", ".pyo", ".pyd", ".so")


@dataclass(frozen=True, slots=True)
class Shadow:
    """A file that hides another, or that is run without being asked for.

    Attributes:
        path: Of the file.
        hides: What it is taken for: "`json` of the image", "`pkg.lib` of the sealed tree", ...
    """

    path: str
    hides: str

    def __str__(self) -> str:
        """Say what is wrong in one line."""
        return f"{self.path} would be taken for {self.hides}"


class Imports:
    """What imports find in a sealed workspace.

    Args:
        known: Files that belong there: sealed ones and the site's seeds.
        roots: Directories that Python looks into, in its order; "" is the workspace.
        installed: Modules of the image's interpreter: "json", "torch", "google.protobuf".
    """

    def __init__(self, known: Iterable[str], roots: Sequence[str], installed: Collection[str]) -> None:
        self._roots = tuple(roots)
        self._installed = installed
        files = tuple(known)
        self._code = {_directory(path) for path in files if path.endswith(".py")}
        self._modules = [_modules_below(root, files) for root in self._roots]
        self._siblings = {(_directory(path), name) for path in files if (name := _own_name(path)) is not None}
        self._packages = {_directory(path) for path in files if path.endswith("/__init__.py")}
        self._siblings |= {_split(package) for package in self._packages}

    def shadow(self, path: str, *, is_text: bool = True) -> Shadow | None:
        """Say what an added file hides; None for one that hides nothing.

        Args:
            path: Of the file, or of a link to a directory.
            is_text: Of a .pth file: whether it is one of Python's and not a checkpoint.
        """
        directory, name = _split(path)
        if name == "conftest.py" and (directory in self._code or directory in self._roots):
            return Shadow(path, "a conftest.py of the sealed tree, which pytest runs by itself")
        if name.endswith(".pth"):
            is_read = directory.rpartition("/")[2] in SITE_DIRECTORIES or directory in self._roots
            return Shadow(path, "a path file, which Python runs by itself") if is_read and is_text else None
        return self._by_root(path) or self._by_directory(path)

    def _by_root(self, path: str) -> Shadow | None:
        for index, root in enumerate(self._roots):
            module = module_of(path, root)
            if module is None:
                continue
            if found := self._standard(path, module):
                return found
            if any(module in modules for modules in self._modules[index:]):
                return Shadow(path, f"`{module}` of the sealed tree")
        return None

    def _by_directory(self, path: str) -> Shadow | None:
        """A script of any sealed directory may be started; then that is where Python looks first."""
        for directory, name in _places(path):
            if directory in self._code and (found := self._standard(path, name)):
                return found
            if (directory, name) in self._siblings:
                return Shadow(path, f"`{name}` of the sealed {directory or 'workspace'}")
        return None

    def _standard(self, path: str, module: str) -> Shadow | None:
        if module in SELF_STARTED:
            return Shadow(path, f"`{module}`, which Python runs by itself")
        return Shadow(path, f"`{module}` of the image") if module in self._installed else None


def module_of(path: str, root: str) -> str | None:
    """Return the dotted name by which a file is imported from a root; None if it cannot be."""
    if root and not path.startswith(f"{root}/"):
        return None
    *directories, name = path.removeprefix(f"{root}/" if root else "").split("/")
    own = _stem(name)
    if own is None or "__pycache__" in directories or not all(part.isidentifier() for part in directories):
        return None
    parts = directories if own == "__init__" else [*directories, own]
    return ".".join(parts) or None


def _stem(name: str) -> str | None:
    """Return the module name of a file, or of a link to a package, which has no suffix."""
    own, dot, _ = name.partition(".")
    if not own.isidentifier() or (dot and not name.endswith(SOURCES)):
        return None
    is_extension = name.endswith((".so", ".pyd"))
    return own if is_extension or name.count(".") <= 1 else None


def _modules_below(root: str, files: Iterable[str]) -> frozenset[str]:
    """Return all modules and packages that lie below a root, packages without an __init__ too."""
    found: set[str] = set()
    for path in files:
        module = module_of(path, root) if path.endswith(SOURCES) else None
        while module and module not in found:
            found.add(module)
            module = module.rpartition(".")[0]
    return frozenset(found)


def _places(path: str) -> list[tuple[str, str]]:
    """Return the directory and name under which a file is a module, and its package one if it begins a package."""
    directory, name = _split(path)
    own = _stem(name)
    if own is None:
        return []
    return [_split(directory)] if own == "__init__" and directory else [(directory, own)]


def _own_name(path: str) -> str | None:
    name = _split(path)[1]
    return _stem(name) if path.endswith(SOURCES) else None


def _directory(path: str) -> str:
    return path.rpartition("/")[0]


def _split(path: str) -> tuple[str, str]:
    directory, _, name = path.rpartition("/")
    return directory, name
