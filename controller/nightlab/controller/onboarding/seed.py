"""Finds how a script's random seed may be set: from what the hyperparameter action says, and from shell scripts.

That one is honoured is proven by runs, which are `onboard`'s; here is what to try, in which order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from nightlab.controller.actions.model import Note
from nightlab.controller.config.schema import Seed
from nightlab.controller.onboarding.programs import SHELLS, base_name, passes_arguments

UNKNOWN_BASE: Final = 1337
LARGEST: Final = 2**31 - 64
_ARGUMENT: Final = re.compile(r"seed: argument (?P<name>\S+) default (?P<value>.+)")
_VARIABLE: Final = re.compile(r"seed: variable (?P<name>\w+)(?: default (?P<value>.+))?")
_LITERAL: Final = re.compile(r"seed: literal (?P<name>.+) = (?P<value>[^=]+)")
_ON_COMMAND: Final = re.compile(
    r"(?P<name>--?[\w.-]*seed|--?[\w.-]*random[-_]state|\+{0,2}[\w.]*seed=)(?:=?(?P<value>\d{1,10}))?", re.IGNORECASE
)
_IN_SHELL: Final = re.compile(r"\$\{(\w*SEED\w*|\w*seed\w*):?[-=](\d+)\}")
_OPEN_IN_SHELL: Final = re.compile(r"\$\{?(\w*SEED\w*|\w*seed\w*)\b")


@dataclass(frozen=True, slots=True)
class SeedOption:
    """One way to set the seed.

    Attributes:
        seed: As the config has it; its base is the script's own value where that is known.
        is_known: Whether the script's own value is known.
        reason: Where it was found.
    """

    seed: Seed
    is_known: bool
    reason: str


def seed_options(notes: Iterable[Note], argv: Sequence[str], scripts: Sequence[str]) -> list[SeedOption]:
    """Return the ways to try, the easiest first.

    Args:
        notes: What the hyperparameter action says of the repo.
        argv: The training command.
        scripts: Texts of the shell scripts that the command goes through, the ENTRYPOINT's too.
    """
    found = [*_of_command(argv), *(option for script in scripts for option in _of_script(script))]
    takes_arguments = _takes_arguments(argv, scripts)
    for note in notes:
        option = _of_note(note)
        if option is not None and option.seed.kind == "argument" and not takes_arguments:
            option = _default_of(option, note)
        if option is not None:
            found.append(option)
    on_command = {option.seed.name for option in _of_command(argv)}
    order = {"variable": 1, "argument": 0 if takes_arguments else 2, "literal": 3}
    unique: dict[tuple[str, str], SeedOption] = {}
    for option in sorted(
        found, key=lambda each: (each.seed.name not in on_command, order[each.seed.kind], not each.is_known)
    ):
        unique.setdefault((option.seed.kind, option.seed.name), option)
    return list(unique.values())


def _takes_arguments(argv: Sequence[str], scripts: Sequence[str]) -> bool:
    """Whether an argument that is added to the command reaches Python."""
    if len(argv) > 1 and base_name(argv[0]) in SHELLS:
        return any(passes_arguments(script) for script in (argv[2:3] if argv[1] == "-c" else scripts))
    return base_name(argv[0]) != "make" if argv else False


def _of_command(argv: Sequence[str]) -> Iterable[SeedOption]:
    """Seeds that the command has already: replacing one works however the script reads it."""
    for word, after in zip(argv[1:], [*argv[2:], ""], strict=True):
        match = _ON_COMMAND.fullmatch(word)
        value = (
            (match["value"] or (after if after.isdigit() and not match["name"].endswith("=") else "")) if match else ""
        )
        if match is not None and value:
            yield SeedOption(_seed("argument", match["name"], value), True, "the command has it")


def _of_script(text: str) -> Iterable[SeedOption]:
    for name, value in _IN_SHELL.findall(text):
        yield SeedOption(
            _seed("variable", name, value), True, f"a shell script takes ${name}, {value} if it is not set"
        )
    if not _IN_SHELL.search(text):
        for name in _OPEN_IN_SHELL.findall(text):
            if not re.search(rf"(?m)^\s*(?:export\s+)?{re.escape(name)}=", text):
                yield SeedOption(_seed("variable", name, ""), False, f"a shell script takes ${name}")


def _of_note(note: Note) -> SeedOption | None:
    where = f"{note.pointer} has it" if note.pointer else "the source has it"
    if match := _ARGUMENT.fullmatch(note.summary):
        if match["name"].startswith("-"):
            return SeedOption(_seed("argument", match["name"], match["value"]), match["value"].isdigit(), where)
    elif match := _VARIABLE.fullmatch(note.summary):
        value = (match["value"] or "").strip("\"'")
        return SeedOption(_seed("variable", match["name"], value), value.isdigit(), where)
    elif match := _LITERAL.fullmatch(note.summary):
        return SeedOption(
            _seed("literal", match["name"], match["value"].strip()), match["value"].strip().isdigit(), where
        )
    return None


def _default_of(option: SeedOption, note: Note) -> SeedOption | None:
    """An argument that cannot be passed is set by its default in the source, where it has one."""
    if not option.is_known or not note.detail:
        return None
    return SeedOption(_seed("literal", note.detail, str(option.seed.base)), True, f"{option.reason} as a default")


def _seed(kind: Literal["argument", "variable", "literal"], name: str, value: str) -> Seed:
    base = int(value) if value.isdigit() and len(value) < 11 and int(value) < LARGEST else UNKNOWN_BASE
    return Seed(kind=kind, name=name, base=base)
