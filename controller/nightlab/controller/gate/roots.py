"""Where Python looks for modules when a command runs: directories of the workspace, in the order of sys.path."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Mapping, Sequence

from nightlab.controller.gate.verify import SITE_DIRECTORIES


def import_roots(
    argv: Sequence[str],
    env: Mapping[str, str],
    *,
    cwd: str,
    workspace: str,
    search_path: Sequence[str],
    known: Iterable[str],
) -> tuple[str, ...]:
    """Return directories relative to the workspace, "" for itself, the first that Python looks into first.

    Args:
        argv: The training command; words of a shell's text count too.
        env: Its environment.
        cwd: Where it starts, absolute.
        workspace: Absolute.
        search_path: sys.path of the image's interpreter, absolute.
        known: Files of the workspace, relative.
    """
    files = set(known)
    words = _words(argv)
    scripts = [posixpath.dirname(path) for word in words if (path := _below(word, cwd, workspace)) in files]
    python_path = [_below(entry, cwd, workspace) for entry in env.get("PYTHONPATH", "").split(":") if entry]
    image_path = [_below(entry, cwd, workspace) for entry in search_path if entry]
    here = [_below(".", cwd, workspace)]
    first = here if "-m" in words else [d for d in scripts if d is not None]
    found = [*first, *python_path, *image_path, *_site_directories(files), *here, *scripts, ""]
    return tuple(dict.fromkeys(directory for directory in found if directory is not None))


def _words(argv: Sequence[str]) -> list[str]:
    """Return the words of a command, those inside of a shell's text too."""
    words: list[str] = []
    for word in argv:
        words.append(word)
        if any(character.isspace() for character in word):
            try:
                words += shlex.split(word)
            except ValueError:
                words += word.split()
    return words


def _below(path: str, cwd: str, workspace: str) -> str | None:
    """Return a path relative to the workspace; None if it lies elsewhere."""
    absolute = posixpath.normpath(posixpath.join(cwd, path))
    root = posixpath.normpath(workspace)
    if absolute == root:
        return ""
    return absolute.removeprefix(f"{root}/") if absolute.startswith(f"{root}/") else None


def _site_directories(files: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for path in files:
        parts = path.split("/")
        for index, part in enumerate(parts[:-1]):
            if part in SITE_DIRECTORIES:
                found["/".join(parts[: index + 1])] = None
    return list(found)
