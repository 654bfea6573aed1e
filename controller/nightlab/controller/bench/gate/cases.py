"""Reads a corpus of cases: small programs, and what is done to each behind its author's back or by an edit.

A corpus is a folder with a folder a case: `before.py`, further files, and `case.toml` with what is done and what must
follow (tests/lint-corpus/README.md has the fields). Running them belongs to others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from nightlab.controller.errors import ConfigError

ENTRY: Final = "before.py"
DESCRIPTION: Final = "case.toml"
NO_RULE: Final = "NONE"
FILE_BYTES: Final = 4 * 2**20
CACHES: Final = frozenset({"__pycache__", ".ruff_cache", ".mypy_cache"})


class Kind(StrEnum):
    """What a case shows."""

    LINT = "lint"
    HARMLESS = "neg"
    OUT_OF_BAND = "oob"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Program:
    """Something to launch.

    Attributes:
        name: Of the case it is from.
        files: By path; the entry point is `before.py`.
        needs: Packages beyond the standard library.
        argv: How it is started.
    """

    name: str
    files: Mapping[str, bytes]
    needs: frozenset[str] = frozenset()
    argv: tuple[str, ...] = ("python3", ENTRY)

    def with_files(self, files: Mapping[str, bytes]) -> Program:
        """Return it with some files replaced or added."""
        return replace(self, files={**self.files, **files})


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Attributes:
        name: Of its folder.
        kind: What it shows.
        program: As its author left it.
        rules: Any of which explains what the tool does: ruff's codes, "format", "ALL", "default", or a tool's name.
        tool: Program that does it; "ruff" is the toolbox's.
        commands: Its arguments, one list a call; file names included.
        effect: "silent", "crash" or "none", as the corpus has it.
        expect_rule: Of a bug: what sees it; "NONE": no rule does.
        later_edit: What its author adds to the entry point after the tool ran.
    """

    name: str
    kind: Kind
    program: Program
    rules: tuple[str, ...] = ()
    tool: str = "ruff"
    commands: tuple[tuple[str, ...], ...] = ()
    effect: str = "none"
    expect_rule: str = NO_RULE
    later_edit: str = ""

    def finished(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return files with the author's later edit at the end of the entry point."""
        return {**files, ENTRY: files[ENTRY] + self.later_edit.encode()}

    @property
    def options(self) -> tuple[str, ...]:
        """All arguments of all calls."""
        return tuple(word for command in self.commands for word in command)


class _Description(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Kind
    rules: tuple[str, ...] = ()
    tool: str = "ruff"
    ruff_args: tuple[str, ...] = ()
    then_ruff_args: tuple[str, ...] = ()
    targets: tuple[str, ...] = (ENTRY,)
    effect: str = "none"
    expect_rule: str = NO_RULE
    needs: tuple[str, ...] = ()
    agent_edit_after_lint: str = ""


def read_corpus(corpus: Path, only: str = "") -> tuple[Case, ...]:
    """Read the cases of a corpus, or those whose name has a text in it: maybe none.

    Args:
        corpus: The folder with the cases, or the one above it in which they are in `corpus/`.
        only: Part of a case's name; empty: all.

    Raises:
        ConfigError: It has no case at all, or one cannot be read.
    """
    inner = corpus / "corpus"
    folder = inner if inner.is_dir() else corpus
    described = sorted(path.parent for path in folder.glob(f"*/{DESCRIPTION}"))
    if not described:
        raise ConfigError(f"{folder} has no case: each is a folder with a {DESCRIPTION} in it")
    return tuple(_read(path) for path in described if only in path.name)


def _read(folder: Path) -> Case:
    files = _files_of(folder)
    try:
        said = _Description.model_validate(tomllib.loads(files.pop(DESCRIPTION).decode()))
    except (ValidationError, ValueError) as error:
        raise ConfigError(f"{folder / DESCRIPTION} cannot be read: {error}") from error
    if ENTRY not in files:
        raise ConfigError(f"{folder} has no {ENTRY}")
    calls = [call for call in (said.ruff_args, said.then_ruff_args) if call]
    return Case(
        name=folder.name,
        kind=said.kind,
        program=Program(folder.name, files, frozenset(said.needs)),
        rules=said.rules,
        tool=said.tool,
        commands=tuple((*call, *said.targets) for call in calls),
        effect=said.effect,
        expect_rule=said.expect_rule,
        later_edit=said.agent_edit_after_lint,
    )


def _files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not CACHES & set(path.parts))
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.stat().st_size <= FILE_BYTES
    }
