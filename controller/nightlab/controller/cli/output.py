"""How commands answer: data on stdout, everything else on stderr, errors as text or as one JSON object.

Exit codes: 0 done, 1 failed, 2 usage, 3 waiting for a person, 130 interrupted.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from nightlab.controller.errors import NightlabError, StoreError
from nightlab.controller.report.view import to_json
from nightlab.controller.text import inert

FAILED: Final = 1
INTERRUPTED: Final = 130
PIPE_COLUMNS: Final = 1000
_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for programs.")]


def print_json(value: object) -> None:
    """Write one JSON document on stdout."""
    json.dump(to_json(value), sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def print_rich(*renderables: object) -> None:
    """Write tables and text on stdout, never reading them as markup."""
    console = Console(markup=False, highlight=False, emoji=False)
    for renderable in renderables:
        console.print(renderable)


def print_lines(*renderables: object) -> None:
    """Write text on stdout: wrapped for a terminal, each line whole for a pipe or a file."""
    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    console = Console(markup=False, highlight=False, emoji=False, width=width)
    for renderable in renderables:
        console.print(renderable)


def say(text: str) -> None:
    """Tell the person something beside the data. Errors quote what a run printed: no character of it takes effect."""
    shown = inert(text, keep_lines=True)
    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    console.print(Text(shown), soft_wrap=not sys.stderr.isatty())  # a path in a log is one word


@contextmanager
def answering(as_json: bool = False) -> Iterator[None]:
    """Turn errors that a caller can act on into an answer and an exit code."""
    try:
        yield
    except NightlabError as error:
        _print_error(error, as_json)
        raise typer.Exit(FAILED) from error
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        told = StoreError(str(error), hint="free some space there; `nightlab run --resume` goes on with a study")
        _print_error(told, as_json)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as error:
        say("interrupted")
        raise typer.Exit(INTERRUPTED) from error


def _print_error(error: NightlabError, as_json: bool) -> None:
    if as_json:
        body: dict[str, Any] = {"error": {"code": error.code, "message": str(error), "hint": error.hint}}
        print_json(body)
        return
    say(f"error: {error}")
    if error.hint:
        say(f"  remedy: {error.hint}")
