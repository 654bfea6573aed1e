"""Finds the files of a tree that a training command starts: scripts, modules, and what a shell script names.

A guess that only narrows where actions look; with nothing found they look everywhere.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from nightlab.controller.model.tree import Tree

SCRIPT: Final = re.compile(r"\.(?:py|sh|bash)$")
SHELL_DEPTH: Final = 3
Reader = Callable[[str], bytes]


def entry_points(
    argv: Sequence[str], tree: Tree, *, workspace: str, workdir: str, read: Reader, depth: int = SHELL_DEPTH
) -> tuple[str, ...]:
    """Return paths of the tree, in the order the command names them.

    Args:
        argv: The training command, the image's ENTRYPOINT included.
        tree: Where to look.
        workspace: Where the tree appears in the container.
        workdir: Where the command starts.
        read: Returns the content of a path of the tree.
        depth: How many shell scripts deep to look.
    """
    found: dict[str, None] = {}
    for path in _named(argv, tree, workspace, workdir):
        found[path] = None
        if path.endswith((".sh", ".bash")) and depth > 0:
            words = _shell_words(read(path).decode(errors="replace"))
            inner = entry_points(words, tree, workspace=workspace, workdir=workdir, read=read, depth=depth - 1)
            found.update(dict.fromkeys(inner))
    return tuple(found)


def _named(argv: Sequence[str], tree: Tree, workspace: str, workdir: str) -> Iterable[str]:
    for index, word in enumerate(argv):
        candidates = [
            _below(posixpath.join(workdir, word), workspace),
            _below(posixpath.join(workspace, word), workspace),
        ]
        if word == "-m" and index + 1 < len(argv):
            module = argv[index + 1].replace(".", "/")
            stems = [module, f"src/{module}"]
            candidates += [f"{stem}{end}" for stem in stems for end in (".py", "/__main__.py")]
        yield from (path for path in candidates[:1] + candidates[1:] if path in tree.by_path)


def _below(path: str, root: str) -> str:
    normal = posixpath.normpath(path)
    return normal.removeprefix(root.rstrip("/") + "/") if SCRIPT.search(normal) else ""


def _shell_words(text: str) -> list[str]:
    words: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        try:
            words += shlex.split(line, comments=True)
        except ValueError:
            words += line.split()
    return words
