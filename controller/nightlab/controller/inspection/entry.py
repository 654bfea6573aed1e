"""Which files the training command starts, as far as the words of a config or of the user tell."""

from __future__ import annotations

from dataclasses import dataclass

from nightlab.api.digest import SYMLINK
from nightlab.controller.actions.entry import entry_points
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError
from nightlab.controller.inspection.subject import Subject
from nightlab.controller.text import inert


@dataclass(frozen=True, slots=True)
class Entry:
    """What must really be read.

    Attributes:
        paths: Files of the tree.
        why_none: Why there are none, in a few words; empty with some.
    """

    paths: tuple[str, ...]
    why_none: str = ""


def entry_of(subject: Subject, config: Config | None, named: tuple[str, ...]) -> Entry:
    """Return the entry points.

    Args:
        subject: The working tree.
        config: None: there is no nightlab.toml.
        named: By the user; they win.

    Raises:
        ConfigError: The user names a file that is not there.
    """
    missing = [path for path in named if path not in subject.tree.by_path]
    if missing:
        raise ConfigError(
            f"--entry {inert(missing[0], 200)!r} is no file of {subject.root} that git does not ignore",
            hint="give it relative to the directory that the gate looks at",
        )
    if named:
        return Entry(named)
    if config is None:
        return Entry((), "no nightlab.toml; --entry FILE")
    workdir = config.train.workdir
    found = entry_points(
        config.train.command, subject.paths, workdir="" if workdir.startswith("/") else workdir, links=_links(subject)
    )
    return Entry(found, "" if found else "the training command names no file")


def _links(subject: Subject) -> dict[str, str]:
    links = ((e.path, subject.contents.get(e.sha256)) for e in subject.tree.entries if e.mode == SYMLINK)
    return {path: target.decode(errors="surrogateescape") for path, target in links if target is not None}
