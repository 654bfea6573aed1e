"""Tells which files of the repo a training command starts, from its words alone: scripts, modules, config files.

Following what those files import is the plugins' part; nothing is opened here.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

_LINKS_FOLLOWED: Final = 16
_SUFFIXES: Final = (".py", ".sh", ".toml", ".yaml", ".yml", ".json")


def entry_points(
    command: str | Sequence[str], paths: Collection[str], *, workdir: str = "", links: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """List the files of a tree that a command names.

    Args:
        command: As in the config: a string is split as a shell would.
        paths: All files of the tree.
        workdir: Where the command runs, relative to the tree; empty: its root or unknown.
        links: The tree's symbolic links, path -> target; a command that names one starts what it points to.

    Returns:
        Files, never links, in the command's order, without repeats. Empty if it names none, such as an installed
        console script.
    """
    words = _words(command)
    found: list[str] = []
    for index, word in enumerate(words):
        after_m = index > 0 and words[index - 1] == "-m"
        candidates = _module(word) if after_m else _file(word, workdir)
        found.extend(_first_known(candidates, paths, links or {}))
    return tuple(dict.fromkeys(found))


def _words(command: str | Sequence[str]) -> list[str]:
    if not isinstance(command, str):
        outer = list(command)
    else:
        try:
            outer = shlex.split(command)
        except ValueError:
            outer = command.split()
    # `sh -c "cd src && python train.py"` and --config=a.yaml hold words of their own
    return [part for word in outer for piece in word.split() for part in piece.strip(";&|()").split("=") if part]


def _module(name: str) -> list[str]:
    base = name.replace(".", "/")
    return [f"{base}.py", f"{base}/__main__.py", f"src/{base}.py", f"src/{base}/__main__.py"]


def _file(word: str, workdir: str) -> list[str]:
    if not word.endswith(_SUFFIXES):
        return []
    parts = [part for part in PurePosixPath(word).parts if part not in ("/", ".", "..")]
    below = [str(PurePosixPath(workdir, *parts))] if workdir and not word.startswith("/") else []
    # an absolute path lies in the image, where the tree's root is not known: its longest ending that is in the tree
    return below + ["/".join(parts[start:]) for start in range(len(parts))]


def _first_known(candidates: Sequence[str], paths: Collection[str], links: Mapping[str, str]) -> Iterator[str]:
    for candidate in candidates:
        path = _followed(candidate, links)
        if path in paths:
            yield path
            return


def _followed(path: str, links: Mapping[str, str]) -> str:
    """Resolve the links on a path, of directories too; one that leaves the tree or goes in circles resolves to ""."""
    for _ in range(_LINKS_FOLLOWED):
        parts = path.split("/")
        heads = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
        link = next((head for head in heads if head in links), None)
        if link is None:
            return "" if path.startswith("../") else path
        target = posixpath.join(posixpath.dirname(link), links[link])
        path = posixpath.normpath(target + path.removeprefix(link))
    return ""
