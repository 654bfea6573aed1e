"""`nightlab gate`: put any working tree through the gate, or explain what changed in it and who did it."""

from __future__ import annotations

import asyncio
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from nightlab.controller.cli.output import JsonFlag, answering, print_json, print_lines, say

if TYPE_CHECKING:
    from nightlab.controller.inspection.gate import Wanted


class FixLevel(StrEnum):
    """As `[lint] fix`."""

    OFF = "off"
    SAFE = "safe"
    ALL = "all"


LEVELS: Final[dict[FixLevel, Literal["off", "safe", "all"]]] = {
    FixLevel.OFF: "off",
    FixLevel.SAFE: "safe",
    FixLevel.ALL: "all",
}


def gate(
    path: Annotated[Path, typer.Argument(help="The working tree: a clone, a folder of one, any directory.")] = Path(),
    base: Annotated[str, typer.Option("--base", help="Compare with this commit; HEAD if not given.")] = "",
    since: Annotated[str, typer.Option("--since", help="Explain what changed since this commit, and who did it.")] = "",
    fix: Annotated[FixLevel | None, typer.Option(help="Try ruff's fixes on a copy, in place of lint.fix.")] = None,
    format_: Annotated[bool, typer.Option("--format", help="Try `ruff format` on a copy.")] = False,
    select: Annotated[str, typer.Option(help="Rules to fix, as ruff's own: E,F401.")] = "",
    all_files: Annotated[bool, typer.Option("--all-files", help="Fix and format what did not change, too.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the fixes that are let through.")] = False,
    smoke: Annotated[bool, typer.Option("--smoke", help="Make the smoke run in a container.")] = False,
    entry: Annotated[list[str] | None, typer.Option(help="A file that the training command starts.")] = None,
    python: Annotated[str, typer.Option(help="The interpreter's version, such as 3.11.")] = "",
    diff: Annotated[bool, typer.Option("--diff", help="With --since: show the diff, too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what did not pass.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check a working tree as a study does before a launch. Exit 0 passed, 1 failed, 3 fixes wait for you.

    Nothing of the repo is run and nothing is written, unless --smoke and --write say so.

    Examples:
      nightlab gate
      nightlab gate ../my-repo --fix safe --format
      nightlab gate --since HEAD --diff
    """
    from nightlab.controller.inspection.gate import Wanted

    with answering(as_json):
        _check_together(since, base, write, fix, format_)
        version = _version(python)
        if since:
            _explain(path, since, version, as_json=as_json, with_diff=diff)
            return
        rules = tuple(rule.strip() for rule in select.split(",") if rule.strip())
        level = LEVELS[fix] if fix is not None else None
        wanted = Wanted(path, base, level, format_ or None, rules, all_files, write, smoke, version, tuple(entry or ()))
        code = _inspect(wanted, as_json=as_json, is_quiet=quiet)
    raise typer.Exit(code)


def _inspect(wanted: Wanted, *, as_json: bool, is_quiet: bool) -> int:
    from nightlab.controller.inspection.gate import inspect
    from nightlab.controller.report.gate_page import closing_line, gate_page
    from nightlab.controller.report.view import to_json

    view = asyncio.run(inspect(wanted, note=_silent if as_json or is_quiet else say))
    if as_json:
        verdict: dict[str, Any] = {"state": view.state.value, "exit_code": view.exit_code}
        print_json({**verdict, **to_json(view)})
        return view.exit_code
    print_lines(gate_page(view, is_quiet=is_quiet))
    if not is_quiet:
        say(closing_line(view))
    return view.exit_code


def _explain(path: Path, base: str, python: tuple[int, int] | None, *, as_json: bool, with_diff: bool) -> None:
    from nightlab.controller.inspection.gate import since
    from nightlab.controller.report.gate_page import since_page

    view = asyncio.run(since(path, base, python=python))
    if as_json:
        print_json(view)
        return
    print_lines(since_page(view, with_diff=with_diff))
    if not with_diff and view.explanation.changes:
        say("--diff shows the lines")


def _check_together(since: str, base: str, write: bool, fix: FixLevel | None, format_: bool) -> None:
    """Name options that contradict each other.

    Raises:
        BadParameter: Exit code 2.
    """
    if since and (base or write or fix is not None or format_):
        raise typer.BadParameter("--since explains only; leave out --base, --fix, --format and --write")
    if write and fix is FixLevel.OFF and not format_:
        raise typer.BadParameter("--write writes fixes; add --fix safe, --fix all or --format")


def _version(text: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"(3)\.(\d{1,2})(?:\.\d+)?", text)
    if text and found is None:
        raise typer.BadParameter(f"--python {text!r} is not a version such as 3.11")
    return (int(found[1]), int(found[2])) if found else None


def _silent(text: str) -> None:
    """Tell nothing: a program reads."""
