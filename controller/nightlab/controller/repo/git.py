"""Starts the host's git, in a git directory that nightlab made and with no configuration but nightlab's own.

A user's git directory is never handed to git: its config, hooks, filters, fsmonitor, textconv, external diff, included
files and replacement refs are therefore never read. What git needs of it (index, objects) is copied or lent by path.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from nightlab.controller.errors import RepoError
from nightlab.controller.text import inert

GIT_TIMEOUT_S: Final = 120.0
SHA1: Final = "sha1"
SHA256: Final = "sha256"

# Each of these could otherwise name a program, or make git read or write more than was asked.
_SETTINGS: Final = (
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.bigFileThreshold=16m",
    "core.quotePath=true",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "commit.gpgSign=false",
)


class Git:
    """Git on one git directory of nightlab's own.

    Args:
        git_dir: Made by `make_git_dir` or `scratch_git_dir`.
        work_tree: The directory whose files git looks at; None for a bare repository.
        settings: Further "name=value" configuration.
    """

    def __init__(self, git_dir: Path, *, work_tree: Path | None = None, settings: Sequence[str] = ()) -> None:
        self.git_dir = git_dir
        self._work_tree = work_tree
        self._settings = (*_SETTINGS, *settings)

    def run(self, *args: str, stdin: bytes = b"", ok: Sequence[int] = (0,)) -> bytes:
        """Run one git command and return what it printed.

        Args:
            args: The command and its arguments. Path arguments are literal, never patterns.
            stdin: What the command reads.
            ok: Exit codes that are no failure.

        Raises:
            RepoError: git is missing, failed, or did not end within GIT_TIMEOUT_S.
        """
        options = [part for setting in self._settings for part in ("-c", setting)]
        command = [git_program(), "--no-pager", "--literal-pathspecs", *options, *args]
        env = clean_environment(GIT_DIR=str(self.git_dir))
        if self._work_tree is not None:
            env["GIT_WORK_TREE"] = str(self._work_tree)
        return _run(command, env=env, cwd=self.git_dir, stdin=stdin, ok=ok)

    def text(self, *args: str, ok: Sequence[int] = (0,)) -> str:
        """Run a command whose output is one line, and return it without the line's end."""
        return os.fsdecode(self.run(*args, ok=ok)).strip("\n")


def _run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: bytes, ok: Sequence[int]) -> bytes:
    try:
        done = subprocess.run(
            command, env=env, cwd=cwd, input=stdin, capture_output=True, timeout=GIT_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RepoError(f"git {_verb(command)} did not end within {GIT_TIMEOUT_S:.0f} s; is the disk stuck?") from error
    if done.returncode not in ok:
        said = inert(done.stderr.decode(errors="replace").strip(), 500) or "nothing"
        raise RepoError(f"git {_verb(command)} ended with {done.returncode} and said: {said}")
    return done.stdout


def _verb(command: Sequence[str]) -> str:
    words = iter(command[1:])
    for word in words:
        if word == "-c":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


@cache
def git_program() -> str:
    """Return the absolute path of git; a relative part of PATH could name a program of the repo.

    Raises:
        RepoError: There is none.
    """
    found = shutil.which("git", path=_absolute_path())
    if found is None:
        raise RepoError("git is not installed on this machine; install it (apt-get install git) and run this again")
    return found


def clean_environment(**extra: str) -> dict[str, str]:
    """Return the environment that git gets: none of the caller's GIT_* variables, no system or user configuration."""
    return {
        "PATH": _absolute_path(),
        "LC_ALL": "C",
        "TZ": "UTC",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        **extra,
    }


def _absolute_path() -> str:
    parts = os.environ.get("PATH", os.defpath).split(":")
    return ":".join(part for part in parts if part.startswith("/"))


def make_git_dir(git_dir: Path, *, object_format: str = SHA1, lent_objects: Sequence[Path] = ()) -> None:
    """Make a git directory without templates, hooks or a branch.

    Args:
        git_dir: Exists and is empty, or holds an earlier one.
        object_format: SHA1 or SHA256.
        lent_objects: Object directories that git may read besides its own.

    Raises:
        RepoError: A lent directory's path has a line break.
    """
    for part in ("objects/info", "refs/heads", "info"):
        (git_dir / part).mkdir(parents=True, exist_ok=True)
    version = "0\n" if object_format == SHA1 else f"1\n[extensions]\n\tobjectFormat = {object_format}\n"
    (git_dir / "config").write_text(f"[core]\n\trepositoryformatversion = {version}")
    # Highest precedence: no attribute of a tree takes effect.
    names = (
        "diff",
        "filter",
        "text",
        "eol",
        "crlf",
        "working-tree-encoding",
        "ident",
        "merge",
        "whitespace",
        "encoding",
    )
    (git_dir / "info/attributes").write_text("* " + " ".join(f"!{name}" for name in names) + "\n")
    if any("\n" in str(path) for path in lent_objects):
        raise RepoError(f"a line break in the path {str(lent_objects[0])!r} keeps git from reading it; rename it")
    (git_dir / "objects/info/alternates").write_bytes(b"".join(os.fsencode(path) + b"\n" for path in lent_objects))
    # Last: git takes the directory for a repository once HEAD is there.
    (git_dir / "HEAD").write_text("ref: refs/heads/none\n")


@contextmanager
def scratch_git_dir(*, object_format: str = SHA1, lent_objects: Sequence[Path] = ()) -> Iterator[Path]:
    """Make a git directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="nightlab-git-") as name:
        make_git_dir(Path(name), object_format=object_format, lent_objects=lent_objects)
        yield Path(name)


def user_excludes_file(git_dir: Path) -> Path | None:
    """Return the ignore file that the user's own (global and system) git configuration names, or git's default one.

    Reading configuration runs nothing, and git_dir keeps the repo's configuration out of it.
    """
    env = {name: os.environ[name] for name in ("HOME", "XDG_CONFIG_HOME") if name in os.environ}
    env |= {"PATH": _absolute_path(), "LC_ALL": "C", "GIT_DIR": str(git_dir)}
    command = [git_program(), "config", "--type=path", "--get", "core.excludesFile"]
    # 128: a broken file of the user; git itself would refuse to work, nightlab goes on with the default.
    named = _run(command, env=env, cwd=git_dir, stdin=b"", ok=(0, 1, 128)).rstrip(b"\n")
    if named:
        return Path(os.fsdecode(named))
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.environ.get("HOME", "/nonexistent"), ".config")  # noqa: PTH118
    default = Path(home, "git/ignore")
    return default if default.is_file() else None
